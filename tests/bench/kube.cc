// Times changes at both ends of a controller: at the API server, seen by a plain client, and at the
// controller's API. The cluster is the one that KUBECONFIG names; nothing but the API server need run there.
//
//   bench-kube fill NAMESPACE COUNT          waits for as many Deployments of Holdfast's, gives each one pod,
//                                            and both a status as if all ran well
//   bench-kube list NAMESPACE                lists all that a controller watches; prints "OBJECTS MS"
//   bench-kube settled PORT COUNT SERVICE    waits until the controller shows that service, and then so many,
//                                            as settled and ready
//   bench-kube edit PORT NAMESPACE ROUNDS    edits of the service web until they are at the API server, in
//                                            turn with patches of a Deployment; prints "P50 MAX P50 MAX", ms
//   bench-kube failure PORT NAMESPACE ROUNDS the pod of web fails: from a watch's event until the controller
//                                            tells it; prints "P50 MAX", ms
//   bench-kube failover NAMESPACE PID        kills the controller of that pid and scales web; prints the ms
//                                            from then until another controller has undone that
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <exception>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include <poll.h>
#include <signal.h>

#include "runtimes/kubernetes/client/access.h"
#include "runtimes/kubernetes/names.h"
#include "tests/bench/ask.h"
#include "tests/bench/reports.h"

namespace {

using namespace holdfast;
using namespace holdfast::bench;
using namespace holdfast::kubernetes;
using namespace std::chrono_literals;
using Arguments = std::vector<std::string>;

constexpr auto kPatience = 120s;
constexpr int kPause = 300;  // between two rounds: all that the one before set off has come to rest

double ms(std::int64_t ns) {
  return static_cast<double>(ns) / 1e6;
}
void pause_ms(int time) {
  poll(nullptr, 0, time);
}
template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}
std::string p50_and_max(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  char text[64];
  std::snprintf(text, sizeof text, "%.1f %.1f", times[times.size() / 2], times.back());
  return text;
}
const std::string& name_of(const Json& object) {
  return object.at("metadata").at("name").as_string();
}
std::int64_t replicas_of(const Json& deployment) {
  return deployment.at("spec").at("replicas").as_int();
}
Json replicas_patch(std::int64_t replicas) {
  return Json::object({{"spec", Json::object({{"replicas", replicas}})}});
}

class Cluster {
 public:
  explicit Cluster(std::string in_namespace)
      : client_(make_client(must(access_from({})), clock_)), ours_{.namespace_ = std::move(in_namespace)} {
    ours_.label_selector = std::string(kServiceLabel) + "," + kControllerLabel;
  }

  Client& client() { return *client_; }
  const std::string& name() const { return ours_.namespace_; }
  const Selection& ours() const { return ours_; }

  size_t list(
      const Resource& resource, const Selection& selection,
      const std::function<void(Json)>& each = [](const Json&) {}) {
    size_t count = 0;
    version_ = must(client_->list(
        resource, selection,
        [&](Json object) {
          ++count;
          each(std::move(object));
        },
        [] {}));
    return count;
  }
  const std::string& version() const { return version_; }  // of the last list

  Json deployment(const std::string& name) {
    auto found = must(client_->get(kDeployments, ours_.namespace_, name));
    if (!found) throw std::runtime_error("there is no Deployment " + name);
    return std::move(*found);
  }
  void patch(const std::string& deployment, const Json& patch) {
    must(client_->patch(kDeployments, ours_.namespace_, deployment, patch));
  }
  void patch_status(Resource resource, const std::string& name, Json status) {
    const auto path = std::string(resource.plural) + "/" + name;
    resource.plural = path;
    must(client_->patch(resource, ours_.namespace_, "status", Json::object({{"status", std::move(status)}})));
  }

