// The command line against a real HTTP server, over TCP and over a unix socket; only the control plane behind
// it is in memory.
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/http/server.h"
#include "api/v1/routes.h"
#include "controller/base/file.h"
#include "tests/fakes/fake_control_plane.h"
#include "tests/support/support.h"
#include "tests/unit/cli/run_cli.h"

namespace holdfast::cli {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class CliTest : public ::testing::Test {
 protected:
  void SetUp() override {
    control_.set_base(*parse_json(
        R"({"services": {"web": {"command": ["web"], "replicas": 1, "labels": {"a.b": "x"}}, "db": {"command": ["db"]}}})"));
    start({});
    hooks_.parse_document = [](const std::string&, const std::string& text) { return parse_json(text); };
  }
  void TearDown() override { stop(); }

  void start(http::Options options) {
    if (options.listen == http::Options().listen) options.listen = "127.0.0.1:0";
    auto server = http::Server::start(std::move(options), api::routes(control_, clock_));
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    const auto& address = server_->address();
    variables_["HOLDFAST_SERVER"] = address.starts_with("unix:") ? address : "http://" + address;
  }
  void stop() {
    if (server_) server_->stop(1s);
    server_.reset();
  }
  void restart(http::Options options) {
    stop();
    start(std::move(options));
  }

  Ran cli(const std::vector<std::string>& arguments) { return run_cli(arguments, hooks_, variables_); }
  Json json(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"-o", "json"});
    const auto ran = cli(arguments);
    const auto parsed = parse_json(ran.out);
    EXPECT_TRUE(parsed) << ran.out << ran.err;
    return parsed ? *parsed : Json();
  }
  // An editor that replaces what it is given by the text; with two texts the second comes at the second call.
  std::string editor(const std::vector<std::string>& texts) {
    for (size_t i = 0; i < texts.size(); ++i) {
      EXPECT_TRUE(write_file_atomically(dir_ / ("text" + std::to_string(i + 1)), texts[i]));
    }
    EXPECT_TRUE(write_file_atomically(dir_ / "editor",
                                      "#!/bin/sh\ncd '" + dir_.path() +
                                          "'\necho x >>calls\nn=$(wc -l <calls)\ncp \"$2\" shown$n\n"
                                          "[ -f text$n ] && cp text$n \"$2\"\nexit 0\n",
                                      0755));
    return dir_ / "editor" + " --wait";
  }

  test::SimClock clock_;
  test::TempDir dir_;
  test::FakeControlPlane control_{clock_};
  std::unique_ptr<http::Server> server_;
  Hooks hooks_;
  std::map<std::string, std::string> variables_{{"TMPDIR", dir_.path()}};
};

TEST_F(CliTest, StatusWarnsOfWhatConcernsAllServices) {
  EXPECT_EQ(cli({"status"}).err, "");
  control_.set_ready({true, {{"config", "the newest files are not in force"}, {"state", "ok"}}});
  const auto ran = cli({"status"});
  EXPECT_EQ(ran.code, kExitOk);
  EXPECT_EQ(ran.err, "config: the newest files are not in force\n");
  EXPECT_EQ(cli({"status", "-o", "json"}).err, "");
}

TEST_F(CliTest, ReadyTellsByItsExitCode) {
  const auto good = cli({"ready"});
  EXPECT_EQ(good.code, kExitOk) << good.err;
  EXPECT_EQ(good.out, "ready\n");
  EXPECT_TRUE(json({"ready"}).at("ready").as_bool());
  control_.set_ready({false, {{"config", "ok"}, {"state", "the disk is full"}}});
  const auto bad = cli({"ready"});
  EXPECT_EQ(bad.code, kExitError);
  EXPECT_EQ(bad.err, "holdfast: not ready: state: the disk is full\n");
  stop();
  EXPECT_EQ(cli({"ready"}).code, kExitError);
}

