// The demo in pods, as it is shipped but for one word: the converter's pod is deleted again and again, and no
// group may be lost or done twice. And one configuration, run three ways, gives the same answers.
#include <filesystem>
#include <set>

#include "controller/base/file.h"
#include "tests/e2e/demo_checks/checks.h"
#include "tests/support/kube_world/kube_world.h"

namespace holdfast::test {
namespace {

namespace fs = std::filesystem;

constexpr int kSubbands = 4;
constexpr int kKills = 8;

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  ASSERT_NE(text.find(what), std::string::npos) << what;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

class KubeDemo : public testing::Test {
 protected:
  KubeDemo()
      : docker_("unix://" + world_.cluster().directory() + "/docker.sock"),
        image_("holdfast-demo-" + world_.ns() + ":1"),
        controller_("", {.env = {{"KUBECONFIG", world_.cluster().kubeconfig()},
                                 {"DOCKER_HOST", docker_},
                                 {"PATH", fs::path(binary("holdfast")).parent_path().string() + ":" +
                                              std::getenv("PATH")}}}) {}
  ~KubeDemo() override {
    if (controller_.pid() > 0) controller_.kill9();
    static_cast<void>(world_.kubectl({"delete", "deployment", "--all", "--wait=true"}));
    static_cast<void>(run_program({"docker", "rmi", "--force", image_}, {{"DOCKER_HOST", docker_}}));
  }

  void SetUp() override {
    const auto made =
        run_program({HOLDFAST_MAKE_IMAGE, image_, binary("streaming-converter"), binary("subband-feeder")},
                    {{"DOCKER_HOST", docker_}});
    ASSERT_EQ(made.status, 0) << made.output;
    fs::create_directory(data());
    fs::create_directory(controller_.dir() / "overlay");
  }

  // What is shipped, with a folder and a namespace of our own, on the runtime of that name.
  [[nodiscard]] std::string config(const std::string& runtime) const {
    auto text = read_file(HOLDFAST_DEMO_CONFIG).value_or("");
    replace_all(text, "runtime: process ", "runtime: " + runtime + " ");
    replace_all(text, "/tmp/holdfast-demo", data());
    replace_all(text, "holdfast-demo:1", image_);
    return text;
  }
  void start(const std::string& runtime) {
    controller_.write_config(config(runtime));
    const auto written = write_file_atomically(controller_.dir() / "overlay/fast.yaml", overlay());
    ASSERT_TRUE(written) << written.error().message;
    controller_.start({"--overlay", controller_.dir() / "overlay"});
  }
  [[nodiscard]] std::string overlay() const {
    const std::string ns = "    kubernetes: {namespace: " + world_.ns() + "}\n";
    return "services:\n  streaming:\n" + ns +
           "    stop: {gracePeriod: 5s}\n"
           "    parameters: {expected_subbands: " +
           std::to_string(kSubbands) + ", poll_interval: 0.2, worker_poll_interval: 0.05, max_workers: 2}\n" +
           "  feeder:\n" + ns + "    parameters: {subbands: " + std::to_string(kSubbands) +
           ", channels: 4, interval: 250ms, keep: 0}\n";
  }

  [[nodiscard]] std::string data() const { return controller_.dir() / "data"; }
  [[nodiscard]] DemoWorld demo() const {
    return {.controller = controller_,
            .streaming = "streaming",
            .feeder = "feeder",
            .queue_db = data() + "/db/ingest.sqlite3",
            .products = data() + "/products",
            .scratch = data() + "/scratch",
            .groups = groups(),
            .subbands = kSubbands};
  }
  // Whole ones: the feeder may have been stopped within one.
  [[nodiscard]] int groups() const {
    std::map<std::string, int> files;
    for (const auto& entry : fs::directory_iterator(data() + "/incoming")) {
      const auto name = entry.path().filename().string();
      if (const auto end = name.find("_sb"); end != std::string::npos && name.ends_with(".hdf5"))
        ++files[name.substr(0, end)];
    }
    int whole = 0;
    for (const auto& [group, count] : files) whole += count == kSubbands ? 1 : 0;
    return whole;
  }
  std::optional<Json> ready(const std::string& service) {
    return controller_.wait_service(service, [](const Json& json) {
      return json.at("ready").as_bool() && json.at("phase").as_string() == "Running" &&
             json.at("settled").as_bool();
    });
  }
  static std::string pod_of(const Json& service) {
    return service.at("instances").items().at(0).at("name").as_string();
  }

