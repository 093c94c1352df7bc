#include "controller/telemetry/sampler.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace holdfast::telemetry {

namespace {

constexpr Duration kSecondSample = std::chrono::seconds{1};  // cpu_percent soon after a start

double seconds(Duration time) {
  return std::chrono::duration<double>(time).count();
}

bool can_be_read(const ObservedInstance& instance) {
  return instance.phase == Phase::kStarting || instance.phase == Phase::kRunning ||
         instance.phase == Phase::kStopping;
}

// Differs by more than a trifle: a point of CPU, 2 % and 256 KiB of memory, any file or process.
bool differs(const ResourceUsage& a, const ResourceUsage& b) {
  if (a.cpu_percent.has_value() != b.cpu_percent.has_value() || a.open_fds != b.open_fds ||
      a.processes != b.processes || a.memory_bytes.has_value() != b.memory_bytes.has_value())
    return true;
  if (a.cpu_percent && std::fabs(*a.cpu_percent - *b.cpu_percent) >= 1) return true;
  if (!a.memory_bytes) return false;
  const auto change = std::abs(*a.memory_bytes - *b.memory_bytes);
  return change >= 256 << 10 && change * 50 >= *a.memory_bytes;
}

}  // namespace

Sampler::Sampler(const Clock& clock, Roster roster, Reader reader, SamplerOptions options)
    : clock_(clock), roster_(std::move(roster)), reader_(std::move(reader)), options_(options) {}

Sampler::~Sampler() {
  stop();
}

void Sampler::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Sampler::stop() {
  thread_ = {};
}

void Sampler::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    sample_due();
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, options_.tick, [] { return false; });
  }
}

ResourceUsage Sampler::usage(const ObservedInstance& instance) const {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find({instance.id.service, instance.id.ordinal, instance.incarnation});
  return it == entries_.end() ? ResourceUsage{} : it->second.usage;
}

Sampler::Batches Sampler::take_due(MonoTime now) {
  const auto statuses = roster_();
  Batches batches;
  const std::lock_guard lock(mutex_);
  for (auto& [key, entry] : entries_) entry.present = false;
  for (const auto& status : statuses) {
    for (const auto& instance : status->instances) {
      const auto& observed = instance.observed;
      if (!can_be_read(observed)) continue;
      auto& entry = entries_[{observed.id.service, observed.id.ordinal, observed.incarnation}];
      entry.present = true;
      if (entry.due <= now) batches[status->runtime].push_back(observed);
    }
  }
  std::erase_if(entries_, [](const auto& item) { return !item.second.present; });
  return batches;
}

void Sampler::sample_due() {
  std::vector<std::string> changed;
  for (const auto& [kind, instances] : take_due(clock_.now())) {
    auto usages = reader_(kind, instances);
    const auto now = clock_.now();
    for (size_t i = 0; i < std::min(usages.size(), instances.size()); ++i)
      record(instances[i], usages[i], now, changed);
  }
  if (!sink_) return;
  changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
  for (const auto& service : changed) sink_(service);
}

void Sampler::record(const ObservedInstance& instance, ResourceUsage usage, MonoTime now,
                     std::vector<std::string>& changed) {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find({instance.id.service, instance.id.ordinal, instance.incarnation});
  if (it == entries_.end()) return;
  auto& entry = it->second;
  // A runtime that measures by itself keeps its word; a counter that went back says nothing.
  if (!usage.cpu_percent && entry.sampled && now > entry.at && usage.cpu_seconds_total &&
      entry.usage.cpu_seconds_total && *usage.cpu_seconds_total >= *entry.usage.cpu_seconds_total) {
    usage.cpu_percent =
        (*usage.cpu_seconds_total - *entry.usage.cpu_seconds_total) / seconds(now - entry.at) * 100;
  }
  const bool news = !entry.sampled || differs(entry.usage, usage);
  if (news) changed.push_back(instance.id.service);
  if (!entry.sampled)
    entry.pause = std::min(kSecondSample, options_.interval);
  else if (news)
    entry.pause = options_.interval;
  else
    entry.pause = std::clamp(entry.pause * 2, options_.interval, options_.idle_interval);
  entry.usage = usage;
  entry.sampled = true;
  entry.at = now;
  entry.due = now + entry.pause;
}

}  // namespace holdfast::telemetry