TEST_F(CliTest, StatusListsServices) {
  const auto ran = cli({"status"});
  EXPECT_EQ(ran.code, kExitOk) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("NAME"));
  EXPECT_THAT(ran.out, HasSubstr("web   process  running  Running  yes    1/1  0         4000"));
  EXPECT_THAT(ran.out, HasSubstr("64Mi"));
  EXPECT_THAT(ran.out, Not(HasSubstr("\x1b")));
  EXPECT_EQ(cli({"status", "-o", "names"}).out, "db\nweb\n");
  EXPECT_EQ(json({"status"}).at("items").items().size(), 2u);
  EXPECT_THAT(cli({"status", "-o", "yaml"}).out, HasSubstr("items:\n  - name: db\n"));
}

TEST_F(CliTest, StatusOfOneServiceShowsInstancesAndConditions) {
  control_.change_service("web", [](ServiceStatus& s) {
    s.restarts = 3;
    s.restarts_by_cause = {{"crash", 2}, {"config", 1}};
    s.last_exit = ExitRecord{.code = 3, .signal = {}, .reason = "exit code 3"};
  });
  const auto ran = cli({"status", "web"});
  EXPECT_EQ(ran.code, kExitOk) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("restarts      3 (config 1, crash 2)"));
  EXPECT_THAT(ran.out, HasSubstr("last exit     exit code 3"));
  EXPECT_THAT(ran.out, HasSubstr("INSTANCE"));
  EXPECT_THAT(ran.out, HasSubstr("AllReady"));
  EXPECT_EQ(json({"status", "web"}).at("name").as_string(), "web");
}

TEST_F(CliTest, AnUnknownServiceIsAnError) {
  const auto ran = cli({"status", "we b/.."});
  EXPECT_EQ(ran.code, kExitError);
  EXPECT_THAT(ran.err, HasSubstr("no service named"));
  EXPECT_TRUE(ran.out.empty());
}

TEST_F(CliTest, VerbsWaitAndTellTheOutcome) {
  EXPECT_EQ(cli({"stop", "web"}).out, "web: stopped\n");
  EXPECT_EQ(cli({"stop", "web"}).out, "web: already stopped\n");
  EXPECT_EQ(cli({"start", "web"}).out, "web: started\n");
  EXPECT_EQ(cli({"restart", "web", "db"}).out, "web: restarted\ndb: restarted\n");
  EXPECT_EQ(cli({"stop", "--all"}).out, "db: stopped\nweb: stopped\n");
  EXPECT_EQ(cli({"start", "web", "--no-wait"}).out, "web: start asked for\n");
  EXPECT_EQ(json({"restart", "web"}).at("items").items().size(), 1u);
}

TEST_F(CliTest, OneFailureDoesNotHideTheOthers) {
  const auto ran = cli({"restart", "web", "nobody", "db"});
  EXPECT_EQ(ran.code, kExitError);
  EXPECT_EQ(ran.out, "web: restarted\ndb: restarted\n");
  EXPECT_THAT(ran.err, HasSubstr("nobody: no service named 'nobody'"));
}

TEST_F(CliTest, ManyServicesAreAskedAtOnce) {
  std::vector<std::string> arguments{"stop"};
  for (int i = 0; i < 200; ++i) {
    const auto name = "s" + std::to_string(i);
    control_.set_service(test::running_service(name, clock_));
    arguments.push_back(name);
  }
  const auto ran = cli(arguments);
  EXPECT_EQ(ran.code, kExitOk) << ran.err;
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 200);
}

TEST_F(CliTest, WhatIsNotDoneInTimeIsPending) {
  control_.settle_at_once = false;
  std::jthread expiry([this] {
    if (test::wait_until([this] { return control_.waiting("web") == 1; })) control_.expire_waiting("web");
  });
  const auto ran = cli({"stop", "web", "--timeout", "1"});
  EXPECT_EQ(ran.code, kExitError);
  EXPECT_THAT(ran.out, HasSubstr("web: still pending"));
}

TEST_F(CliTest, VerbsNeedNamesOrAll) {
  EXPECT_THAT(cli({"stop"}).err, HasSubstr("--all"));
  EXPECT_EQ(cli({"stop", "web", "--all"}).code, kExitError);
  EXPECT_TRUE(control_.commands().empty());
}

