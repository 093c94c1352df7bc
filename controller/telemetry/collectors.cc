#include "controller/telemetry/collectors.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "controller/telemetry/sources.h"

namespace holdfast::telemetry {

namespace {

constexpr Duration kShortestInterval = std::chrono::milliseconds{100};

// One collector of one service.
struct Job {
  std::string service;
  CollectorSpec spec;
  std::string path;  // of a database, absolute
  MonoTime due;
  bool ended = false;  // by a newer configuration: what it still reads is dropped
  CollectedValues collected;
};
using JobPtr = std::shared_ptr<Job>;

std::string resolve(const SqliteCollector& source, const ServiceSpec& spec, const std::string& state_dir) {
  if (source.path.starts_with('/')) return source.path;
  const auto base = spec.working_dir.empty() ? state_dir + "/run/" + spec.name + "/0" : spec.working_dir;
  return base + "/" + source.path;
}

}  // namespace

class ThreadedCollectors final : public Collectors {
 public:
  ThreadedCollectors(const Clock& clock, CollectorOptions options)
      : clock_(clock), options_(std::move(options)) {}
  ~ThreadedCollectors() override;

  void follow(const std::map<std::string, SpecPtr>& services) override;
  [[nodiscard]] std::map<std::string, CollectedValues> values(const std::string& service) const override;
  void on_change(std::function<void(const std::string&)> sink) override { sink_ = std::move(sink); }

 private:
  using Jobs = std::map<std::string, JobPtr>;  // of one service, by collector
  JobPtr keep_or_begin(const std::string& collector, const SpecPtr& service, const CollectorSpec& spec);
  void work(const std::stop_token& stop);
  JobPtr wait_for_job(std::unique_lock<std::mutex>& lock, const std::stop_token& stop);
  bool record(Job& job, Result<Values> read) const;
  [[nodiscard]] Result<Values> read(const CollectorSpec& spec, const std::string& path) const;
  void begin_threads();

  const Clock& clock_;
  const CollectorOptions options_;
  std::function<void(const std::string&)> sink_;

  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::map<std::string, Jobs> services_;
  std::set<std::pair<MonoTime, JobPtr>> schedule_;  // what is not under way
  int waiting_ = 0;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

std::unique_ptr<Collectors> Collectors::create(const Clock& clock, CollectorOptions options) {
  return std::make_unique<ThreadedCollectors>(clock, std::move(options));
}

ThreadedCollectors::~ThreadedCollectors() {
  std::vector<std::jthread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
  }
  for (auto& thread : threads) thread.request_stop();
}

void ThreadedCollectors::follow(const std::map<std::string, SpecPtr>& services) {
  {
    const std::lock_guard lock(mutex_);
    std::map<std::string, Jobs> next;
    for (const auto& [name, spec] : services) {
      for (const auto& [collector, what] : spec->collectors)
        next[name][collector] = keep_or_begin(collector, spec, what);
    }
    for (const auto& [name, jobs] : services_) {
      for (const auto& [collector, job] : jobs) {
        const auto kept = next.find(name);
        if (kept != next.end() && kept->second.contains(collector) && kept->second[collector] == job)
          continue;
        job->ended = true;
        schedule_.erase({job->due, job});
      }
    }
    services_.swap(next);
    begin_threads();
  }
  wake_.notify_all();
}

JobPtr ThreadedCollectors::keep_or_begin(const std::string& collector, const SpecPtr& service,
                                         const CollectorSpec& spec) {
  const auto* sqlite = std::get_if<SqliteCollector>(&spec.source);
  const auto path = sqlite ? resolve(*sqlite, *service, options_.state_dir) : std::string();
  const auto known = services_.find(service->name);
  if (known != services_.end()) {
    const auto job = known->second.find(collector);
    if (job != known->second.end() && job->second->spec == spec && job->second->path == path)
      return job->second;
  }
  auto job = std::make_shared<Job>();
  job->service = service->name;
  job->spec = spec;
  job->path = path;
  job->due = clock_.now();
  schedule_.emplace(job->due, job);
  return job;
}

// One thread as long as it keeps up.
void ThreadedCollectors::begin_threads() {
  const bool late = !schedule_.empty() && schedule_.begin()->first <= clock_.now();
  if (stopping_ || waiting_ > 0 || !late || threads_.size() >= static_cast<size_t>(options_.max_threads))
    return;
  threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
}

// The job whose time has come, taken off the schedule; null at the end.
JobPtr ThreadedCollectors::wait_for_job(std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
  ++waiting_;
  while (!stop.stop_requested()) {
    if (schedule_.empty()) {
      wake_.wait(lock, stop, [this] { return !schedule_.empty(); });
      continue;
    }
    const auto due = schedule_.begin()->first;
    const auto now = clock_.now();
    if (due <= now) break;
    wake_.wait_for(lock, stop, due - now,
                   [&] { return schedule_.empty() || schedule_.begin()->first < due; });
  }
  --waiting_;
  if (stop.stop_requested()) return nullptr;
  auto job = schedule_.begin()->second;
  schedule_.erase(schedule_.begin());
  begin_threads();
  return job;
}

void ThreadedCollectors::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (const auto job = wait_for_job(lock, stop)) {
    lock.unlock();
    auto found = read(job->spec, job->path);
    lock.lock();
    if (job->ended) continue;
    const bool changed = record(*job, std::move(found));
    job->due = clock_.now() + std::max(job->spec.interval, kShortestInterval);
    schedule_.emplace(job->due, job);
    if (!changed || !sink_) continue;
    lock.unlock();
    sink_(job->service);
    lock.lock();
  }
}

Result<Values> ThreadedCollectors::read(const CollectorSpec& spec, const std::string& path) const {
  if (const auto* sqlite = std::get_if<SqliteCollector>(&spec.source))
    return read_sqlite(*sqlite, path, options_.deadline);
  return scrape(std::get<PrometheusCollector>(spec.source), options_.deadline);
}

bool ThreadedCollectors::record(Job& job, Result<Values> read) const {
  auto& collected = job.collected;
  if (!read) {
    if (collected.error == read.error().message) return false;
    collected.error = read.error().message;
    return true;
  }
  const bool changed = !collected.at || !collected.error.empty() || collected.values != *read;
  collected.values = std::move(*read);
  collected.error.clear();
  collected.at = clock_.wall();
  return changed;
}

std::map<std::string, CollectedValues> ThreadedCollectors::values(const std::string& service) const {
  std::map<std::string, CollectedValues> result;
  const std::lock_guard lock(mutex_);
  const auto found = services_.find(service);
  if (found == services_.end()) return result;
  for (const auto& [collector, job] : found->second) result.emplace(collector, job->collected);
  return result;
}

}  // namespace holdfast::telemetry
