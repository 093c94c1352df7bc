// A service's life under a controller in the cluster: declared, changed in every way, killed; and what is
// seen of it.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "controller/base/file.h"
#include "controller/base/unique_fd.h"
#include "tests/e2e/kube_cluster/installation.h"

namespace holdfast::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

// Debian's, on the test's side of a port-forward.
class Prometheus {
 public:
  explicit Prometheus(const std::string& target) {
    EXPECT_TRUE(
        write_file_atomically(dir_ / "prometheus.yml",
                              "global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: holdfast\n"
                              "    honor_labels: true\n    static_configs: [{targets: [\"" +
                                  target + "\"]}]\n"));
    const UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
    const UniqueFd output(open((dir_ / "log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    pid_ = spawn({"prometheus", "--config.file=" + (dir_ / "prometheus.yml"),
                  "--storage.tsdb.path=" + (dir_ / "data"), "--web.listen-address=127.0.0.1:0"},
                 {}, null.get(), output.get());
    const std::string before = "msg=\"Listening on\" address=";
    EXPECT_TRUE(wait_until([&] {
      const auto log = read_file(dir_ / "log").value_or("");
      const auto begin = log.find(before);
      if (begin == std::string::npos || log.find('\n', begin) == std::string::npos) return false;
      const auto from = begin + before.size();
      url_ = "http://" + log.substr(from, log.find('\n', from) - from);
      return true;
    })) << read_file(dir_ / "log").value_or("");
  }
  ~Prometheus() {
    if (signal_process(pid_, SIGKILL)) waitpid(pid_, nullptr, 0);
  }
  Prometheus(const Prometheus&) = delete;
  Prometheus& operator=(const Prometheus&) = delete;

  // The value of the one series; "": there is none.
  [[nodiscard]] std::string value(const std::string& series) const {
    const auto answer = http_request({.url = url_}, "POST", "/api/v1/query", "query=" + series,
                                     {"Content-Type: application/x-www-form-urlencoded"});
    const auto& result = answer.json.at("data").at("result").items();
    return result.size() == 1 ? result[0].at("value").items().at(1).as_string() : "";
  }
  void expect(const std::string& series, const std::string& wanted) const {
    EXPECT_TRUE(wait_until([&] { return value(series) == wanted; })) << series << ": " << value(series);
  }

 private:
  const TempDir dir_;
  pid_t pid_ = -1;
  std::string url_;
};

class Story : public Installation {
 protected:
  void expect_comes_up();
  void expect_configmap_is_in_force();
  void expect_api_is_in_force();
  void expect_followers_pass_writes_on();
  void expect_killed_pod_comes_back_and_is_told();
  void expect_facade_answers();
  void expect_prometheus_has_series();
  void expect_kubectl_tells_events();

