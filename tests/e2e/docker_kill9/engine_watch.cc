#include "tests/e2e/docker_kill9/engine_watch.h"

#include <stdexcept>

#include <signal.h>

#include "runtimes/docker/engine/engine_client.h"
#include "runtimes/docker/spec_container.h"
#include "tests/support/program.h"

namespace holdfast::test {

namespace {

constexpr std::chrono::seconds kPatience{30};

std::string value_of(const std::map<std::string, std::string>& map, const char* key) {
  const auto found = map.find(key);
  return found == map.end() ? std::string() : found->second;
}

}  // namespace

EngineWatch::EngineWatch(const std::string& host, std::string word) : word_(std::move(word)) {
  auto endpoint = docker::endpoint_from(
      [&](const std::string& name) { return name == "DOCKER_HOST" ? std::optional(host) : std::nullopt; },
      [](const std::string&) { return true; });
  if (!endpoint) throw std::runtime_error(endpoint.error().message);
  client_ = docker::make_engine_client(std::move(*endpoint), clock_);
  events_ = client_->events(0, {.on_open =
                                    [this] {
                                      const std::lock_guard lock(mutex_);
                                      open_ = true;
                                      changed_.notify_all();
                                    },
                                .on_event = [this](const docker::ContainerEvent& event) { take(event); },
                                .on_end =
                                    [this](const Error& error) {
                                      const std::lock_guard lock(mutex_);
                                      faults_.push_back("the engine's events ended: " + error.message);
                                    }});
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, kPatience, [this] { return open_; }))
    throw std::runtime_error("the engine's events can't be followed");
}

EngineWatch::~EngineWatch() {
  events_.reset();
}

void EngineWatch::take(const docker::ContainerEvent& event) {
  if (value_of(event.attributes, "name").find(word_) == std::string::npos) return;
  const auto service = value_of(event.attributes, docker::kServiceLabel);
  const std::lock_guard lock(mutex_);
  if (target_ > 0 && event.action == action_ && service != but_) {
    signal_process(target_, SIGKILL);
    target_ = -1;
    changed_.notify_all();
  }
  if (service.empty()) return;
  const auto instance = service + "/" + value_of(event.attributes, docker::kOrdinalLabel);
  auto& ids = alive_[instance];
  if (event.action == "die") ids.erase(event.id);
  if (event.action != "start") return;
  ++started_[service];
  ids.insert(event.id);
  if (ids.size() > 1) faults_.push_back(instance + " had " + std::to_string(ids.size()) + " live containers");
}

bool EngineWatch::strike(pid_t pid, const std::string& action, const std::string& but) {
  std::unique_lock lock(mutex_);
  target_ = pid;
  action_ = action;
  but_ = but;
  const bool struck = changed_.wait_for(lock, kPatience, [this] { return target_ < 0; });
  target_ = -1;
  return struck;
}

int EngineWatch::started(const std::string& service) const {
  const std::lock_guard lock(mutex_);
  const auto found = started_.find(service);
  return found == started_.end() ? 0 : found->second;
}

std::vector<std::string> EngineWatch::faults() const {
  const std::lock_guard lock(mutex_);
  return faults_;
}

}  // namespace holdfast::test