TEST_F(CliTest, LogsAreShownAsTheyAre) {
  control_.set_logs("web", "one\ntwo\nthree\n");
  EXPECT_EQ(cli({"logs", "web"}).out, "one\ntwo\nthree\n");
  cli({"logs", "web", "--tail", "2", "--stream", "stderr", "--instance", "0", "--since", "10m"});
  EXPECT_EQ(control_.last_logs_query().tail, 2u);
  EXPECT_EQ(control_.last_logs_query().stream, "stderr");
  EXPECT_EQ(control_.last_logs_query().ordinal, 0);
  EXPECT_EQ(control_.last_logs_query().since, clock_.wall() - 10min);
  EXPECT_EQ(cli({"logs", "db"}).code, kExitError) << "the runtime has none";
}

Event event(const std::string& service, const std::string& type, const std::string& message) {
  Event result;
  result.service = service;
  result.type = type;
  result.message = message;
  result.cause = "crash";
  return result;
}

TEST_F(CliTest, EventsAreListed) {
  control_.add_event(event("web", "Exited", "exit code 3"));
  control_.add_event(event("db", "Started", "started"));
  const auto ran = cli({"events"});
  EXPECT_THAT(ran.out, HasSubstr("2026-01-01 00:00:00Z  web      Exited   crash  exit code 3\n"));
  EXPECT_THAT(cli({"events", "db"}).out, Not(HasSubstr("web")));
  EXPECT_EQ(json({"events", "--limit", "1"}).at("items").items().size(), 1u);
}

// Collects what a command that doesn't end writes, and can be asked while it runs.
class SharedBuffer : public std::streambuf {
 public:
  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 protected:
  std::streamsize xsputn(const char* data, std::streamsize size) override {
    const std::lock_guard lock(mutex_);
    text_.append(data, static_cast<size_t>(size));
    return size;
  }
  int_type overflow(int_type c) override {
    const std::lock_guard lock(mutex_);
    text_ += traits_type::to_char_type(c);
    return c;
  }

 private:
  std::mutex mutex_;
  std::string text_;
};

TEST_F(CliTest, EventsAreFollowedFromThePastOnWithoutAGap) {
  control_.add_event(event("web", "Exited", "past"));
  SharedBuffer out_buffer, err_buffer;
  std::ostream out(&out_buffer), err(&err_buffer);
  const Terminal terminal{out, err, false, [this](const std::string& name) -> std::optional<std::string> {
                            return variables_.contains(name) ? std::optional(variables_[name]) : std::nullopt;
                          }};
  int code = -1;
  std::jthread follower([&] { code = run({"events", "web", "-f", "-o", "json"}, hooks_, terminal); });
  EXPECT_TRUE(test::wait_until([&] { return out_buffer.text().find("past") != std::string::npos; }));
  control_.add_event(event("db", "Started", "of another"));
  control_.add_event(event("web", "Started", "live one"));
  EXPECT_TRUE(test::wait_until([&] { return out_buffer.text().find("live one") != std::string::npos; }));
  EXPECT_THAT(out_buffer.text(), Not(HasSubstr("of another")));
  // The controller is restarted on the same address: the follower goes on where it was.
  http::Options options;
  options.listen = server_->address();
  restart(std::move(options));
  EXPECT_TRUE(test::wait_until([&] { return control_.subscriptions() == 1; }));
  control_.add_event(event("web", "Started", "after the break"));
  EXPECT_TRUE(
      test::wait_until([&] { return out_buffer.text().find("after the break") != std::string::npos; }));
  const auto lines = out_buffer.text();
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 3) << lines;
  // From now on it is refused, which ends it.
  options = {};
  options.listen = server_->address();
  options.authenticate = [](const http::Request&) -> Result<http::Identity> {
    return fail(ErrorCode::kPermission, "no token");
  };
  restart(std::move(options));
  follower.join();
  EXPECT_EQ(code, kExitError);
  EXPECT_THAT(err_buffer.text(), HasSubstr("HOLDFAST_TOKEN"));
}

