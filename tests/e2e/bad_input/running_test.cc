// Bad input to a controller that runs: a clear answer, and nothing changes.
#include <fstream>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "tests/e2e/bad_input/bad_documents.h"
#include "tests/e2e/harness/controller.h"
#include "tests/support/sanitized.h"

namespace holdfast::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

constexpr const char* kGood = R"(apiVersion: holdfast/v1
streaming: {service: streaming}
services:
  web: {command: [sleep, "1000"]}
  streaming: {command: [sleep, "1000"], desired: stopped}
)";

bool runs(const Json& service) {
  return service.at("phase").as_string() == "Running";
}

std::int64_t pid_in(const Json& service) {
  const auto& instances = service.at("instances").items();
  return instances.empty() ? -1 : instances.front().at("pid").as_int();
}

class BadInput : public testing::Test {
 protected:
  void SetUp() override {
    controller_.start();
    const auto web = controller_.wait_service("web", runs);
    ASSERT_TRUE(web);
    pid_ = pid_in(*web);
    config_ = controller_.get("/api/v1/config");
  }
  // Refused as the caller's fault, with the words; nothing has changed.
  void expect_refused(const Answer& answer, int status, const std::string& told) {
    EXPECT_EQ(answer.status, status) << answer.text;
    EXPECT_THAT(answer.headers.at("content-type"), HasSubstr("application/problem+json"));
    EXPECT_THAT(answer.json.at("detail").as_string(), HasSubstr(told));
    EXPECT_FALSE(answer.json.at("hint").as_string().empty()) << "what to do? " << answer.text;
    expect_unchanged();
  }
  void expect_unchanged() {
    const auto now = controller_.get("/api/v1/config");
    EXPECT_EQ(dump_json(now.json), dump_json(config_.json));
    EXPECT_EQ(now.headers.at("etag"), config_.headers.at("etag"));
    EXPECT_EQ(pid_in(controller_.service("web")), pid_);
    EXPECT_TRUE(runs(controller_.service("web")));
  }
  [[nodiscard]] std::string plain_file() const {
    return controller_.dir() / "config.yaml";
  }  // not executable
  [[nodiscard]] std::string config_check() const {
    return controller_.get("/readyz").json.at("checks").at("config").as_string();
  }

  Controller controller_{kGood};
  std::int64_t pid_ = 0;
  Answer config_;
};

TEST_F(BadInput, ABrokenEditOfTheFileKeepsTheLastGoodConfigurationAndIsShown) {
  for (const auto& bad : bad_documents()) {
    if (!bad.file.ends_with(".yaml")) continue;
    SCOPED_TRACE(bad.name);
    controller_.write_config(bad.text);
    const auto place = controller_.dir() / "config.yaml" + (bad.place.empty() ? "" : ":" + bad.place);
    ASSERT_TRUE(wait_until([&] { return config_check().find(bad.told) != std::string::npos; }))
        << config_check();
    EXPECT_THAT(config_check(), HasSubstr(place));
    EXPECT_EQ(controller_.get("/readyz").status, 200) << "what runs is supervised as before";
    EXPECT_EQ(pid_in(controller_.service("web")), pid_);
    EXPECT_TRUE(runs(controller_.service("web")));
    const auto layers = controller_.get("/api/v1/config/layers").json;
    EXPECT_THAT(layers.at("items").items().at(0).at("problem").as_string(), HasSubstr(bad.told));
    const auto told = controller_.cli({"events", "--limit", "5"});
    EXPECT_THAT(told.output, HasSubstr("ConfigRejected"));
    EXPECT_THAT(told.output, HasSubstr(bad.told));
  }
  controller_.write_config(kGood);
  EXPECT_TRUE(wait_until([&] { return config_check() == "ok"; })) << config_check();
  expect_unchanged();
}

