// What goes into and comes out of a running container: logs, commands, files, figures.
#include <algorithm>
#include <optional>
#include <thread>

#include "runtimes/docker/cli/command.h"
#include "tests/integration/docker_cli/engine.h"
#include "tests/support/support.h"

namespace holdfast::docker {
namespace {

using Inside = EngineTest;

constexpr const char* kIdle = "trap 'exit 0' TERM; while :; do sleep 1; done";

std::string texts(const std::vector<LogLine>& lines) {
  std::string out;
  for (const auto& line : lines) out += line.text + "|";
  return out;
}

TEST_F(Inside, LogsAreMergedAndFiltered) {
  const auto container = run("for i in 1 2 3 4 5 6 7 8 9; do echo out$i; done; echo err1 >&2; echo err2 >&2");
  wait_for_status(container, "exited");
  const auto all = client().logs(container, false, {});
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->size(), 11u);
  EXPECT_TRUE(
      std::is_sorted(all->begin(), all->end(), [](const auto& a, const auto& b) { return a.at < b.at; }));
  LogQuery query;
  query.tail = 2;
  query.stream = "stderr";
  EXPECT_EQ(texts(client().logs(container, false, query).value_or(std::vector<LogLine>{})), "err1|err2|");
  query.stream = "stdout";  // beyond the newest two of both streams
  EXPECT_EQ(texts(client().logs(container, false, query).value_or(std::vector<LogLine>{})), "out8|out9|");
  query.tail = 100;
  EXPECT_EQ(client().logs(container, false, query)->size(), 9u);
  query = {};
  query.tail = 0;
  EXPECT_TRUE(client().logs(container, false, query)->empty());
  query.tail = 100;
  query.since = all->back().at;
  EXPECT_EQ(client().logs(container, false, query)->back().text, all->back().text);
  query.since = all->back().at + std::chrono::nanoseconds{1};
  EXPECT_TRUE(client().logs(container, false, query)->empty());
  EXPECT_EQ(client().logs(name("-none"), false, {}).error().code, ErrorCode::kNotFound);
}

TEST_F(Inside, LogsHoldLongLinesWhole) {
  const auto container =
      run("i=0; while [ $i -lt 5000 ]; do printf 0123456789; i=$((i+1)); done; echo; echo end");
  wait_for_status(container, "exited");
  const auto lines = client().logs(container, false, {});
  ASSERT_TRUE(lines) << lines.error().message;
  ASSERT_EQ(lines->size(), 2u);
  EXPECT_EQ(lines->at(0).text.size(), 50'000u);
  EXPECT_EQ(lines->at(0).text.find('T'), std::string::npos) << "no time amid it";
  EXPECT_EQ(lines->at(1).text, "end");
}

TEST_F(Inside, LogsOfATerminalAreStdout) {
  auto spec = shell("echo one; echo two >&2");
  spec.tty = true;
  const auto container = name();
  ASSERT_TRUE(client().create(container, spec));
  ASSERT_TRUE(client().start(container));
  wait_for_status(container, "exited");
  const auto lines = client().logs(container, true, {});
  ASSERT_TRUE(lines) << lines.error().message;
  EXPECT_EQ(texts(*lines), "one|two|");
  for (const auto& line : *lines) EXPECT_EQ(line.stream, "stdout");
}

TEST_F(Inside, CommandsGiveCodeAndOutput) {
  const auto container = run(kIdle);
  auto result = client().exec(container, {"/bin/sh", "-c", "echo out; echo err >&2; exit 5"}, kLong);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->exit_code, 5);
  EXPECT_EQ(result->output.size(), std::string("out\nerr\n").size()) << result->output;
  for (const int code : {0, 1, 125, 126, 127, 255}) {
    result = client().exec(container, {"/bin/sh", "-c", "exit " + std::to_string(code)}, kLong);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->exit_code, code);
  }
  result = client().exec(
      container, {"/bin/sh", "-c", "i=0; while [ $i -lt 2000 ]; do echo 0123456789; i=$((i+1)); done"},
      kLong);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->output.size(), 4096u);
}

TEST_F(Inside, CommandsMaySoundLikeDocker) {
  const auto container = run(kIdle);
  const auto result = client().exec(
      container, {"/bin/sh", "-c", "echo 'Error response from daemon: No such container: x' >&2; exit 1"},
      kLong);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->exit_code, 1);
}

TEST_F(Inside, CommandsThatCantBeExecutedAreInvalid) {
  const auto container = run(kIdle);
  for (const auto* program : {"/no/such/program", "no-such-program", "/bin", "--help"}) {
    const auto result = client().exec(container, {program}, kLong);
    ASSERT_FALSE(result) << program << ": " << result->exit_code << result->output;
    EXPECT_EQ(result.error().code, ErrorCode::kInvalid) << result.error().message;
  }
}