TEST_F(CliTest, ConfigIsShownSetAndExplained) {
  EXPECT_EQ(cli({"config", "get", "services.web.replicas"}).out, "1\n");
  EXPECT_EQ(cli({"config", "set", "services.web.replicas", "3"}).out, "revision 1 is in force\n");
  EXPECT_EQ(cli({"config", "set", "services.web.replicas", "3"}).out, "nothing changed\n");
  EXPECT_EQ(cli({"config", "get", "services.web.replicas"}).out, "3\n");
  cli({"config", "set", "services.web.labels.tier", "5", "--text"});
  EXPECT_EQ(cli({"config", "get", "/services/web/labels"}).out, "a.b: x\ntier: \"5\"\n");
  EXPECT_EQ(cli({"config", "get", "/services/web/labels/a.b"}).out, "x\n");
  const auto explained = cli({"config", "explain", "services.web"});
  EXPECT_THAT(explained.out, HasSubstr("services.web.replicas"));
  EXPECT_THAT(explained.out, HasSubstr("edits"));
  const auto none = cli({"config", "get", "services.nobody"});
  EXPECT_EQ(none.code, kExitError);
  EXPECT_THAT(none.err, HasSubstr("nothing at \"services.nobody\""));
}

TEST_F(CliTest, RevisionsAreListedAndTakenBack) {
  cli({"config", "set", "services.web.replicas", "3"});
  cli({"config", "set", "services.web.replicas", "4"});
  EXPECT_THAT(cli({"config", "revisions"}).out, HasSubstr("REVISION"));
  EXPECT_EQ(json({"config", "revisions"}).at("items").items().size(), 2u);
  EXPECT_EQ(cli({"config", "rollback", "1"}).out, "revision 3 is in force\n");
  EXPECT_EQ(cli({"config", "get", "services.web.replicas"}).out, "3\n");
  EXPECT_THAT(cli({"config", "rollback", "99"}).err, HasSubstr("no revision 99"));
}

TEST_F(CliTest, ARefusedValueShowsWhy) {
  control_.on_validate = [](const Json&) -> Status {
    Error error{ErrorCode::kInvalid, "two faults", "see the documentation", true, {}};
    error.details = {{"services.web.replicas", "must be at least 0", "edits"},
                     {"services.web.x", "unknown key", ""}};
    return fail(std::move(error));
  };
  const auto ran = cli({"config", "set", "services.web.replicas", "-1"});
  EXPECT_EQ(ran.code, kExitError);
  EXPECT_THAT(ran.err, HasSubstr("services.web.replicas: must be at least 0"));
  EXPECT_THAT(ran.err, HasSubstr("see the documentation"));
}

TEST_F(CliTest, EditAppliesWhatTheEditorLeaves) {
  const auto ran = cli({"config", "edit", "--editor", editor({R"({"services": {"web": {"replicas": 5}}})"})});
  EXPECT_EQ(ran.code, kExitOk) << ran.err;
  EXPECT_EQ(ran.out, "revision 1 is in force\n");
  EXPECT_EQ(cli({"config", "get", "services.web.replicas"}).out, "5\n");
  EXPECT_THAT(read_file(dir_ / "shown1").value_or(""), HasSubstr("{}"));
}

TEST_F(CliTest, EditShowsFaultsAndTriesAgain) {
  control_.on_validate = [](const Json& merged) -> Status {
    if (merged.at("services").at("web").at("replicas").as_int() < 9) return {};
    return fail(ErrorCode::kInvalid, "services.web.replicas: must be at most 8");
  };
  variables_["EDITOR"] =
      editor({R"({"services": {"web": {"replicas": 50}}})", R"({"services": {"web": {"replicas": 5}}})"});
  const auto ran = cli({"config", "edit"});
  EXPECT_EQ(ran.code, kExitOk) << ran.err;
  const auto shown = read_file(dir_ / "shown2").value_or("");
  EXPECT_THAT(shown, HasSubstr("# services.web.replicas: must be at most 8\n"));
  EXPECT_THAT(shown, HasSubstr("50")) << "what was written is not lost";
  EXPECT_EQ(cli({"config", "get", "services.web.replicas"}).out, "5\n");
}

TEST_F(CliTest, EditTakesAnEditBack) {
  cli({"config", "set", "services.web.replicas", "7"});
  cli({"config", "set", "services.web.user", "observer"});
  const auto ran =
      cli({"config", "edit", "--editor", editor({R"({"services": {"web": {"user": "observer"}}})"})});
  EXPECT_EQ(ran.code, kExitOk) << ran.err;
  EXPECT_EQ(cli({"config", "get", "services.web.replicas"}).out, "1\n") << "the base file's value is back";
  EXPECT_EQ(cli({"config", "get", "services.web.user"}).out, "observer\n");
  EXPECT_THAT(cli({"config", "get", "services.web.command"}).out, HasSubstr("web")) << "nothing else is lost";
}

