#include "runtimes/kubernetes/pod_sight.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "runtimes/kubernetes/names.h"

namespace holdfast::kubernetes {

namespace {

constexpr int kSignalBase = 128, kMaxSignal = 64;

const Json kNothing;

std::optional<WallTime> time_at(const Json& object, std::string_view key) {
  return parse_rfc3339(object.at(key).as_string());
}

// "what: why", without what is missing.
std::string told(const std::string& what, const std::string& why) {
  if (what.empty() || why.empty()) return what + why;
  return what + ": " + why;
}

// A kubelet says "back-off 40s restarting failed container=...".
std::string next_attempt(const std::string& message) {
  constexpr std::string_view kWord = "back-off ";
  const auto begin = message.find(kWord);
  if (begin == std::string::npos) return {};
  const auto end = message.find(' ', begin + kWord.size());
  if (end == std::string::npos) return {};
  return "; next attempt within " + message.substr(begin + kWord.size(), end - begin - kWord.size());
}

// The node's controller marks the pods of a node that went silent: not ready, though their containers, as
// last heard of, are.
bool is_out_of_sight(const Json& pod) {
  const Json& status = pod.at("status");
  if (status.at("phase").as_string() == "Unknown" || status.at("reason").as_string() == "NodeLost")
    return true;
  const Json& ready = condition(pod, "Ready");
  const auto& reason = ready.at("reason").as_string();
  return ready.at("status").as_string() == "False" && (reason.empty() || reason == "NodeNotReady") &&
         condition(pod, "ContainersReady").at("status").as_string() == "True" &&
         pod.at("spec").at("readinessGates").items().empty();
}

// Why its containers don't run yet: the first of them that says so.
std::string waiting_cause(const Json& status, const PodNews& news) {
  for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
    for (const auto& container : status.at(list).items()) {
      const Json& waiting = container.at("state").at("waiting");
      const auto& reason = waiting.at("reason").as_string();
      if (reason.empty() || reason == "PodInitializing" || reason == "ContainerCreating") continue;
      const std::string who = std::string(list).starts_with("init")
                                  ? " (init container " + container.at("name").as_string() + ")"
                                  : std::string();
      const bool pulls = reason == "ImagePullBackOff" || reason == "ErrImagePull";
      if (pulls && !news.pull.empty()) return told(reason + who, news.pull);
      if (reason != "CrashLoopBackOff") return told(reason + who, waiting.at("message").as_string());
      return told(reason + who, exit_of(container.at("lastState").at("terminated")).reason) +
             next_attempt(waiting.at("message").as_string());
    }
    for (const auto& container : status.at(list).items()) {
      const Json& ended = container.at("state").at("terminated");
      if (ended.is_object() && ended.at("exitCode").as_int() != 0)
        return told("container " + container.at("name").as_string(), exit_of(ended).reason);
    }
  }
  return {};
}

std::string pending_cause(const Json& pod, const PodNews& news) {
  const Json& scheduled = condition(pod, "PodScheduled");
  if (scheduled.at("status").as_string() == "False")
    return told(scheduled.at("reason").as_string(), scheduled.at("message").as_string());
  auto cause = waiting_cause(pod.at("status"), news);
  if (!cause.empty()) return cause;
  const auto& own = own_status(pod).at("state").at("waiting").at("reason").as_string();
  if (own == "PodInitializing") return "its init containers are at work";
  if (own == "ContainerCreating") return news.setup.empty() ? "its container is being created" : news.setup;
  return scheduled.is_null() ? "it waits for a node" : "its node is told to run it";
}

std::string not_ready_cause(const Json& pod, const PodNews& news) {
  if (!news.unhealthy.empty()) return news.unhealthy;
  if (auto cause = waiting_cause(pod.at("status"), news); !cause.empty()) return cause;
  const Json& ready = condition(pod, "Ready");
  return told(ready.at("reason").as_string(), ready.at("message").as_string());
}

// A run that was ended because a check failed.
std::string killed_because(const ExitRecord& exit, const Json& ended, const PodNews& news) {
  const auto started = time_at(ended, "startedAt");
  const bool by_kubelet = news.unhealthy.starts_with("Liveness") || news.unhealthy.starts_with("Startup");
  if (!by_kubelet || exit.oom_killed || !started || !news.unhealthy_at || *news.unhealthy_at < *started)
    return {};
  return "; " + news.unhealthy;
}

void describe_exited(ObservedInstance& out, const Json& ended, const Json& waiting, const PodNews& news) {
  out.phase = Phase::kExited;
  out.exit = exit_of(ended);
  if (const auto started = time_at(ended, "startedAt")) out.started_wall = started;
  const auto& reason = waiting.at("reason").as_string();
  out.message = told(reason, out.exit->reason) + killed_because(*out.exit, ended, news) +
                next_attempt(waiting.at("message").as_string());
  out.runtime_ready = false;
}

// Evicted, out of resources, lost before it was started: there may be no word of its containers.
void describe_ended_pod(ObservedInstance& out, const Json& pod, const PodNews& news) {
  const Json& status = pod.at("status");
  const Json& ended = own_status(pod).at("state").at("terminated");
  if (ended.is_object()) return describe_exited(out, ended, kNothing, news);
  out.phase = Phase::kExited;
  out.runtime_ready = false;
  out.message = told(status.at("reason").as_string(), status.at("message").as_string());
  out.exit = ExitRecord{.code = {}, .reason = out.message.empty() ? "its pod ended" : out.message};
  if (status.at("phase").as_string() == "Succeeded") out.exit->code = 0;
}

void describe_live(ObservedInstance& out, const Json& pod, const PodNews& news) {
  const Json& own = own_status(pod);
  const Json& state = own.at("state");
  const Json& before = own.at("lastState").at("terminated");
  if (before.is_object()) out.last_exit = exit_of(before);
  if (state.at("terminated").is_object()) return describe_exited(out, state.at("terminated"), kNothing, news);
  const auto& waits_for = state.at("waiting").at("reason").as_string();
  if ((waits_for == "CrashLoopBackOff" || waits_for == "RunContainerError") && before.is_object()) {
    describe_exited(out, before, state.at("waiting"), news);
    out.last_exit.reset();
    return;
  }
  if (!state.at("running").is_object()) {
    out.phase = Phase::kPending;
    out.message = pending_cause(pod, news);
    out.runtime_ready = false;
    return;
  }
  out.started_wall = time_at(state.at("running"), "startedAt");
  out.phase = own.at("started") == Json(false) ? Phase::kStarting : Phase::kRunning;
  out.runtime_ready = condition(pod, "Ready").at("status").as_string() == "True";
  if (!*out.runtime_ready) out.message = not_ready_cause(pod, news);
}

// deletionTimestamp is when it is to be gone at the latest.
void describe_leaving(ObservedInstance& out, const Json& metadata, const Moment& now) {
  const auto until = time_at(metadata, "deletionTimestamp");
  if (!until || out.phase == Phase::kExited) return;
  const auto since = *until - std::chrono::seconds{metadata.at("deletionGracePeriodSeconds").as_int()};
  out.phase = Phase::kStopping;
  out.stopping_since = now.mono - std::max(Duration{0}, Duration{now.wall - since});
}

}  // namespace