  // A pod as the Deployment's template has it.
  std::string make_pod(const Json& deployment) {
    const auto& model = deployment.at("spec").at("template");
    auto metadata = model.at("metadata");
    const auto name = name_of(deployment) + "-0";
    metadata.set("name", name);
    const auto made = client_->create(kPods, ours_.namespace_,
                                      Json::object({{"apiVersion", "v1"},
                                                    {"kind", "Pod"},
                                                    {"metadata", std::move(metadata)},
                                                    {"spec", model.at("spec")}}));
    if (!made && made.error().code != ErrorCode::kConflict) throw std::runtime_error(made.error().message);
    return name;
  }
  Json container_status(const Json& deployment, bool ready, int restarts, Json state, Json last) {
    const auto& container = deployment.at("spec").at("template").at("spec").at("containers").items().at(0);
    return Json::object({{"name", container.at("name")},
                         {"image", container.at("image")},
                         {"imageID", "bench"},
                         {"ready", ready},
                         {"started", ready},
                         {"restartCount", restarts},
                         {"state", std::move(state)},
                         {"lastState", std::move(last)}});
  }
  Json pod_status(bool ready, Json container) {
    const auto condition = [&](const char* type) {
      return Json::object({{"type", type}, {"status", ready ? "True" : "False"}});
    };
    return Json::object({{"phase", "Running"},
                         {"conditions", Json::array({condition("Ready"), condition("ContainersReady")})},
                         {"containerStatuses", Json::array({std::move(container)})}});
  }
  void run_well(const Json& deployment) {
    const auto pod = make_pod(deployment);
    const auto running = Json::object({{"running", Json::object({{"startedAt", "2026-01-01T00:00:00Z"}})}});
    patch_status(kPods, pod,
                 pod_status(true, container_status(deployment, true, 0, running, Json::object())));
    const auto replicas = replicas_of(deployment);
    patch_status(kDeployments, name_of(deployment),
                 Json::object({{"observedGeneration", deployment.at("metadata").at("generation")},
                               {"replicas", replicas},
                               {"updatedReplicas", replicas},
                               {"readyReplicas", replicas},
                               {"availableReplicas", replicas}}));
  }

 private:
  SystemClock clock_;
  std::unique_ptr<Client> client_;
  Selection ours_;
  std::string version_;
};

// What a plain watch tells, and when.
class Sights {
 public:
  Sights(Cluster& cluster, const Resource& resource) {
    cluster.list(resource, {.namespace_ = cluster.name()});
    watch_ = cluster.client().watch(resource, {.namespace_ = cluster.name()}, cluster.version(), 1h,
                                    {.on_open = [] {},
                                     .on_event =
                                         [this](WatchEvent event) {
                                           const auto now = mono_ns();
                                           const std::lock_guard lock(mutex_);
                                           events_.emplace_back(std::move(event.object), now);
                                           told_.notify_all();
                                         },
                                     .on_end = [](const std::optional<Error>&, long) {}});
  }

