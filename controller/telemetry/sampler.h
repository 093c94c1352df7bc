// Reads CPU, memory and files of running instances in the background, so that no reader of the API ever waits
// for a runtime.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "controller/base/clock.h"
#include "controller/model/observation.h"
#include "controller/model/status.h"

namespace holdfast::telemetry {

struct SamplerOptions {
  Duration tick = std::chrono::seconds{1};      // how soon a new instance is noticed
  Duration interval = std::chrono::seconds{5};  // between two samples of an instance
  // An instance that changes nothing is looked at less and less often, down to this: hundreds of idle
  // services cost next to nothing.
  Duration idle_interval = std::chrono::seconds{20};
};

// Thread-safe.
class Sampler {
 public:
  // What is, cheaply: the published statuses.
  using Roster = std::function<std::vector<StatusPtr>()>;
  // Runtime::usage of the runtime of that kind; may block.
  using Reader =
      std::function<std::vector<ResourceUsage>(RuntimeKind kind, const std::vector<ObservedInstance>&)>;

  Sampler(const Clock& clock, Roster roster, Reader reader, SamplerOptions options = {});
  ~Sampler();  // waits for a sample under way
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  // Called on the sampler's thread with each service whose usage has changed by more than a trifle; set
  // before start().
  void on_change(std::function<void(const std::string& service)> sink) { sink_ = std::move(sink); }
  void start();  // begins the thread; without it sample_due() is called by hand
  void stop();

  // The newest sample of this very run; empty fields where nothing is known. cpu_percent is the mean since
  // the sample before, so it takes two.
  [[nodiscard]] ResourceUsage usage(const ObservedInstance& instance) const;

  // Samples every instance that is due, and forgets those that are gone.
  void sample_due();

 private:
  using Key = std::tuple<std::string, int, std::uint64_t>;  // service, ordinal, incarnation
  struct Entry {
    ResourceUsage usage;
    MonoTime at, due;
    Duration pause{};
    bool sampled = false, present = false;
  };
  using Batches = std::map<RuntimeKind, std::vector<ObservedInstance>>;

  Batches take_due(MonoTime now);
  void record(const ObservedInstance& instance, ResourceUsage usage, MonoTime now,
              std::vector<std::string>& changed);
  void run(const std::stop_token& stop);

  const Clock& clock_;
  const Roster roster_;
  const Reader reader_;
  const SamplerOptions options_;
  std::function<void(const std::string&)> sink_;

  mutable std::mutex mutex_;  // held for map operations only, never while a runtime is read
  std::condition_variable_any wake_;
  std::map<Key, Entry> entries_;
  std::jthread thread_;
};

}  // namespace holdfast::telemetry