const Json& condition(const Json& object, std::string_view type) {
  for (const auto& entry : object.at("status").at("conditions").items()) {
    if (entry.at("type").as_string() == type) return entry;
  }
  return kNothing;
}

const Json& own_status(const Json& pod) {
  const Json& metadata = pod.at("metadata");
  const auto& list = pod.at("status").at("containerStatuses").items();
  for (const auto& name :
       {metadata.at("annotations").at(kContainerNote), metadata.at("labels").at(kServiceLabel)}) {
    for (const auto& status : list) {
      if (status.at("name") == name) return status;
    }
  }
  return list.empty() ? kNothing : list.front();
}

ExitRecord exit_of(const Json& terminated) {
  const auto code = static_cast<int>(terminated.at("exitCode").as_int());
  const auto& why = terminated.at("reason").as_string();
  ExitRecord exit{.code = code};
  exit.at = time_at(terminated, "finishedAt").value_or(WallTime{});
  if (why == "ContainerCannotRun" || why == "StartError") {
    exit.code.reset();
    exit.start_failed = true;
    exit.reason = told("cannot start", terminated.at("message").as_string());
    return exit;
  }
  if (why == "ContainerStatusUnknown") {
    exit.code.reset();
    exit.reason = told("its end is unknown", terminated.at("message").as_string());
    return exit;
  }
  exit.reason = "exit code " + std::to_string(code);
  // A kubelet reports death by signal n as 128 + n.
  if (code > kSignalBase && code <= kSignalBase + kMaxSignal) {
    exit.code.reset();
    exit.signal = code - kSignalBase;
    exit.reason = "killed by signal " + std::to_string(*exit.signal);
    if (const char* name = sigabbrev_np(*exit.signal)) exit.reason += " (" + std::string(name) + ")";
  }
  exit.oom_killed = why == "OOMKilled";
  if (exit.oom_killed) exit.reason += ", out of memory";
  return exit;
}

bool take_news(PodNews& news, const Json& event) {
  auto message = event.at("message").as_string();
  while (message.ends_with(' ') || message.ends_with(':') || message.ends_with('\n')) message.pop_back();
  const auto& reason = event.at("reason").as_string();
  if (reason == "Failed" && message.starts_with("Failed to pull image"))
    return std::exchange(news.pull, message) != message;
  if (reason == "FailedCreatePodSandBox" || reason == "FailedMount" || reason == "FailedAttachVolume") {
    message = told(reason, message);
    return std::exchange(news.setup, message) != message;
  }
  if (reason != "Unhealthy" || message.empty()) return false;
  news.unhealthy_at = time_at(event, "lastTimestamp");
  return std::exchange(news.unhealthy, message) != message;
}

ObservedInstance look_at_pod(const Json& pod, const InstanceId& id, const PodNews& news, const Moment& now) {
  const Json& metadata = pod.at("metadata");
  const Json& annotations = metadata.at("annotations");
  ObservedInstance out;
  out.id = id;
  out.name = metadata.at("name").as_string();
  out.spec_hash = annotations.at(kHashNote).as_string();
  const auto& nonce = annotations.at(kNonceNote).as_string();
  std::from_chars(nonce.data(), nonce.data() + nonce.size(), out.restart_nonce);
  out.incarnation = static_cast<std::uint64_t>(own_status(pod).at("restartCount").as_int()) + 1;
  const auto& phase = pod.at("status").at("phase").as_string();
  if (phase == "Failed" || phase == "Succeeded")
    describe_ended_pod(out, pod, news);
  else
    describe_live(out, pod, news);
  describe_leaving(out, metadata, now);
  if (out.phase != Phase::kExited && is_out_of_sight(pod)) {
    out.phase = Phase::kUnknown;
    out.stopping_since.reset();
    out.runtime_ready.reset();
    const auto& node = pod.at("spec").at("nodeName").as_string();
    out.message = "node " + (node.empty() ? "of its pod" : node) + " doesn't answer";
  }
  if (out.started_wall)
    out.started_at = now.mono - std::max(Duration{0}, Duration{now.wall - *out.started_wall});
  return out;
}

}  // namespace holdfast::kubernetes
