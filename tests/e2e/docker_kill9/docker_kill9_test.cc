// The controller is killed with KILL while it makes, starts, stops, replaces and removes containers: with an
// event of the engine's, and so between two steps of an operation, or at any moment. After each, a new one
// must find no duplicate, no orphan, not even a container that was made and never started, and no lost edit;
// and what runs undisturbed is the same container.
#include <random>

#include <poll.h>

#include "runtimes/docker/spec_container.h"
#include "tests/e2e/docker_kill9/engine_watch.h"
#include "tests/e2e/harness/controller.h"
#include "tests/support/docker_world/docker_world.h"
#include "tests/support/sanitized.h"

namespace holdfast::test {
namespace {

// Sanitizers look for faults in the code, the release build for lost moments.
constexpr int kKills = kSanitized ? 10 : 50;
constexpr int kTermExit = 7, kCrashExit = 3, kKillSignal = 9;

// What a caller was told, and so what must be true afterwards; unset while a call was cut.
struct Promise {
  std::optional<std::string> desired{};
  std::optional<int> edit{}, replicas{};
  std::optional<bool> declared{};
};

// Containers are named after services, on an engine that other tests use too.
class Services {
 public:
  explicit Services(const DockerWorld& world) : world_(world) {}
  [[nodiscard]] std::string name(const std::string& word) const { return world_.name(word); }
  [[nodiscard]] std::string adopted() const { return world_.name("mine"); }
  static std::string command() {
    return R"(["test-service", "exit-on", "15", ")" + std::to_string(kTermExit) + R"(", "pause"])";
  }
  [[nodiscard]] std::string image() const { return "docker: {image: '" + world_.image() + "'}"; }
  [[nodiscard]] std::string config() const {
    const auto one = [&](const std::string& word, const std::string& rest) {
      return "  " + name(word) + ": {" + rest + "}\n";
    };
    const auto runs = "command: " + command() + ", " + image();
    return "apiVersion: holdfast/v1\ncontroller: {allowEmpty: true}\n"
           "defaults: {stop: {gracePeriod: 3s}, restart: {backoff: {initial: 0s, base: 300ms, max: 1s}, "
           "budget: {attempts: 0}}}\nservices:\n" +
           one("calm", "runtime: docker, " + runs) + one("trio", "runtime: docker, replicas: 3, " + runs) +
           one("solo", "runtime: docker, " + runs) + one("auto", "runtime: auto, " + runs) +
           one("mine", "runtime: docker, docker: {container: " + adopted() + "}") +
           one("crash", "runtime: docker, command: [test-service, exit, '" + std::to_string(kCrashExit) +
                            "'], " + image());
  }
  [[nodiscard]] std::string guest() const {
    return R"({"runtime": "docker", "command": )" + command() + R"(, "docker": {"image": ")" +
           world_.image() + "\"}}";
  }

 private:
  const DockerWorld& world_;
};

class Operator {
 public:
  Operator(const Controller& controller, const Services& services, std::uint32_t seed)
      : controller_(controller), services_(services), random_(seed) {}

  // Calls the API until a call is cut, or enough is going on.
  void work() {
    constexpr int kCalls = 12;
    for (int i = 0; i < kCalls; ++i) {
      const auto status = random_() % 4 == 0 ? invite_or_dismiss() : change();
      if (status == 0) return;
      EXPECT_LT(status, 300);
    }
  }
  [[nodiscard]] const std::map<std::string, Promise>& promises() const { return promises_; }

 private:
  int change() {
    static const std::vector<std::string> kWords = {"trio", "solo", "auto", "mine", "crash"};
    const auto& word = kWords[random_() % kWords.size()];
    const auto kind = random_() % 7;
    if (kind == 0) return set_desired(word, "start", "running");
    if (kind == 1) return set_desired(word, "stop", "stopped");
    if (kind == 2) return set_desired(word, "restart", "running");
    if (kind == 3 && word == "trio") {
      const int replicas = 1 + static_cast<int>(random_() % 3);
      return patch(word, R"({"replicas": )" + std::to_string(replicas) + "}", promises_[word].replicas,
                   replicas);
    }
    if (word == "mine") return set_desired(word, "start", "running");  // there is nothing to change in it
    ++edits_;
    return patch(word, R"({"env": {"EDIT": ")" + std::to_string(edits_) + "\"}}", promises_[word].edit,
                 edits_);
  }
  int set_desired(const std::string& word, const std::string& verb, const std::string& desired) {
    auto& promise = promises_[word].desired;
    promise.reset();
    const int status = controller_.post("/api/v1/services/" + services_.name(word) + "/" + verb).status;
    if (status) promise = desired;
    return status;
  }
  int patch(const std::string& word, const std::string& body, std::optional<int>& promise, int value) {
    promise.reset();
    const int status = controller_.request("PATCH", "/api/v1/services/" + services_.name(word), body).status;
    if (status) promise = value;
    return status;
  }
  // A service that comes and goes.
  int invite_or_dismiss() {
    const auto path = "/api/v1/services/" + services_.name("guest");
    auto& declared = promises_["guest"].declared;
    const bool there = declared ? *declared : controller_.get(path).status == 200;
    declared.reset();
    const int status = there ? controller_.request("DELETE", path).status
                             : controller_.request("PUT", path, services_.guest()).status;
    if (status) declared = !there;
    return status;
  }

