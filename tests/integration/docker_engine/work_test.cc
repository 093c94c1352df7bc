// Logs, commands, files and figures of containers of a real engine.
#include <atomic>
#include <thread>

#include <signal.h>

#include "tests/integration/docker_engine/fixture.h"
#include "tests/support/support.h"

namespace holdfast::docker {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

std::vector<std::string> texts(const Result<std::vector<LogLine>>& lines) {
  std::vector<std::string> out;
  if (!lines) return {"error: " + lines.error().message};
  for (const auto& line : *lines) out.push_back(line.stream + " " + line.text);
  return out;
}

LogQuery newest(size_t tail, std::optional<std::string> stream = {}) {
  LogQuery query;
  query.tail = tail;
  query.stream = std::move(stream);
  return query;
}

TEST_F(RealEngine, ReadsLogs) {
  const auto id = run("echo one; echo two >&2; echo; printf last");
  ASSERT_TRUE(exited(id));
  const auto lines = client_->logs(id, false, {});
  EXPECT_THAT(texts(lines),
              ::testing::UnorderedElementsAre("stdout one", "stderr two", "stdout ", "stdout last"));
  const auto started = parse_rfc3339(inspected(id).started_at);
  ASSERT_TRUE(started);
  for (const auto& line : *lines) EXPECT_GT(line.at + seconds{2}, *started);
  LogQuery later;
  later.since = clock_.wall() + std::chrono::hours{1};
  EXPECT_EQ(texts(client_->logs(id, false, newest(1))).size(), 1u);
  EXPECT_THAT(texts(client_->logs(id, false, newest(1, "stderr"))), ::testing::ElementsAre("stderr two"));
  EXPECT_THAT(texts(client_->logs(id, false, later)), ::testing::IsEmpty());
}

TEST_F(RealEngine, ALineOfManyFramesIsOneLine) {
  const auto id = run("busybox head -c 100000 /dev/zero | busybox tr '\\0' x; echo; echo after");
  ASSERT_TRUE(exited(id));
  const auto lines = client_->logs(id, false, {});
  ASSERT_TRUE(lines) << lines.error().message;
  ASSERT_EQ(lines->size(), 2u);
  EXPECT_EQ(lines->front().text, std::string(100000, 'x'));
  EXPECT_EQ(lines->back().text, "after");
}

TEST_F(RealEngine, ReadsTheLogOfATerminal) {
  const auto container = name();
  auto spec =
      labelled(shell("echo one; echo two >&2; busybox head -c 40000 /dev/zero | busybox tr '\\0' x; echo"));
  spec.tty = true;
  ASSERT_TRUE(client_->create(container, spec));
  ASSERT_TRUE(client_->start(container));
  ASSERT_TRUE(exited(container));
  EXPECT_TRUE(inspected(container).tty);
  const auto lines = texts(client_->logs(container, true, {}));
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], "stdout one");
  EXPECT_EQ(lines[1], "stdout two");
  // Where Podman cuts long lines can't be told.
  const bool podman = client_->ping(seconds{10})->name.starts_with("Podman");
  EXPECT_TRUE(podman || lines[2] == "stdout " + std::string(40000, 'x')) << lines[2];
}

TEST_F(RealEngine, KnowsNoLogOfWhatIsMissing) {
  const auto lines = client_->logs("holdfast-never-made", false, {});
  ASSERT_FALSE(lines);
  EXPECT_EQ(lines.error().code, ErrorCode::kNotFound) << lines.error().message;
}

TEST_F(RealEngine, RunsCommandsInAContainer) {
  const auto id = run("sleep 1000");
  const auto good = client_->exec(id, {"/bin/sh", "-c", "echo out; echo err >&2; exit 5"}, seconds{60});
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_EQ(good->exit_code, 5);
  EXPECT_THAT(good->output, ::testing::AllOf(HasSubstr("out\n"), HasSubstr("err\n")));
  const auto much = client_->exec(id, {"/bin/sh", "-c", "busybox head -c 100000 /dev/zero"}, seconds{60});
  ASSERT_TRUE(much) << much.error().message;
  EXPECT_EQ(much->output.size(), 4096u);
}

TEST_F(RealEngine, ACommandThatIsMissingFails) {
  const auto id = run("sleep 1000");
  const auto result = client_->exec(id, {"/no/such/program"}, seconds{60});
  if (result) {
    EXPECT_NE(result->exit_code, 0);
  } else {
    EXPECT_THAT(result.error().message, HasSubstr("/no/such/program"));
  }
  const auto nowhere = client_->exec("holdfast-never-made", {"/bin/true"}, seconds{60});
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, ErrorCode::kNotFound) << nowhere.error().message;
}

