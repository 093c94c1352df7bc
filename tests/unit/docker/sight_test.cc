// What a record and a container amount to.
#include "runtimes/docker/sight.h"

namespace holdfast::docker {
namespace {

using namespace std::chrono_literals;

const std::string kFirst = "2026-01-01T00:00:01.000000001Z";
const std::string kSecond = "2026-01-01T00:00:02.000000002Z";
const std::string kThird = "2026-01-01T00:00:03.000000003Z";
const Moment kNow{.mono = MonoTime{1010s}, .wall = *parse_rfc3339("2026-01-01T00:00:10Z"), .boot = "boot"};

RunRecord recorded(const std::string& before, const std::string& started) {
  return {.container = "c1",
          .incarnation = 5,
          .restart_nonce = 2,
          .spec_hash = "hash",
          .before = before,
          .started = started,
          .boot = "boot"};
}
Container made() {
  return {.id = "c1", .name = "holdfast-web-0", .status = "created"};
}
Container running(const std::string& since, const std::string& status = "running") {
  auto container = made();
  container.status = status;
  container.started_at = since;
  container.pid = 77;
  return container;
}
Container exited(const std::string& since, int code, const std::string& finished = kThird) {
  auto container = made();
  container.status = "exited";
  container.started_at = since;
  container.finished_at = finished;
  container.exit_code = code;
  return container;
}

// One line for the whole sight: "5 Running", "5 Exited: exit code 3", "nothing"; "!" for others' starts.
std::string text_of(const Sight& sight) {
  std::string text = sight.started_by_others ? "! " : "";
  if (!sight.instance) return text + "nothing";
  text += std::to_string(sight.instance->incarnation) + " " + std::string(to_string(sight.instance->phase));
  if (sight.instance->exit) text += ": " + sight.instance->exit->reason;
  return text;
}
Sight see(RunRecord& record, const Container& container) {
  return look(record, container, {"web", 0}, kNow);
}

RunRecord with_previous(RunRecord record) {
  record.previous = 4;
  return record;
}
RunRecord with_error(RunRecord record) {
  record.start_error = "exec: no such file";
  return record;
}
RunRecord forgotten(RunRecord record) {
  record.forgotten = true;
  return record;
}
RunRecord nobodys(const std::string& before) {  // an adopted one that didn't run
  return {.container = "c1", .before = before, .adopted = "web"};
}
Container refused(Container container) {
  container.error = "OCI runtime create failed";
  return container;
}

TEST(Sight, TellsWhatBecameOfARun) {
  struct Case {
    const char* name;
    RunRecord record;
    Container container;
    const char* seen;
  };
  const std::vector<Case> cases = {
      // the controller died between writing the record and starting
      {"recorded, not started, first run", recorded("", ""), made(), "nothing"},
      {"recorded, not started, a run before", with_previous(recorded(kFirst, "")), exited(kFirst, 3),
       "4 Exited: exit code 3"},
      {"recorded, not started, the run before was forgotten", recorded(kFirst, ""), exited(kFirst, 3),
       "nothing"},
      // between starting and writing it down
      {"started while nobody looked", recorded("", ""), running(kFirst), "5 Running"},
      {"started again while nobody looked", with_previous(recorded(kFirst, "")), running(kSecond),
       "5 Running"},
      {"started and ended while nobody looked", with_previous(recorded(kFirst, "")), exited(kSecond, 3),
       "5 Exited: exit code 3"},
      {"started and ended while nobody looked, first run", recorded("", ""), exited(kFirst, 0),
       "5 Exited: exit code 0"},
      // the engine refused
      {"refused", with_error(recorded("", "")), refused(made()),
       "5 Exited: cannot start: exec: no such file"},
      {"refused, a run before", with_error(with_previous(recorded(kFirst, ""))), exited(kFirst, 3),
       "5 Exited: cannot start: exec: no such file"},
      {"refused, and the controller died", recorded("", ""), refused(made()),
       "5 Exited: cannot start: OCI runtime create failed"},
      {"refused, and forgotten", forgotten(with_error(recorded("", ""))), refused(made()), "nothing"},
      {"refused, and then started by others", with_error(recorded("", "")), running(kFirst), "5 Running"},
      // this run
      {"runs", recorded("", kFirst), running(kFirst), "5 Running"},
      {"ended", recorded("", kFirst), exited(kFirst, 3), "5 Exited: exit code 3"},
      {"ended, and forgotten", forgotten(recorded("", kFirst)), exited(kFirst, 3), "nothing"},
      {"paused", recorded("", kFirst), running(kFirst, "paused"), "5 Running"},
      {"restarting", recorded("", kFirst), running(kFirst, "restarting"), "5 Starting"},
      {"removing", recorded("", kFirst), running(kFirst, "removing"), "5 Running"},
      {"stopping (Podman)", recorded("", kFirst), running(kFirst, "stopping"), "5 Running"},
      {"dead", recorded("", kFirst),
       [] {
         auto c = exited(kFirst, 3);
         c.status = "dead";
         return c;
       }(),
       "5 Exited: exit code 3"},
      // others start and stop it too
      {"restarted by others", recorded("", kFirst), running(kSecond), "! 6 Running"},
      {"restarted by others and ended", recorded("", kFirst), exited(kSecond, 3), "! 6 Exited: exit code 3"},
      {"forgotten and started by others", forgotten(recorded("", kFirst)), running(kSecond), "! 6 Running"},
      {"forgotten, started by others and ended", forgotten(recorded("", kFirst)), exited(kSecond, 1),
       "! 6 Exited: exit code 1"},
      // adopted
      {"adopted, did not run", nobodys(kFirst), exited(kFirst, 3), "nothing"},
      {"adopted, never ran", nobodys(""), made(), "nothing"},
      {"adopted, failed to start for somebody", nobodys(""), refused(made()), "nothing"},
      {"made anew by its owner, not started", recorded("", kFirst), made(), "nothing"},
      {"made anew by its owner, and started", recorded("", kFirst), running(kThird), "! 6 Running"},
  };
  for (auto [name, record, container, seen] : cases) {
    EXPECT_EQ(text_of(see(record, container)), seen) << name;
    const auto once = record;
    auto again = see(record, container);
    EXPECT_FALSE(again.started_by_others) << name << ", seen again";
    EXPECT_EQ(record, once) << name << ", seen again";
    const auto plain = std::string(seen).starts_with("! ") ? std::string(seen).substr(2) : seen;
    EXPECT_EQ(text_of(again), plain) << name << ", seen again";
  }
}

TEST(Sight, TellsOfARunAllThatIsRecorded) {
  auto record = recorded("", "");
  const auto seen = *see(record, running(kFirst)).instance;
  EXPECT_EQ(seen.id, (InstanceId{"web", 0}));
  EXPECT_EQ(seen.pid, 77);
  EXPECT_EQ(seen.restart_nonce, 2u);
  EXPECT_EQ(seen.spec_hash, "hash");
  EXPECT_EQ(seen.started_wall, parse_rfc3339(kFirst));
  EXPECT_EQ(seen.started_at, kNow.mono - (kNow.wall - *parse_rfc3339(kFirst)));
  EXPECT_FALSE(seen.exit || seen.stopping_since || seen.runtime_ready);
  EXPECT_EQ(record.started, kFirst);
  EXPECT_EQ(record.boot, "boot");
}

TEST(Sight, AnEngineAheadOfUsStartedNowAtTheLatest) {
  auto record = recorded("", "");
  EXPECT_EQ(see(record, running("2026-01-01T01:00:00Z")).instance->started_at, kNow.mono);
  auto odd = recorded("", "");
  EXPECT_EQ(see(odd, running("yesterday")).instance->started_at, kNow.mono);
}

// The times of another boot are dropped from a record when it is read.
TEST(Sight, AfterARebootARunThatEndedHasNoMonotonicStart) {
  auto record = recorded("", kFirst);
  const auto seen = *see(record, exited(kFirst, 137)).instance;
  EXPECT_FALSE(seen.started_at);
  EXPECT_EQ(seen.started_wall, parse_rfc3339(kFirst));
}

TEST(Sight, AskedToStopItIsStoppingUntilItEnds) {
  auto record = recorded("", kFirst);
  record.stopping_since = MonoTime{1005s};
  auto seen = see(record, running(kFirst));
  EXPECT_EQ(seen.instance->phase, Phase::kStopping);
  EXPECT_EQ(seen.instance->stopping_since, MonoTime{1005s});
  seen = see(record, exited(kFirst, 143));
  EXPECT_EQ(seen.instance->phase, Phase::kExited);
  EXPECT_FALSE(seen.instance->stopping_since || record.stopping_since);
}

TEST(Sight, StartedAgainByOthersItIsNotStopping) {
  auto record = recorded("", kFirst);
  record.stopping_since = MonoTime{1005s};
  EXPECT_EQ(see(record, running(kSecond)).instance->phase, Phase::kRunning);
}

TEST(Sight, RemovalByOthersIsNoStopThatWasAskedFor) {
  auto record = recorded("", kFirst);
  const auto seen = see(record, running(kFirst, "removing"));
  EXPECT_EQ(seen.instance->stopping_since, std::nullopt);
  EXPECT_EQ(seen.instance->runtime_ready, false);
}

TEST(Sight, HealthIsTheRuntimesWordOnReadiness) {
  const std::vector<std::tuple<std::string, std::string, std::optional<bool>, std::string>> cases = {
      {"", "", std::nullopt, ""},
      {"healthy", "fine", true, ""},
      {"starting", "", false, "the image's health check: starting"},
      {"unhealthy", "connection refused", false, "the image's health check: unhealthy: connection refused"},
  };
  for (const auto& [health, output, ready, message] : cases) {
    auto record = recorded("", kFirst);
    auto container = running(kFirst);
    container.health = health;
    container.health_message = output;
    const auto seen = *see(record, container).instance;
    EXPECT_EQ(seen.runtime_ready, ready) << health;
    EXPECT_EQ(seen.message, message) << health;
  }
}

TEST(Sight, WhatIsPausedDoesNotServeHealthyOrNot) {
  auto record = recorded("", kFirst);
  auto container = running(kFirst, "paused");
  container.health = "healthy";
  const auto seen = *see(record, container).instance;
  EXPECT_EQ(seen.runtime_ready, false);
  EXPECT_EQ(seen.message, "it is paused; to go on: docker unpause holdfast-web-0");
}

TEST(Sight, AFailedStartIsNoExitOfTheProgram) {
  auto record = with_error(with_previous(recorded(kFirst, "")));
  auto seen = *see(record, exited(kFirst, 127, kSecond)).instance;
  EXPECT_TRUE(seen.exit->start_failed);
  EXPECT_FALSE(seen.exit->code || seen.exit->signal);
  EXPECT_EQ(seen.exit->at, *parse_rfc3339(kSecond));
  auto first = with_error(recorded("", ""));
  EXPECT_EQ(see(first, made()).instance->exit->at, kNow.wall);  // the engine tells no time
}

TEST(Sight, TheRunBeforeHasItsOwnTimes) {
  auto record = with_previous(recorded(kFirst, ""));
  record.started_mono = MonoTime{1001s};
  const auto seen = *see(record, exited(kFirst, 3)).instance;
  EXPECT_EQ(seen.started_wall, parse_rfc3339(kFirst));
  EXPECT_FALSE(seen.started_at);
  EXPECT_EQ(seen.exit->at, *parse_rfc3339(kThird));
}

TEST(ExitOf, ReadsCodesAboveThatOfTheLastSignalAsCodes) {
  struct Case {
    int code;
    bool oom;
    std::optional<int> exit_code, signal;
    std::string reason;
  };
  const std::vector<Case> cases = {
      {0, false, 0, {}, "exit code 0"},
      {3, false, 3, {}, "exit code 3"},
      {128, false, 128, {}, "exit code 128"},
      {134, false, {}, 6, "killed by signal 6 (ABRT)"},
      {137, false, {}, 9, "killed by signal 9 (KILL)"},
      {143, false, {}, 15, "killed by signal 15 (TERM)"},
      {192, false, {}, 64, "killed by signal 64"},
      {193, false, 193, {}, "exit code 193"},
      {255, false, 255, {}, "exit code 255"},
      {-1, false, -1, {}, "exit code -1"},
      {137, true, {}, 9, "killed by signal 9 (KILL), out of memory"},
      {1, true, 1, {}, "exit code 1, out of memory"},
      {0, true, 0, {}, "exit code 0"},  // a child of it ran out of memory, it did not
  };
  for (const auto& [code, oom, exit_code, signal, reason] : cases) {
    auto container = exited(kFirst, code);
    container.oom_killed = oom;
    const auto exit = exit_of(container);
    EXPECT_EQ(exit.code, exit_code) << code;
    EXPECT_EQ(exit.signal, signal) << code;
    EXPECT_EQ(exit.reason, reason);
    EXPECT_EQ(exit.oom_killed, oom && code != 0) << code;
    EXPECT_EQ(exit.at, *parse_rfc3339(kThird));
  }
  EXPECT_EQ(exit_of(exited(kFirst, 0, "")).at, WallTime{});
}

}  // namespace
}  // namespace holdfast::docker