  const Controller& controller_;
  const Services& services_;
  std::mt19937 random_;
  std::map<std::string, Promise> promises_;
  int edits_ = 0;
};

class DockerKill9 : public testing::Test {
 protected:
  DockerKill9()
      : watch_(world_.engine().host(), world_.prefix()),
        services_(world_),
        controller_(services_.config(), {.env = {{"DOCKER_HOST", world_.engine().host()}}}) {}
  void SetUp() override;
  void TearDown() override {
    if (HasFailure()) ADD_FAILURE() << controller_.log();
    if (controller_.pid() > 0) controller_.kill9();  // before the world takes the containers away
  }

  std::vector<docker::ContainerRow> containers(const std::string& label) {
    const auto rows = watch_.client().list(label);
    EXPECT_TRUE(rows) << rows.error().message;
    return rows ? *rows : std::vector<docker::ContainerRow>();
  }
  std::vector<docker::ContainerRow> containers_of(const std::string& word) {
    return containers(std::string(docker::kServiceLabel) + "=" + services_.name(word));
  }
  std::optional<docker::Container> inspect(const std::string& container) {
    auto seen = watch_.client().inspect(container);
    return seen ? std::move(*seen) : std::nullopt;
  }
  void kill_at_some_moment(std::mt19937& random);
  void expect_kept(const std::string& word, const Promise& promise);
  std::string difference(const std::string& word);
  void expect_settled(const std::string& word);
  void expect_guest(const Promise& promise);
  void expect_all_kept(const Operator& person);
  void expect_crash_loop(const std::string& desired, int started_before);
  void expect_runs_told_once();
  void expect_nothing_left();

  DockerWorld world_;
  EngineWatch watch_;
  Services services_;
  Controller controller_;
  std::string calm_id_;
};

void DockerKill9::SetUp() {
  world_.engine().docker_ok({"create", "--name", services_.adopted(), world_.image(), "test-service",
                             "exit-on", "15", std::to_string(kTermExit), "pause"});
  controller_.start();
  ASSERT_TRUE(controller_.wait_service(services_.name("calm"),
                                       [](const Json& json) { return json.at("settled").as_bool(); }));
  const auto calm = inspect("holdfast-" + services_.name("calm") + "-0");
  ASSERT_TRUE(calm && calm->alive());
  calm_id_ = calm->id;
}

// Mostly in the midst of what is done to a container; what goes on without end would be all there is to see.
void DockerKill9::kill_at_some_moment(std::mt19937& random) {
  static const std::vector<std::string> kActions = {"create", "create", "start", "die", "destroy"};
  const auto which = random() % (kActions.size() + 2);
  if (which < kActions.size()) {
    watch_.strike(controller_.pid(), kActions[which], random() % 4 == 0 ? "" : services_.name("crash"));
    poll(nullptr, 0, static_cast<int>(random() % 4));  // the moment is what is random, nothing is waited for
  } else {
    poll(nullptr, 0, static_cast<int>(random() % 500));
  }
  controller_.kill9();
}

void DockerKill9::expect_kept(const std::string& word, const Promise& promise) {
  const auto name = services_.name(word);
  if (promise.desired) {
    EXPECT_EQ(controller_.service(name).at("desired").as_string(), *promise.desired) << word;
  }
  const auto config = controller_.get("/api/v1/config").json.at("config").at("services").at(name);
  if (promise.edit) {
    EXPECT_EQ(config.at("env").at("EDIT").as_string(), std::to_string(*promise.edit)) << word;
  }
  if (promise.replicas) {
    EXPECT_EQ(config.at("replicas").as_int(), *promise.replicas) << word;
  }
}

// How what runs differs from what the configuration says: how many, and each made by the newest edit.
std::string DockerKill9::difference(const std::string& word) {
  const auto service = controller_.service(services_.name(word));
  if (!service.at("settled").as_bool()) return "not settled: " + dump_json_pretty(service);
  const bool runs = service.at("desired").as_string() == "running";
  if (word == "mine") {
    const auto mine = inspect(services_.adopted());
    if (!containers_of(word).empty()) return "a container of its own beside the one that is adopted";
    return mine && mine->alive() == runs
               ? ""
               : "the adopted container is not " + service.at("desired").as_string();
  }
  const auto config =
      controller_.get("/api/v1/config").json.at("config").at("services").at(services_.name(word));
  const auto edit = config.at("env").at("EDIT").as_string();
  const auto replicas = config.at("replicas").is_int() ? config.at("replicas").as_int() : 1;
  std::int64_t alive = 0, all = 0;
  for (const auto& row : containers_of(word)) {
    ++all;
    const auto container = inspect(row.id);
    if (!container || !container->alive()) continue;
    ++alive;
    const auto env = dump_json_canonical(container->document.at("Config").at("Env"));
    if (!edit.empty() && env.find("\"EDIT=" + edit + "\"") == std::string::npos)
      return row.name + " has " + env + " instead of edit " + edit;
  }
  if (alive == (runs ? replicas : 0) && all <= replicas) return "";
  return std::to_string(alive) + " of " + std::to_string(all) + " containers run";
}

