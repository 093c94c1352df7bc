// What tests do to a FakeRuntime.
#include <algorithm>
#include <iterator>
#include <utility>

#include "runtimes/fake/fake_runtime.h"

namespace holdfast::fake {
namespace {

constexpr size_t kMaxLogLines = 1000;  // per service

}  // namespace

void FakeRuntime::script(const std::string& service, FakeScript script) {
  const std::lock_guard lock(mutex_);
  services_[service].script = std::move(script);
}

bool FakeRuntime::crash(const InstanceId& id, ExitRecord exit) {
  {
    const std::lock_guard lock(mutex_);
    settle(services_[id.service]);
    Run* run = live(id);
    if (run == nullptr) return false;
    finish(*run, std::move(exit));
  }
  tell(id.service);
  return true;
}

void FakeRuntime::set_unknown(const InstanceId& id, bool unknown) {
  {
    const std::lock_guard lock(mutex_);
    auto& of = services_[id.service].unknown;
    if (unknown) {
      of.insert(id.ordinal);
    } else {
      of.erase(id.ordinal);
    }
  }
  tell(id.service);
}

void FakeRuntime::set_availability(Availability availability) {
  std::function<void()> sink;
  {
    const std::lock_guard lock(mutex_);
    availability_ = std::move(availability);
    sink = availability_sink_;
  }
  if (sink) sink();
  for (const auto& service : names()) tell(service);
}

void FakeRuntime::on_availability(const std::function<void()>& sink) {
  const std::lock_guard lock(mutex_);
  availability_sink_ = sink;
}

std::vector<std::string> FakeRuntime::names() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [name, service] : services_) out.push_back(name);
  return out;
}

void FakeRuntime::set_preparation(const std::string& service, Result<Preparation> preparation) {
  {
    const std::lock_guard lock(mutex_);
    preparations_.insert_or_assign(service, std::move(preparation));
  }
  tell(service);
}

void FakeRuntime::set_notify_ready(const InstanceId& id, bool ready) {
  {
    const std::lock_guard lock(mutex_);
    if (Run* run = live(id)) run->seen.notify_ready = ready;
  }
  tell(id.service);
}

void FakeRuntime::vanish(const InstanceId& id) {
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(services_[id.service].runs, [&](const Run& run) { return run.seen.id == id; });
  }
  tell(id.service);
}

void FakeRuntime::forget(const std::string& service) {
  const std::lock_guard lock(mutex_);
  services_[service].shown.clear();
}

void FakeRuntime::plant(ObservedInstance instance) {
  const std::string service = instance.id.service;
  {
    const std::lock_guard lock(mutex_);
    Service& of = services_[service];
    Run run;
    run.script = of.script;
    run.seen = std::move(instance);
    add(of, std::move(run));
  }
  tell(service);
}

void FakeRuntime::set_fault(Fault fault, FaultPoint point) {
  const std::lock_guard lock(mutex_);
  fault_ = std::move(fault);
  fault_point_ = point;
}

void FakeRuntime::write_log(const InstanceId& id, std::string stream, std::string text) {
  const std::lock_guard lock(mutex_);
  auto& lines = services_[id.service].logs;
  lines.push_back(LogLine{clock_.wall(), std::move(stream), id.ordinal, std::move(text)});
  if (lines.size() > kMaxLogLines) lines.pop_front();
}

void FakeRuntime::tick() {
  std::set<std::string> changed;
  {
    const std::lock_guard lock(mutex_);
    const MonoTime now = clock_.now();
    while (!transitions_.empty() && transitions_.top().first <= now) {
      changed.insert(transitions_.top().second);
      transitions_.pop();
    }
    for (const std::string& name : changed) {
      const auto found = services_.find(name);
      if (found != services_.end()) settle(found->second);
    }
  }
  for (const std::string& name : changed) tell(name);
}

std::optional<MonoTime> FakeRuntime::next_transition() const {
  const std::lock_guard lock(mutex_);
  return transitions_.empty() ? std::nullopt : std::optional(transitions_.top().first);
}

FakeRuntime::Counters FakeRuntime::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

std::vector<std::string> FakeRuntime::violations() const {
  const std::lock_guard lock(mutex_);
  return violations_;
}

}  // namespace holdfast::fake
