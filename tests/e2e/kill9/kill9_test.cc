// The controller is killed with KILL at random moments while it starts, stops, restarts and reconfigures
// services. After each, a new one must find: no duplicate, no orphan, no lost edit, log line or exit status;
// and what runs undisturbed has kept its pid.
#include <random>

#include <poll.h>
#include <signal.h>

#include "tests/e2e/harness/controller.h"
#include "tests/e2e/harness/lines.h"
#include "tests/support/sanitized.h"

namespace holdfast::test {
namespace {

constexpr int kServices = 4;  // s0 .. s3 are worked on, "calm" is left alone
// Sanitizers look for faults in the code, the release build for lost moments.
constexpr int kKills = kSanitized ? 20 : 100;

std::string config() {
  const std::string program = line_service();
  std::string yaml =
      "apiVersion: holdfast/v1\ndefaults: {logs: {maxSize: 1Mi, maxFiles: 20}, stop: {gracePeriod: 10s}, "
      "restart: {budget: {attempts: 0}}}\nservices:\n";
  yaml += "  calm: {command: [" + program + "]}\n";
  for (int i = 0; i < kServices; ++i) yaml += "  s" + std::to_string(i) + ": {command: [" + program + "]}\n";
  return yaml;
}

// What a caller was told, and so what must be true afterwards.
struct Promise {
  std::optional<std::string> desired;  // acknowledged; unset while a call was cut
  std::optional<int> edit;
};

class Operator {
 public:
  Operator(const Controller& controller, std::uint32_t seed) : controller_(controller), random_(seed) {}

  // Calls the API until a call is cut.
  void work() {
    for (;;) {
      const int service = static_cast<int>(random_() % kServices);
      const auto name = "s" + std::to_string(service);
      auto& promise = promises_[service];
      int status = 0;
      switch (random_() % 4) {
        case 0:
          promise.desired.reset();
          status = controller_.post("/api/v1/services/" + name + "/start").status;
          if (status) promise.desired = "running";
          break;
        case 1:
          promise.desired.reset();
          status = controller_.post("/api/v1/services/" + name + "/stop").status;
          if (status) promise.desired = "stopped";
          break;
        case 2:
          promise.desired.reset();
          status = controller_.post("/api/v1/services/" + name + "/restart").status;
          if (status) promise.desired = "running";
          break;
        default: {
          const int value = ++edits_;
          promise.edit.reset();
          status = controller_
                       .request("PATCH", "/api/v1/services/" + name,
                                R"({"env":{"EDIT":")" + std::to_string(value) + R"("}})")
                       .status;
          if (status) promise.edit = value;
        }
      }
      if (status == 0) return;
      EXPECT_LT(status, 300) << name;
    }
  }
  [[nodiscard]] const std::map<int, Promise>& promises() const { return promises_; }

 private:
  const Controller& controller_;
  std::mt19937 random_;
  std::map<int, Promise> promises_;
  int edits_ = 0;
};

TEST(Kill9, NothingIsLostOrDoubledWhereverTheControllerDies) {
  Controller controller(config());
  controller.start();
  const auto running = [](const Json& service) { return service.at("phase").as_string() == "Running"; };
  const auto calm = controller.wait_service("calm", running);
  ASSERT_TRUE(calm);
  const auto calm_pid = calm->at("instances").items().at(0).at("pid").as_int();

  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  Operator person(controller, seed);
  for (int round = 0; round < kKills && !testing::Test::HasFailure(); ++round) {
    std::thread calls([&] { person.work(); });
    poll(nullptr, 0,
         static_cast<int>(random() % 120));  // the moment is what is random, nothing is waited for
    controller.kill9();
    calls.join();
    controller.start();
    std::map<std::string, std::string> wanted = {{"calm", "running"}};
    for (const auto& [service, promise] : person.promises()) {
      const auto name = "s" + std::to_string(service);
      const auto settled =
          controller.wait_service(name, [](const Json& json) { return json.at("settled").as_bool(); });
      ASSERT_TRUE(settled);
      if (promise.desired) {
        EXPECT_EQ(settled->at("desired").as_string(), *promise.desired) << name;
      }
      if (promise.edit) {
        const auto edited =
            controller.get("/api/v1/config").json.at("config").at("services").at(name).at("env").at("EDIT");
        EXPECT_EQ(edited.as_string(), std::to_string(*promise.edit)) << name;
      }
    }
    size_t alive = 0;
    const auto services = controller.get("/api/v1/services").json;
    for (const auto& item : services.at("items").items()) {
      alive += item.at("phase").as_string() == "Running" ? 1 : 0;
    }
    EXPECT_TRUE(wait_until([&] { return controller.marked_processes().size() == alive; }))
        << alive << " services run, but there are " << controller.marked_processes().size() << " processes";
    EXPECT_EQ(controller.service("calm").at("instances").items().at(0).at("pid").as_int(), calm_pid);
  }
  if (testing::Test::HasFailure()) FAIL() << controller.log();

  EXPECT_EQ(check_lines(controller, "calm").seen, 1u);
  for (int i = 0; i < kServices; ++i) {
    const auto name = "s" + std::to_string(i);
    const auto runs = check_lines(controller, name);
    // Each run but a living one has told its exit status, once.
    std::map<std::int64_t, int> exits;
    size_t own_status = 0;
    const auto events = controller.get("/api/v1/services/" + name + "/events?limit=10000").json;
    for (const auto& event : events.at("items").items()) {
      if (event.at("type").as_string() != "Exited") continue;
      ++exits[event.at("incarnation").as_int()];
      if (event.at("exit").at("code") == Json(7)) ++own_status;
    }
    for (const auto& [incarnation, count] : exits) {
      EXPECT_EQ(count, 1) << name << "#" << incarnation;
    }
    const bool lives = controller.service(name).at("phase").as_string() == "Running";
    EXPECT_EQ(own_status, runs.ended) << name;
    // A run that TERM met before it had written anything has an exit, but no line.
    EXPECT_GE(exits.size() + (lives ? 1 : 0), runs.seen) << name;
  }
}

}  // namespace
}  // namespace holdfast::test