// What the killed controller had asked for may still happen, and be put right.
void DockerKill9::expect_settled(const std::string& word) {
  std::string why;
  EXPECT_TRUE(wait_until([&] {
    why = difference(word);
    return why.empty();
  })) << word
      << ": " << why;
}

void DockerKill9::expect_guest(const Promise& promise) {
  const auto name = services_.name("guest");
  const auto services = controller_.get("/api/v1/config").json.at("config").at("services");
  const bool declared = services.find(name) != nullptr && !services.at(name).is_null();
  if (promise.declared) {
    EXPECT_EQ(declared, *promise.declared);
  }
  if (declared) return expect_settled("guest");
  EXPECT_TRUE(wait_until([&] { return containers_of("guest").empty(); })) << "the removed service's stays";
}

void DockerKill9::expect_crash_loop(const std::string& desired, int started_before) {
  if (desired == "stopped") return expect_settled("crash");
  EXPECT_TRUE(wait_until([&] { return watch_.started(services_.name("crash")) > started_before; }))
      << dump_json_pretty(controller_.service(services_.name("crash")));
}

void DockerKill9::expect_all_kept(const Operator& person) {
  for (const auto& [word, promise] : person.promises()) {
    if (word != "guest") expect_kept(word, promise);
  }
  for (const auto* word : {"calm", "trio", "solo", "auto", "mine"}) expect_settled(word);
  const auto guest = person.promises().find("guest");
  expect_guest(guest == person.promises().end() ? Promise{} : guest->second);
  const auto calm = inspect(calm_id_);
  EXPECT_TRUE(calm && calm->alive()) << "what nobody touched was replaced";
  EXPECT_TRUE(controller_.marked_processes().empty()) << "something runs as a process";
  EXPECT_EQ(watch_.faults(), std::vector<std::string>());
}

// Each run has at most one exit, with the status that it really had; and nobody else has started one.
void DockerKill9::expect_runs_told_once() {
  std::map<std::string, int> exits;
  const auto events = controller_.get("/api/v1/events?limit=10000").json;
  for (const auto& event : events.at("items").items()) {
    EXPECT_NE(event.at("type").as_string(), "StartedElsewhere") << dump_json(event);
    if (event.at("type").as_string() != "Exited") continue;
    ++exits[event.at("service").as_string() + "/" + std::to_string(event.at("instance").as_int()) + "#" +
            std::to_string(event.at("incarnation").as_int())];
    const bool crash = event.at("service").as_string() == services_.name("crash");
    const auto& exit = event.at("exit");
    EXPECT_TRUE(exit.at("signal") == Json(kKillSignal) ||
                exit.at("code") == Json(crash ? kCrashExit : kTermExit))
        << dump_json(event);
  }
  for (const auto& [run, count] : exits) {
    // Who comes again is somebody else, and counts from 1.
    if (!run.starts_with(services_.name("guest"))) {
      EXPECT_EQ(count, 1) << run;
    }
  }
}

void DockerKill9::expect_nothing_left() {
  const auto id = containers_of("calm").at(0).labels.at(docker::kControllerLabel);
  for (const auto* word : {"calm", "trio", "solo", "auto", "mine", "crash", "guest"}) {
    const auto path = "/api/v1/services/" + services_.name(word);
    if (controller_.get(path).status == 200) {
      EXPECT_LT(controller_.request("DELETE", path).status, 300);
    }
  }
  const auto label = std::string(docker::kControllerLabel) + "=" + id;
  EXPECT_TRUE(wait_until([&] { return containers(label).empty(); }))
      << world_.docker({"ps", "--all", "--filter", "label=" + label}).output;
  EXPECT_TRUE(inspect(services_.adopted())) << "what Holdfast did not make is not its to remove";
}

TEST_F(DockerKill9, NothingIsLostOrDoubledWhereverTheControllerDies) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  Operator person(controller_, services_, seed);
  for (int round = 0; round < kKills && !HasFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    std::thread calls([&] { person.work(); });
    kill_at_some_moment(random);
    calls.join();
    const int crashes = watch_.started(services_.name("crash"));
    controller_.start();
    expect_all_kept(person);
    expect_crash_loop(controller_.service(services_.name("crash")).at("desired").as_string(), crashes);
  }
  if (HasFailure()) return;
  expect_runs_told_once();
  expect_nothing_left();
  EXPECT_EQ(watch_.faults(), std::vector<std::string>());
}

}  // namespace
}  // namespace holdfast::test