TEST_F(CliTest, EditWithoutAChangeChangesNothing) {
  const auto ran = cli({"config", "edit", "--editor", editor({})});
  EXPECT_EQ(ran.code, kExitOk);
  EXPECT_EQ(ran.out, "nothing changed\n");
  EXPECT_TRUE(control_.revisions().empty());
}

TEST_F(CliTest, AFailingEditorChangesNothing) {
  EXPECT_THAT(cli({"config", "edit", "--editor", "/does/not/exist"}).err,
              HasSubstr("cannot start the editor"));
  EXPECT_THAT(cli({"config", "edit", "--editor", "false"}).err, HasSubstr("ended with an error"));
  EXPECT_TRUE(control_.revisions().empty());
}

TEST_F(CliTest, AnOvertakenEditIsRefusedAndKept) {
  control_.on_validate = [](const Json&) -> Status { return fail(ErrorCode::kConflict, "it has changed"); };
  const auto ran = cli({"config", "edit", "--editor", editor({R"({"services": {"web": {"replicas": 5}}})"})});
  EXPECT_EQ(ran.code, kExitError);
  const auto at = ran.err.find(dir_.path() + "/holdfast-edit-");
  ASSERT_NE(at, std::string::npos) << ran.err;
  EXPECT_EQ(read_file(ran.err.substr(at, ran.err.find('\n', at) - at)).value_or(""),
            R"({"services": {"web": {"replicas": 5}}})");
}

TEST_F(CliTest, PlanExitsWithTwoWhenThereAreChanges) {
  const auto file = dir_ / "plan.json";
  ASSERT_TRUE(write_file_atomically(
      file, R"({"services": {"web": {"command": ["new"]}, "extra": {"command": ["x"]}}})"));
  const auto ran = cli({"plan", "-f", file});
  EXPECT_EQ(ran.code, kExitChanges) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("restart web"));
  EXPECT_THAT(ran.out, HasSubstr("create extra\n  start extra/0: new service\n"));
  EXPECT_THAT(ran.out, HasSubstr("delete db"));
  ASSERT_TRUE(write_file_atomically(file, "{}"));
  const auto same = cli({"plan", "-f", file, "--merge"});
  EXPECT_EQ(same.code, kExitOk) << same.err;
  EXPECT_EQ(same.out, "no changes\n");
  ASSERT_TRUE(write_file_atomically(file, "{"));
  EXPECT_EQ(cli({"plan", "-f", file}).code, kExitError);
}

TEST_F(CliTest, WorksOverAUnixSocket) {
  http::Options options;
  options.listen = "unix:" + (dir_ / "api.sock");
  restart(std::move(options));
  EXPECT_EQ(variables_["HOLDFAST_SERVER"], "unix:" + (dir_ / "api.sock"));
  EXPECT_EQ(cli({"status", "-o", "names"}).out, "db\nweb\n");
}

TEST_F(CliTest, SendsItsTokenAndExplainsARefusal) {
  http::Options options;
  options.authenticate = [](const http::Request& request) -> Result<http::Identity> {
    if (request.header("authorization") == "Bearer right") return http::Identity{"me", http::Role::kViewer};
    return fail(ErrorCode::kPermission, "no valid token");
  };
  restart(std::move(options));
  EXPECT_THAT(cli({"status"}).err, HasSubstr("--token-file or HOLDFAST_TOKEN"));
  variables_["HOLDFAST_TOKEN"] = "right\n";
  EXPECT_EQ(cli({"status"}).code, kExitOk);
  ASSERT_TRUE(write_file_atomically(dir_ / "token", "wrong\n"));
  EXPECT_EQ(cli({"status", "--token-file", dir_ / "token"}).code, kExitError) << "the option comes first";
  const auto refused = cli({"stop", "web"});
  EXPECT_EQ(refused.code, kExitError);
  EXPECT_THAT(refused.err, HasSubstr("operator"));
}

}  // namespace
}  // namespace holdfast::cli