TEST_F(BadInput, EditsThroughTheApiAreRefusedWithTheirPath) {
  using namespace std::string_literals;
  const auto patch = [&](const std::string& body) {
    return controller_.request("PATCH", "/api/v1/config", body);
  };
  const auto patch_web = [&](const std::string& body) {
    return controller_.request("PATCH", "/api/v1/services/web", body);
  };
  expect_refused(patch(R"({"services": {"web": )"), 400, "body: line 1, column 22");
  expect_refused(patch(R"({"services": {"web": {"replica": 2}}})"), 400,
                 "services.web.replica: unknown key 'replica'; did you mean 'replicas'?");
  expect_refused(patch_web(R"({"replicas": "many"})"), 400,
                 "services.web.replicas: expected a whole number from 0 to 1000 (got \"many\")");
  expect_refused(patch(R"({"services": {}, "services": {}})"), 400, "duplicate key 'services'");
  expect_refused(patch_web(R"({"dependsOn": {"web": "started"}})"), 400, "services wait for each other");
  expect_refused(patch(nested(R"({"services": )")), 400, "nested deeper than 64 levels");
  expect_refused(patch_web("{\"labels\": {\"a\": \"\xff\"}}"), 400, "body: line 1, column 19");
  expect_refused(patch_web("{\"labels\": {\"a\": \"x\0\"}}"s), 400, "NUL byte");
  expect_refused(patch_web(R"({"labels": {"a": "x\u0000y"}})"), 400,
                 "services.web.labels.a: a NUL character");
  expect_refused(patch_web(R"({"command": ["no-such-program"]})"), 400,
                 "services.web.command: command 'no-such-program' was not found");
  expect_refused(patch_web(R"({"command": [")" + plain_file() + R"("]})"), 400,
                 "services.web.command: command '" + plain_file() + "' isn't executable");
  expect_refused(controller_.request("PUT", "/api/v1/services/web", R"({"command": "sleep 5"})"), 400,
                 "services.web.command");
  expect_refused(patch(R"({"services": {"web": null, "streaming": null}})"), 400, "allowEmpty");
  expect_refused(
      controller_.request("PATCH", "/api/v1/config", "services: {}", {"Content-Type: application/yaml"}), 415,
      "content type 'application/yaml'");
}

TEST_F(BadInput, AnOvertakenEditIsAConflict) {
  const auto stale = std::vector<std::string>{"If-Match: \"0123456789abcdef\""};
  expect_refused(
      controller_.request("PATCH", "/api/v1/config", R"({"services":{"web":{"replicas":2}}})", stale), 412,
      "changed");
  expect_refused(controller_.request("PUT", "/api/v1/services/web", R"({"command":["sleep","1"]})", stale),
                 412, "changed");
  expect_refused(controller_.request("DELETE", "/api/v1/services/web", {}, stale), 412, "changed");
  const auto fresh = std::vector<std::string>{"If-Match: " + config_.headers.at("etag")};
  EXPECT_EQ(
      controller_.request("PATCH", "/api/v1/config", R"({"services":{"web":{"labels":{"a":"b"}}}})", fresh)
          .status,
      200);
}

long peak_kib(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::atol(line.c_str() + 6);
  }
  return -1;
}

TEST_F(BadInput, AHugeBodyIsCutOffAndCostsNoMemory) {
  std::string huge;
  huge.resize(100'000'000, ' ');
  const auto before = peak_kib(controller_.pid());
  ASSERT_GT(before, 0);
  for (const auto& [method, path] : {std::pair{"PATCH", "/api/v1/config"},
                                     {"POST", "/api/v1/plan"},
                                     {"POST", "/api/streaming/config"},
                                     {"POST", "/api/v1/services/web/restart"}}) {
    for (const auto* framing : {"X-Sized: yes", "Transfer-Encoding: chunked"}) {
      const auto answer = controller_.request(method, path, huge, {framing});
      EXPECT_THAT(answer.status, AnyOf(413, 0))
          << method << " " << path << " " << framing << " " << answer.text;
      if (answer.status == 413) {
        EXPECT_THAT(answer.json.at("hint").as_string(), HasSubstr("nothing was changed"));
      }
    }
  }
  // A sanitizer keeps what was freed.
  if (!kSanitized) {
    EXPECT_LT(peak_kib(controller_.pid()), before + 32L * 1024) << "kiB";
  }
  expect_unchanged();
}