  // When the first such object was told of since the last call.
  std::int64_t await(const std::function<bool(const Json&)>& is_it) {
    std::unique_lock lock(mutex_);
    const auto until = std::chrono::steady_clock::now() + kPatience;
    for (size_t next = 0;; ++next) {
      if (!told_.wait_until(lock, until, [&] { return events_.size() > next; }))
        throw std::runtime_error("what was waited for never came to the API server");
      if (!is_it(events_[next].first)) continue;
      const auto at = events_[next].second;
      events_.erase(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(next) + 1);
      return at;
    }
  }
  std::int64_t await_replicas(const std::string& name, std::int64_t replicas) {
    return await(
        [&](const Json& object) { return name_of(object) == name && replicas_of(object) == replicas; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable told_;
  std::vector<std::pair<Json, std::int64_t>> events_;
  std::unique_ptr<Watch> watch_;  // ends first
};

void fill(const Arguments& args) {
  Cluster cluster(args.at(0));
  std::vector<Json> deployments;
  const auto until = mono_ns() + std::int64_t{std::chrono::nanoseconds(kPatience).count()};
  do {
    if (mono_ns() > until) throw std::runtime_error("the controller made too few Deployments");
    pause_ms(200);
    deployments.clear();
    cluster.list(kDeployments, cluster.ours(),
                 [&](Json object) { deployments.push_back(std::move(object)); });
  } while (deployments.size() < std::stoul(args.at(1)));
  std::atomic<size_t> next = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (size_t at; (at = next++) < deployments.size();) cluster.run_well(deployments[at]);
    });
}

void list(const Arguments& args) {
  Cluster cluster(args.at(0));
  must(cluster.client().version(10s));  // a connection
  const auto began = mono_ns();
  size_t count = 0;
  for (const auto& resource : {kDeployments, kPods, kServices})
    count += cluster.list(resource, cluster.ours());
  for (const auto& resource : {kAutoscalers, kEvents})
    count += cluster.list(resource, {.namespace_ = cluster.name()});
  std::printf("%zu %.1f\n", count, ms(mono_ns() - began));
}

size_t ready_in(const std::string& text) {
  static const std::string kSign = "\"phase\":\"Running\",\"ready\":true,\"settled\":true";
  size_t count = 0;
  for (size_t at = 0; (at = text.find(kSign, at)) != std::string::npos; at += kSign.size()) ++count;
  return count;
}

// All are asked for only when one is ready: that answer costs as much as some of what is measured.
void settled(const Arguments& args) {
  const auto count = std::stoul(args.at(1));
  const auto until = mono_ns() + std::int64_t{std::chrono::nanoseconds(kPatience).count()};
  for (const auto& [path, enough] :
       {std::pair{"/api/v1/services/" + args.at(2), 1UL}, {std::string("/api/v1/services"), count}}) {
    for (size_t ready = 0; ready < enough; pause_ms(10)) {
      if (mono_ns() > until)
        throw std::runtime_error("only " + std::to_string(ready) + " services are ready");
      try {
        ready = ready_in(ask(std::stoi(args[0]), "GET", path).text);
      } catch (const std::runtime_error&) {
        ready = 0;  // it doesn't listen yet
      }
    }
  }
}

void edit(const Arguments& args) {
  const int port = std::stoi(args.at(0));
  Cluster cluster(args.at(1));
  auto bare = cluster.deployment("web");
  bare = Json::object({{"apiVersion", "apps/v1"},
                       {"kind", "Deployment"},
                       {"metadata", Json::object({{"name", "bare"}})},
                       {"spec", bare.at("spec")}});
  if (auto gone = cluster.client().remove(kDeployments, cluster.name(), "bare", {}); !gone)
    throw std::runtime_error(gone.error().message);
  must(cluster.client().create(kDeployments, cluster.name(), bare));
  Sights sights(cluster, kDeployments);
  std::vector<double> mine, theirs;
  for (int round = 0; round < std::stoi(args.at(2)); ++round) {
    const std::int64_t replicas = 2 + round % 2;
    pause_ms(kPause);
    auto began = mono_ns();
    const auto answer =
        ask(port, "PATCH", "/api/v1/services/web", "{\"replicas\": " + std::to_string(replicas) + "}");
    if (answer.text.find(" 200 ") == std::string::npos) throw std::runtime_error(answer.text);
    mine.push_back(ms(sights.await_replicas("web", replicas) - began));
    pause_ms(kPause);
    began = mono_ns();
    cluster.patch("bare", replicas_patch(replicas));
    theirs.push_back(ms(sights.await_replicas("bare", replicas) - began));
  }
  std::printf("%s %s\n", p50_and_max(mine).c_str(), p50_and_max(theirs).c_str());
}

void failure(const Arguments& args) {
  const int port = std::stoi(args.at(0));
  Cluster cluster(args.at(1));
  const auto web = cluster.deployment("web");
  const auto pod = cluster.make_pod(web);
  Sights sights(cluster, kPods);
  std::vector<double> later;
  for (int round = 0; round < std::stoi(args.at(2)); ++round) {
    pause_ms(kPause);
    const auto code = 1 + round % 100;
    const auto waiting = Json::object(
        {{"waiting", Json::object({{"reason", "CrashLoopBackOff"},
                                   {"message", "back-off 10s restarting failed container=web"}})}});
    const auto ended =
        Json::object({{"terminated", Json::object({{"exitCode", code}, {"reason", "Error"}})}});
    std::int64_t told = 0;
    std::jthread api([&] {
      const auto sign = "exit code " + std::to_string(code) + ";";
      const auto until = mono_ns() + std::int64_t{std::chrono::nanoseconds(kPatience).count()};
      for (; told == 0 && mono_ns() < until; pause_ms(1)) {
        const auto answer = ask(port, "GET", "/api/v1/services/web");
        if (answer.text.find(sign) != std::string::npos) told = answer.at_ns;
      }
    });
    cluster.patch_status(
        kPods, pod,
        cluster.pod_status(false, cluster.container_status(web, false, round + 1, waiting, ended)));
    const auto seen = sights.await([&](const Json& object) {
      const auto& statuses = object.at("status").at("containerStatuses").items();
      return name_of(object) == pod && !statuses.empty() &&
             statuses[0].at("restartCount").as_int() == round + 1;
    });
    api.join();
    if (told == 0) throw std::runtime_error("the controller never told of the failure");
    later.push_back(ms(told - seen));
  }
  std::printf("%s\n", p50_and_max(later).c_str());
}

void failover(const Arguments& args) {
  Cluster cluster(args.at(0));
  const auto declared = replicas_of(cluster.deployment("web"));
  Sights sights(cluster, kDeployments);
  const auto began = mono_ns();
  if (kill(std::stoi(args.at(1)), SIGKILL) != 0) throw std::runtime_error("no process " + args[1]);
  cluster.patch("web", replicas_patch(declared + 3));
  sights.await_replicas("web", declared + 3);
  std::printf("%.1f\n", ms(sights.await_replicas("web", declared) - began));
}

void run(const std::string& verb, const Arguments& args) {
  if (verb == "fill") return fill(args);
  if (verb == "list") return list(args);
  if (verb == "settled") return settled(args);
  if (verb == "edit") return edit(args);
  if (verb == "failure") return failure(args);
  if (verb == "failover") return failover(args);
  throw std::runtime_error("no such measurement: " + verb);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 3) throw std::runtime_error("bench-kube VERB ...");
    run(argv[1], {argv + 2, argv + argc});
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench-kube: %s\n", e.what());
    return 1;
  }
}
