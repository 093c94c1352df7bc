// A docker command that is missing, old, not allowed to, or slow: the real one behind a few lines of shell
// where it takes more than an option to make it so.
#include <atomic>
#include <optional>
#include <thread>

#include "controller/base/file.h"
#include "tests/integration/docker_cli/engine.h"
#include "tests/support/support.h"
#include "tests/support/tiny_server.h"

namespace holdfast::docker {
namespace {

class StrangeDocker : public EngineTest {
 protected:
  std::unique_ptr<Client> with_program(const std::string& program) {
    auto strange = options();
    strange.program = program;
    return make_cli_client(strange, clock_);
  }
  std::unique_ptr<Client> with_script(const std::string& script) {
    const auto path = dir_ / "docker";
    EXPECT_TRUE(write_file_atomically(path, "#!/bin/sh\n" + script + "\n", 0755));
    return with_program(path);
  }
  std::unique_ptr<Client> with_host(const std::string& host) {
    auto strange = options();
    strange.environment = {"DOCKER_HOST=" + host};
    return make_cli_client(strange, clock_);
  }
  test::TempDir dir_;
};

TEST_F(StrangeDocker, MissingIsUnavailable) {
  const auto none = with_program("no-docker-here");
  const auto error = none->ping(kLong).error();
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_EQ(error.message, "the no-docker-here command is not installed");
  EXPECT_FALSE(error.hint.empty());
  EXPECT_EQ(none->inspect("a").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(none->stats({"a", "b"}).size(), 2u);
}

TEST_F(StrangeDocker, WithoutAnEngineIsUnavailable) {
  const auto nobody = with_host("unix://" + dir_ / "no.sock");
  EXPECT_EQ(nobody->ping(kLong).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(nobody->list("a=b").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(nobody->inspect("a").error().code, ErrorCode::kUnavailable) << "it isn't known to be gone";
  EXPECT_EQ(nobody->create("a", shell("true")).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(nobody->start("a").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(nobody->signal("a", 15).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(nobody->unpause("a").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(nobody->remove("a").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(nobody->image("a").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(nobody->pull("a", {}, {}).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(nobody->upload("a", "/x", "x").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(nobody->logs("a", false, {}).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(nobody->exec("a", {"true"}, kLong).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(nobody->stats({"a"}).size(), 1u);
}

TEST_F(StrangeDocker, OfAnUnknownContextIsUnavailable) {
  auto strange = options();
  strange.environment = {"DOCKER_HOST=", "DOCKER_CONTEXT=no-such-context"};
  const auto pinged = make_cli_client(strange, clock_)->ping(kLong);
  ASSERT_FALSE(pinged);
  EXPECT_EQ(pinged.error().code, ErrorCode::kUnavailable) << pinged.error().message;
}

TEST_F(StrangeDocker, NotAllowedToTellsWhatToDo) {
  const auto stranger = with_script("exec setpriv --reuid=65534 --regid=65534 --clear-groups docker \"$@\"");
  for (const auto& error :
       {stranger->ping(kLong).error(), stranger->inspect("a").error(), stranger->remove("a").error()}) {
    EXPECT_EQ(error.code, ErrorCode::kPermission) << error.message;
    EXPECT_NE(error.hint.find("group docker"), std::string::npos) << error.hint;
  }
}

TEST_F(StrangeDocker, ThatGetsNoAnswerIsGivenUp) {
  test::TinyServer silent([](const std::string&) { return std::nullopt; });
  const auto waits = with_host("tcp://127.0.0.1:" + std::to_string(silent.port()));
  const auto pinged = waits->ping(std::chrono::milliseconds{300});
  ASSERT_FALSE(pinged);
  EXPECT_EQ(pinged.error().code, ErrorCode::kTimeout) << pinged.error().message;
}

TEST_F(StrangeDocker, TooOldToForbidAPullIsNotAskedForWhatIsMissing) {
  // As docker 19.03 says it.
  const auto old = with_script(
      "for a in \"$@\"; do case $a in --pull*) echo 'unknown flag: --pull' >&2; exit 125;; esac; done\n"
      "exec docker \"$@\"");
  const auto container = name();
  const auto id = old->create(container, shell("true"));
  ASSERT_TRUE(id) << id.error().message;
  EXPECT_EQ(look(container).id, *id);
  auto spec = shell("true");
  spec.image = "holdfast/no-such-image:7";
  EXPECT_EQ(old->create(name("-b"), spec).error().code, ErrorCode::kNotFound);
}

TEST_F(StrangeDocker, PullsTellHowFarTheyAre) {
  const auto puller = with_script(
      "echo '1: Pulling from web'\necho '0123456789ab: Pulling fs layer'\necho '0123456789ac: Already "
      "exists'\n"
      "echo '0123456789ab: Pull complete'\necho 'Status: Downloaded newer image for web:1'");
  std::vector<PullProgress> progress;
  const auto pulled = puller->pull("web:1", [&](const PullProgress& p) { progress.push_back(p); }, {});
  ASSERT_TRUE(pulled) << pulled.error().message;
  ASSERT_EQ(progress.size(), 3u);
  EXPECT_EQ(progress.back().message, "pulling, 2 of 2 layers");
  EXPECT_EQ(progress.back().fraction, 1);
}

TEST_F(StrangeDocker, PullsStopWhenAsked) {
  const auto puller = with_script("echo '0123456789ab: Pulling fs layer'; exec sleep 600");
  std::stop_source stop;
  std::atomic<bool> heard{false};
  std::optional<Status> pulled;
  std::thread thread(
      [&] { pulled = puller->pull("web:1", [&](const PullProgress&) { heard = true; }, stop.get_token()); });
  EXPECT_TRUE(test::wait_until([&] { return heard.load(); }));
  stop.request_stop();
  thread.join();
  ASSERT_FALSE(*pulled);
  EXPECT_EQ(pulled->error().code, ErrorCode::kUnavailable);
}

TEST_F(StrangeDocker, AnswersThatAreNoneAreErrors) {
  const auto mad = with_script("echo '[{}]'");
  EXPECT_EQ(mad->ping(kLong).error().code, ErrorCode::kInternal);
  EXPECT_EQ(mad->inspect("a").error().code, ErrorCode::kInternal);
  EXPECT_EQ(mad->image("a").error().code, ErrorCode::kInternal);
  EXPECT_EQ(mad->list("a=b").error().code, ErrorCode::kInternal);
  const auto mute = with_script("exit 1");
  EXPECT_EQ(mute->start("a").error().code, ErrorCode::kInternal);
  EXPECT_FALSE(mute->create("a", shell("true")));
}

}  // namespace
}  // namespace holdfast::docker