TEST_F(BadInput, ACommandThatCannotStartIsToldAndHoldsUpNobody) {
  controller_.write_config(std::string(kGood) +
                           "  missing: {command: [no-such-program]}\n  plain: {command: [" + plain_file() +
                           "]}\n"
                           "  directory: {command: [/etc]}\n  other: {command: [sleep, \"1000\"]}\n");
  EXPECT_TRUE(controller_.wait_service("other", runs));
  for (const auto& [name, told] :
       {std::pair<std::string, std::string>{"missing",
                                            "command 'no-such-program' was not found in the service's PATH"},
        {"plain", "command '" + plain_file() + "' isn't executable"},
        {"directory", "command '/etc' isn't"}}) {
    const auto service = controller_.wait_service(
        name, [](const Json& json) { return json.at("lastError").at("message").is_string(); });
    ASSERT_TRUE(service);
    EXPECT_THAT(service->at("lastError").at("message").as_string(), HasSubstr(told));
    EXPECT_FALSE(service->at("lastError").at("hint").as_string().empty());
    EXPECT_FALSE(service->at("ready").as_bool());
    EXPECT_EQ(service->at("phase").as_string(), "Waiting");
    EXPECT_THAT(controller_.cli({"status", name}).output, HasSubstr(told));
    EXPECT_THAT(controller_.cli({"events", name}).output, HasSubstr(told));
  }
  EXPECT_EQ(pid_in(controller_.service("web")), pid_);
}

class Victim {
 public:
  Victim() {
    pid_ = fork();
    if (pid_ != 0) return;
    execlp("sleep", "sleep", "1000", nullptr);
    _exit(127);
  }
  ~Victim() {
    signal_process(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool lives() const { return waitpid(pid_, nullptr, WNOHANG) == 0; }

 private:
  pid_t pid_;
};

TEST_F(BadInput, APidFileThatNamesAStrangerHarmsNobody) {
  const Victim victim;
  const auto pid_file = controller_.state_dir() + "/streaming.pid";
  const auto forge = [&] {
    ASSERT_TRUE(write_file_atomically(pid_file, std::to_string(victim.pid()) + "\n"));
  };
  const auto post = [&](const std::string& verb) { return controller_.post("/api/streaming/" + verb).json; };

  // Left behind by a controller that died: gone with the next one, and believed by nobody.
  controller_.kill9();
  forge();
  controller_.start();
  EXPECT_FALSE(controller_.get("/api/streaming/status").json.at("running").as_bool());
  EXPECT_FALSE(post("stop").at("success").as_bool()) << "there was nothing to stop";
  EXPECT_TRUE(victim.lives());
  // Forged while the controller runs.
  forge();
  EXPECT_FALSE(post("stop").at("success").as_bool());
  const auto started = post("start");
  EXPECT_TRUE(started.at("success").as_bool());
  EXPECT_NE(started.at("pid").as_int(), victim.pid());
  const auto written = [&] { return read_file(pid_file).value_or(""); };
  EXPECT_TRUE(wait_until([&] { return written() == std::to_string(started.at("pid").as_int()) + "\n"; }))
      << written();
  forge();
  EXPECT_TRUE(post("restart").at("success").as_bool());
  forge();
  EXPECT_TRUE(post("stop").at("success").as_bool());
  EXPECT_TRUE(wait_until([&] { return written().empty(); })) << written();
  EXPECT_TRUE(victim.lives());
  EXPECT_EQ(pid_in(controller_.service("web")), pid_);
}

}  // namespace
}  // namespace holdfast::test