TEST_F(RealEngine, ACommandNeedsARunningContainer) {
  const auto id = run("exit 0");
  ASSERT_TRUE(exited(id));
  const auto result = client_->exec(id, {"/bin/true"}, seconds{60});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kConflict) << result.error().message;
}

TEST_F(RealEngine, KillsTheTreeOfACommandAtItsDeadline) {
  const auto id = run("sleep 1000");
  // A child, and an orphan that was left behind by its parent.
  const auto script = "(busybox sleep 7777 &) ; busybox sleep 7778 & wait";
  const auto result = client_->exec(id, {"/bin/sh", "-c", script}, seconds{1});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kTimeout);
  EXPECT_THAT(result.error().message, HasSubstr("within 1 s"));
  const auto count = [&] {
    const auto seen = client_->exec(id, {"/bin/busybox", "ps"}, seconds{60});
    return seen ? seen->output : seen.error().message;
  };
  EXPECT_TRUE(test::wait_until([&] { return count().find("777") == std::string::npos; })) << count();
  EXPECT_EQ(inspected(id).status, "running") << "the container itself is left alone";
}

std::string tar_of_one_file() {
  // "hello" as "dir/file", made by GNU tar: two headers and a block, all of root.
  std::string out;
  const auto header = [&](const std::string& name, const std::string& mode, const std::string& size,
                          char type) {
    std::string block(512, '\0');
    const auto put = [&](size_t at, const std::string& text) { block.replace(at, text.size(), text); };
    put(0, name);
    put(100, mode);
    put(108, "0000000");
    put(116, "0000000");
    put(124, size);
    put(136, "00000000000");
    put(148, "        ");
    block[156] = type;
    put(257, "ustar");
    put(263, "00");
    unsigned sum = 0;
    for (const char c : block) sum += static_cast<unsigned char>(c);
    std::string octal(6, '0');
    for (size_t i = 6; i-- > 0; sum /= 8) octal[i] = static_cast<char>('0' + sum % 8);
    put(148, octal + std::string(1, '\0') + " ");
    out += block;
  };
  header("dir/", "0000755", "00000000000", '5');
  header("dir/file", "0000640", "00000000005", '0');
  out += "hello" + std::string(507, '\0');
  return out.append(1024, '\0');
}

TEST_F(RealEngine, UnpacksFilesIntoAContainer) {
  const auto container = name();
  const auto script = "cat /etc/holdfast/deep/dir/file; echo; busybox stat -c %a /etc/holdfast";
  auto spec = labelled(shell(script));
  spec.tmpfs = {};
  ASSERT_TRUE(client_->create(container, spec));
  const auto done = client_->upload(container, "/etc/holdfast/deep/", tar_of_one_file());
  ASSERT_TRUE(done) << done.error().message;
  ASSERT_TRUE(client_->upload(container, "/etc/holdfast/deep", tar_of_one_file())) << "again";
  ASSERT_TRUE(client_->upload(container, "/", tar_of_one_file()));
  ASSERT_TRUE(client_->start(container));
  ASSERT_TRUE(exited(container));
  EXPECT_THAT(texts(client_->logs(container, false, newest(100, "stdout"))),
              ::testing::ElementsAre("stdout hello", "stdout 755"));
  const auto missing = client_->upload("holdfast-never-made", "/a/b", tar_of_one_file());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound) << missing.error().message;
}

TEST_F(RealEngine, StreamsFigures) {
  const auto busy = run("while :; do :; done");
  const auto idle = run("sleep 1000");
  std::vector<ResourceUsage> usage;
  ASSERT_TRUE(test::wait_until([&] {
    usage = client_->stats({busy, "holdfast-never-made", idle});
    return usage.at(0).cpu_seconds_total && usage.at(2).memory_bytes;
  }));
  EXPECT_GT(usage[0].memory_bytes.value_or(0), 0);
  EXPECT_EQ(usage[0].processes, 1);
  EXPECT_FALSE(usage[0].cpu_percent);
  EXPECT_FALSE(usage[1].memory_bytes);
  const double before = *usage[0].cpu_seconds_total;
  EXPECT_TRUE(test::wait_until([&] { return client_->stats({busy}).at(0).cpu_seconds_total > before; }));
  client_->signal(busy, SIGKILL);
  ASSERT_TRUE(exited(busy));
  EXPECT_TRUE(test::wait_until([&] { return !client_->stats({busy}).at(0).memory_bytes; }))
      << "once it ended";
  EXPECT_THAT(client_->stats({}), ::testing::IsEmpty());
}

TEST_F(RealEngine, UnpausesWhatIsNotPaused) {
  const auto id = run("sleep 1000");
  const auto done = client_->unpause(id);
  EXPECT_TRUE(done) << done.error().message;
}

}  // namespace
}  // namespace holdfast::docker
