// Who is probed, when, and what came of it. Holds every probe of every run; does no input or output itself:
// times come in, checks to make go out.
//
//   track() -> runs and their probes     due() -> checks to start      finish() -> folded, next check planned
//   heartbeat() -> folded at once        next_due() -> when due() has something
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controller/health/cadence.h"
#include "controller/health/fold.h"
#include "controller/model/observation.h"

namespace holdfast::health {

// One probe of one run of an instance.
struct ProbeRun {
  SpecPtr spec;
  InstanceId id;
  std::uint64_t incarnation = 0;
  ProbeKind kind = ProbeKind::kLiveness;
  Probe probe;
  Cadence cadence;
  MonoTime due;
  bool in_flight = false, ended = false;
};
using ProbeRunPtr = std::shared_ptr<ProbeRun>;

// Not thread-safe.
class ProbeBook {
 public:
  // True if the service's view changed.
  bool track(const SpecPtr& spec, const std::vector<ObservedInstance>& instances, MonoTime now);
  void forget(const std::string& service);
  bool heartbeat(const std::string& name, MonoTime now, WallTime wall);

  struct Due {
    std::vector<ProbeRunPtr> checks;  // to be made; each must be followed by finish()
    std::set<std::string> changed;    // services whose view changed by time alone
  };
  Due due(MonoTime now, size_t max_checks);
  // True if the view changed.
  bool finish(const ProbeRunPtr& run, const CheckResult& result, MonoTime now);
  [[nodiscard]] std::optional<MonoTime> next_due() const;

  [[nodiscard]] HealthView view(const std::string& service) const;
  [[nodiscard]] std::optional<WallTime> last_heartbeat(const std::string& service) const;

 private:
  static constexpr std::array kKinds{ProbeKind::kStartup, ProbeKind::kReadiness, ProbeKind::kLiveness};
  struct Instance {
    std::optional<MonoTime> started_at;
    Heard heard;
    RunState state;
    InstanceHealth health;
    std::array<ProbeRunPtr, kKinds.size()> runs;
  };
  using Key = std::pair<int, std::uint64_t>;  // ordinal, incarnation
  struct Service {
    SpecPtr spec;
    std::map<Key, Instance> instances;
    std::optional<WallTime> last_heartbeat;
  };

  bool update(Service& service, const ObservedInstance& observed, bool spec_changed, MonoTime now);
  bool refresh(const SpecPtr& spec, const Key& key, Instance& instance, MonoTime now);
  void match_run(const SpecPtr& spec, const Key& key, Instance& instance, ProbeKind kind, MonoTime now);
  void begin_run(const SpecPtr& spec, const Key& key, Instance& instance, ProbeKind kind, MonoTime now);
  void judge_run(const ProbeRunPtr& run, Instance& instance, MonoTime now);
  void schedule(const ProbeRunPtr& run, MonoTime due);
  void end_run(ProbeRunPtr& run);
  void end_runs(Instance& instance);
  Instance* find(const ProbeRun& run);

  std::map<std::string, Service> services_;
  std::set<std::pair<MonoTime, ProbeRunPtr>> schedule_;
};

}  // namespace holdfast::health