  KubeWorld world_;
  const std::string docker_, image_;
  Controller controller_;
};

TEST_F(KubeDemo, ConvertsEveryGroupOnceWhileThePodIsDeletedAndTellsEachRestart) {
  start("kubernetes");
  std::string pod;
  for (int kill = 0; kill < kKills; ++kill) {
    const auto up = controller_.wait_service("streaming", [&](const Json& json) {
      return json.at("ready").as_bool() && json.at("settled").as_bool() && pod_of(json) != pod;
    });
    ASSERT_TRUE(up) << controller_.log();
    pod = pod_of(*up);
    const int before = groups();
    ASSERT_TRUE(wait_until([&] { return groups() > before + 1; })) << "the feeder writes nothing";
    world_.kubectl_ok({"delete", "pod", pod, "--grace-period=0", "--force", "--wait=false"});
  }
  ASSERT_TRUE(ready("streaming"));
  EXPECT_EQ(controller_.cli({"stop", "feeder"}).status, 0);
  expect_every_group_done_once(demo());
  expect_facade_tells_queue(demo());
  const auto service = controller_.service("streaming");
  EXPECT_EQ(service.at("restartsByCause"), Json::object({{"lost", kKills}})) << dump_json(service);
  EXPECT_EQ(service.at("restarts").as_int(), kKills);
  EXPECT_TRUE(controller_.get("/api/streaming/status").json.at("running").as_bool());
}

// Names and types alone; what has no value on a runtime is null.
std::set<std::string> shape_of(const Json& value, const std::string& path = "") {
  std::set<std::string> out;
  if (value.is_object()) {
    for (const auto& [key, member] : value.members()) out.merge(shape_of(member, path + "/" + key));
  } else if (value.is_array()) {
    for (const auto& item : value.items()) out.merge(shape_of(item, path + "/*"));
  }
  out.insert(path);
  return out;
}

TEST_F(KubeDemo, OneConfigurationAnswersAlikeOnEveryRuntime) {
  std::map<std::string, std::set<std::string>> services, facades;
  for (const std::string runtime : {"process", "docker", "kubernetes"}) {
    SCOPED_TRACE(runtime);
    if (controller_.pid() > 0)
      controller_.write_config(config(runtime));  // moves: what ran elsewhere goes first
    else
      start(runtime);
    const auto up = controller_.wait_service("streaming", [&](const Json& json) {
      return json.at("runtime").as_string() == runtime && json.at("ready").as_bool() &&
             json.at("settled").as_bool();
    });
    ASSERT_TRUE(up) << controller_.log();
    EXPECT_EQ(up->at("phase").as_string(), "Running");
    EXPECT_EQ(up->at("instances").items().size(), 1u);
    services[runtime] = shape_of(*up);
    const auto facade = controller_.get("/api/streaming/status").json;
    EXPECT_TRUE(facade.at("running").as_bool());
    EXPECT_TRUE(facade.at("error").is_null()) << dump_json(facade);
    EXPECT_TRUE(facade.at("started_at").is_string());
    facades[runtime] = shape_of(facade);
    EXPECT_EQ(controller_.post("/api/streaming/start").json.at("success"), Json(false)) << "it runs already";
    EXPECT_TRUE(wait_until([&] { return controller_.cli({"logs", "streaming"}).output.size() > 10; }));
  }
  EXPECT_EQ(facades["docker"], facades["process"]);
  EXPECT_EQ(facades["kubernetes"], facades["process"]);
  for (auto& [runtime, shape] : services)
    std::erase_if(shape, [](const std::string& path) {
      return path.starts_with("/restartsByCause/") || path.starts_with("/conditions") ||
             path.starts_with("/lastExit/");
    });
  EXPECT_EQ(services["docker"], services["process"]);
  EXPECT_EQ(services["kubernetes"], services["process"]);
}

}  // namespace
}  // namespace holdfast::test