TEST_F(Inside, CommandsNeedARunningContainer) {
  const auto container = name();
  EXPECT_EQ(client().exec(container, {"true"}, kLong).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(client().create(container, shell("true")));
  EXPECT_EQ(client().exec(container, {"true"}, kLong).error().code, ErrorCode::kConflict);
}

TEST_F(Inside, CommandsAreKilledAfterTheDeadline) {
  const auto container = run(kIdle);
  const std::string mark = "marker-of-" + container;
  const auto running = [&] {  // how many of its processes are
    const auto found = client().exec(
        container, {"/bin/sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'"}, kLong);
    EXPECT_TRUE(found) << found.error().message;
    size_t count = 0;
    for (auto at = found->output.find(mark); at != std::string::npos; at = found->output.find(mark, at + 1))
      ++count;
    return count;
  };
  // It ignores everything it can, and so does what it started.
  const std::string script =
      "trap '' TERM HUP INT PIPE; sh -c 'while :; do sleep 1; done' " + mark + " & while :; do sleep 1; done";
  test::SimClock clock;
  const auto timed = make_cli_client(options(), clock);
  std::optional<Result<ExecResult>> result;
  std::thread thread([&] {
    result = timed->exec(container, {"/bin/sh", "-c", script, mark}, std::chrono::milliseconds{100});
  });
  EXPECT_TRUE(test::wait_until([&] { return running() >= 2; }));
  clock.advance(std::chrono::milliseconds{100});
  thread.join();
  ASSERT_FALSE(*result);
  EXPECT_EQ(result->error().code, ErrorCode::kTimeout) << result->error().message;
  EXPECT_TRUE(test::wait_until([&] { return running() == 0; }));
  EXPECT_EQ(look(container).status, "running") << "the container's own process is not a part of it";
}

TEST_F(Inside, FilesArriveInDirectoriesThatMayBeMissing) {
  const test::TempDir dir;
  const auto packed =
      run_command({.argv = {"/bin/sh", "-c",
                            "cd " + dir.path() + " && echo content >file && chmod 640 file && tar c file"}},
                  clock_, {});
  ASSERT_TRUE(packed) << packed.error().message;
  const auto container = name();
  ASSERT_TRUE(client().create(container, shell("cat /bin/file /made/by/upload/file && test -x /bin/sh")));
  for (const auto* directory : {"/bin", "/made/by/upload", "/made/by/upload"}) {
    const auto sent = client().upload(container, directory, packed->out);
    ASSERT_TRUE(sent) << directory << ": " << sent.error().message;
  }
  ASSERT_TRUE(client().start(container));
  wait_for_status(container, "exited");
  EXPECT_EQ(log_of(container), "content\ncontent\n");
  EXPECT_EQ(look(container).exit_code, 0);
  EXPECT_FALSE(client().upload(container, "/bin/file", packed->out)) << "it is no directory";
  EXPECT_EQ(client().upload(name("-none"), "/bin", packed->out).error().code, ErrorCode::kNotFound);
}

TEST_F(Inside, FiguresAreThoseOfRunningContainers) {
  const auto first = run(kIdle, "-a"), second = run(kIdle, "-b");
  const auto idle = name("-c");
  ASSERT_TRUE(client().create(idle, shell("true")));
  const auto usage = client().stats({second, name("-none"), idle, first, "--help"});
  ASSERT_EQ(usage.size(), 5u);
  for (const size_t i : {0u, 3u}) {
    EXPECT_GT(usage[i].memory_bytes.value_or(0), 0);
    EXPECT_GE(usage[i].processes.value_or(0), 1);
    EXPECT_TRUE(usage[i].cpu_percent);
  }
  for (const size_t i : {1u, 2u, 4u}) EXPECT_FALSE(usage[i].memory_bytes || usage[i].cpu_percent);
  EXPECT_TRUE(client().stats({}).empty());
}

TEST_F(Inside, PullsSayWhyThereIsNoImage) {
  const auto pulled = client().pull("127.0.0.1:1/no-such-image:7", {}, {});
  ASSERT_FALSE(pulled);
  EXPECT_NE(pulled.error().code, ErrorCode::kUnavailable) << "the engine is there; the registry isn't";
  EXPECT_NE(pulled.error().message.find("127.0.0.1:1"), std::string::npos) << pulled.error().message;
  EXPECT_EQ(client().pull("--all-tags", {}, {}).error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace holdfast::docker