  [[nodiscard]] ForwardedApi leader_api() const { return {world_, "pod/" + pod_of(holder()), token()}; }
  [[nodiscard]] ForwardedApi follower_api() const { return {world_, "pod/" + follower(), token()}; }
  [[nodiscard]] bool wait_settled(const ForwardedApi& api, int64_t instances) const {
    return wait_until([&] {
      const auto web = api.service("web");
      return web.at("ready").as_bool() && web.at("settled").as_bool() &&
             web.at("instances").items().size() == static_cast<size_t>(instances);
    });
  }
};

void Story::expect_comes_up() {
  expect_pods_of_web(1, "declared by the chart");
  const auto api = leader_api();
  EXPECT_TRUE(wait_settled(api, 1));
  EXPECT_EQ(api.service("web").at("instances").items().at(0).at("name").as_string(), pods_of_web().at(0));
  EXPECT_THAT(api.get("/readyz").json.at("leader").as_string(), HasSubstr(pod_of(holder())));
  EXPECT_EQ(follower_api().get("/readyz").json, api.get("/readyz").json);
}

void Story::expect_configmap_is_in_force() {
  declare("services: {web: {replicas: 2}}");
  expect_pods_of_web(2, "patched ConfigMap");
  // One that is broken changes nothing, and is told.
  const auto api = leader_api();
  const auto told_config = [&] { return api.get("/readyz").json.at("checks").at("config").as_string(); };
  declare("services: {web: {replicas: two}}");
  EXPECT_TRUE(wait_until([&] { return told_config().find("site.yaml:1:28") != std::string::npos; }))
      << told_config();
  EXPECT_EQ(pods_of_web().size(), 2u);
  declare("services: {web: {replicas: 2}}");
  EXPECT_TRUE(wait_until([&] { return told_config() == "ok"; })) << told_config();
}

void Story::expect_api_is_in_force() {
  const ForwardedApi api(world_, "service/holdfast", token());
  EXPECT_EQ(ForwardedApi(world_, "service/holdfast", "wrong").get("/api/v1/services").status, 401);
  const auto answer = api.request("PATCH", "/api/v1/config", R"({"services": {"web": {"replicas": 3}}})");
  EXPECT_EQ(answer.status, 200) << answer.text;
  expect_pods_of_web(3, "changed through the API");
  EXPECT_THAT(world_.kubectl_ok({"get", "configmap", "holdfast", "-o", "jsonpath={.data}"}),
              AllOf(HasSubstr("edits.json"), HasSubstr("site.yaml")));
}

void Story::expect_followers_pass_writes_on() {
  const auto api = follower_api();
  const auto set = api.cli({"config", "set", "services.web.replicas", "1"});
  EXPECT_EQ(set.status, 0) << set.output;
  expect_pods_of_web(1, "changed through a follower");
  EXPECT_EQ(api.cli({"stop", "web"}).status, 0);
  expect_pods_of_web(0, "stopped through a follower");
  EXPECT_EQ(api.cli({"start", "web"}).status, 0);
  expect_pods_of_web(1, "started through a follower");
  EXPECT_TRUE(wait_settled(api, 1));
}

void Story::expect_killed_pod_comes_back_and_is_told() {
  const auto api = leader_api();
  ASSERT_TRUE(wait_settled(api, 1));
  const auto before = api.service("web").at("restarts").as_int();
  const auto pod = pods_of_web().at(0);
  world_.kubectl_ok({"delete", "pod", pod, "--grace-period=0", "--force", "--wait=false"});
  EXPECT_TRUE(wait_until([&] {
    const auto web = api.service("web");
    return web.at("restarts").as_int() == before + 1 && web.at("ready").as_bool();
  })) << dump_json(api.service("web"));
  EXPECT_THAT(pods_of_web(), AllOf(testing::SizeIs(1), Not(Contains(pod))));
  EXPECT_EQ(api.service("web").at("instances").items().at(0).at("name").as_string(), pods_of_web().at(0));
  EXPECT_THAT(api.cli({"events", "web"}).output, HasSubstr(pod));
}

void Story::expect_facade_answers() {
  for (const auto* target : {"leader", "follower"}) {
    SCOPED_TRACE(target);
    const auto api = std::string(target) == "leader" ? leader_api() : follower_api();
    EXPECT_TRUE(api.get("/api/streaming/status").json.at("running").as_bool());
    EXPECT_TRUE(api.get("/api/streaming/health").json.at("healthy").as_bool());
    const auto stopped = api.post("/api/streaming/stop");
    EXPECT_EQ(stopped.json.at("success"), Json(true)) << stopped.text;
    expect_pods_of_web(0, "stopped by the facade");
    EXPECT_TRUE(wait_until([&] { return !api.get("/api/streaming/status").json.at("running").as_bool(); }));
    const auto started = api.post("/api/streaming/start");
    EXPECT_EQ(started.json.at("success"), Json(true)) << started.text;
    expect_pods_of_web(1, "started by the facade");
    EXPECT_TRUE(wait_until([&] { return api.get("/api/streaming/health").json.at("healthy").as_bool(); }));
  }
}

void Story::expect_prometheus_has_series() {
  const auto restarts = leader_api().service("web").at("restarts").as_int();
  const PortForward forward(world_, "pod/" + pod_of(holder()), 9464);
  const Prometheus prometheus(forward.address());
  prometheus.expect("up", "1");
  prometheus.expect("holdfast_ready", "1");
  prometheus.expect(R"(holdfast_service_up{service="web"})", "1");
  prometheus.expect(R"(holdfast_service_instances{service="web"})", "1");
  prometheus.expect(R"(sum(holdfast_service_restarts_total{service="web"}))", std::to_string(restarts));
}

void Story::expect_kubectl_tells_events() {
  EXPECT_TRUE(wait_until([&] {
    const auto text = world_.kubectl_ok({"describe", "deployment", "web"});
    return text.find("holdfast  ") != std::string::npos && text.find("web is ready") != std::string::npos;
  })) << world_.kubectl({"describe", "deployment", "web"}).output;
}

TEST_F(Story, OfAServiceThatIsDeclaredChangedKilledAndSeen) {
  install({"replicas=2"});
  expect_comes_up();
  expect_configmap_is_in_force();
  expect_api_is_in_force();
  expect_followers_pass_writes_on();
  expect_killed_pod_comes_back_and_is_told();
  expect_facade_answers();
  expect_prometheus_has_series();
  expect_kubectl_tells_events();
  if (HasFailure()) ADD_FAILURE() << told();
}

}  // namespace
}  // namespace holdfast::test
