#include "api/metrics/service_metrics.h"

#include <algorithm>
#include <array>

namespace holdfast::metrics {
namespace {

constexpr std::array kHealthStates{HealthState::kUnknown, HealthState::kStarting, HealthState::kHealthy,
                                   HealthState::kUnhealthy};

double flag(bool value) {
  return value ? 1 : 0;
}

double unix_seconds(WallTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

double exit_code(const ExitRecord& exit) {
  constexpr int kSignalBase = 128;  // as shells report it
  constexpr int kUnknown = -1;
  if (exit.signal) return kSignalBase + *exit.signal;
  return exit.code.value_or(kUnknown);
}

size_t running_instances(const ServiceStatus& status) {
  return static_cast<size_t>(
      std::count_if(status.instances.begin(), status.instances.end(),
                    [](const InstanceStatus& i) { return i.observed.phase == Phase::kRunning; }));
}

// One family per question about a service; each looks at every service.
class ServiceFamilies {
 public:
  void add(const ServiceStatus& status) {
    const Labels service{{"service", status.spec->name}};
    const auto running = running_instances(status);
    const auto wanted =
        status.desired == Desired::kRunning ? static_cast<size_t>(std::max(0, status.spec->replicas)) : 0;
    info_.add({{"service", status.spec->name}, {"runtime", std::string(to_string(status.runtime))}}, 1);
    up_.add(service, flag(running > 0 && running >= wanted));
    ready_.add(service, flag(status.ready));
    desired_.add(service, flag(status.desired == Desired::kRunning));
    settled_.add(service, flag(status.settled));
    instances_.add(service, static_cast<double>(running));
    instances_wanted_.add(service, static_cast<double>(wanted));
    generation_.add(service, static_cast<double>(status.spec->generation));
    observed_generation_.add(service, static_cast<double>(status.observed_generation));
    failing_.add(service, flag(status.last_error.has_value()));
    if (status.last_exit) {
      last_exit_code_.add(service, exit_code(*status.last_exit));
      last_exit_time_.add(service, unix_seconds(status.last_exit->at));
    }
    if (status.last_heartbeat) last_heartbeat_.add(service, unix_seconds(*status.last_heartbeat));
    add_restarts(status);
    for (const auto& instance : status.instances) add_instance(status.spec->name, instance);
    for (const auto& [name, collected] : status.collected) add_collected(status.spec->name, name, collected);
  }

  void move_to(Families& families) {
    for (auto* family : {&info_,
                         &up_,
                         &ready_,
                         &desired_,
                         &settled_,
                         &instances_,
                         &instances_wanted_,
                         &generation_,
                         &observed_generation_,
                         &failing_,
                         &restarts_,
                         &last_exit_code_,
                         &last_exit_time_,
                         &last_heartbeat_,
                         &health_,
                         &start_time_,
                         &cpu_,
                         &memory_,
                         &fds_,
                         &processes_,
                         &collected_,
                         &collector_up_}) {
      family->move_to(families);
    }
  }

 private:
  void add_restarts(const ServiceStatus& status) {
    // The most asked for is there from the start, so that a first crash is an increase and not a new series.
    if (!status.restarts_by_cause.contains("crash")) {
      restarts_.add({{"service", status.spec->name}, {"cause", "crash"}}, 0);
    }
    for (const auto& [cause, count] : status.restarts_by_cause) {
      restarts_.add({{"service", status.spec->name}, {"cause", cause}}, static_cast<double>(count));
    }
  }

  void add_instance(const std::string& service, const InstanceStatus& instance) {
    const auto ordinal = std::to_string(instance.observed.id.ordinal);
    const Labels labels{{"service", service}, {"ordinal", ordinal}};
    for (const auto state : kHealthStates) {
      health_.add({{"service", service}, {"ordinal", ordinal}, {"state", std::string(to_string(state))}},
                  flag(instance.health == state));
    }
    if (instance.observed.phase == Phase::kExited) return;
    if (instance.observed.started_wall)
      start_time_.add(labels, unix_seconds(*instance.observed.started_wall));
    const auto& usage = instance.usage;
    if (usage.cpu_seconds_total) cpu_.add(labels, *usage.cpu_seconds_total);
    if (usage.memory_bytes) memory_.add(labels, static_cast<double>(*usage.memory_bytes));
    if (usage.open_fds) fds_.add(labels, static_cast<double>(*usage.open_fds));
    if (usage.processes) processes_.add(labels, static_cast<double>(*usage.processes));
  }

  void add_collected(const std::string& service, const std::string& name, const CollectedValues& collected) {
    collector_up_.add({{"service", service}, {"collector", name}}, flag(collected.error.empty()));
    for (const auto& [key, value] : collected.values) {
      collected_.add({{"service", service}, {"collector", name}, {"name", key}}, value);
    }
  }

  Family info_ = gauge("holdfast_service_info", "Always 1; the labels say what the service is.");
  Family up_ = gauge("holdfast_service_up", "Whether all wanted instances of the service run: 1 or 0.");
  Family ready_ = gauge("holdfast_service_ready", "Whether the service serves as declared: 1 or 0.");
  Family desired_ = gauge("holdfast_service_desired", "Whether the service is wanted to run: 1 or 0.");
  Family settled_ = gauge("holdfast_service_settled",
                          "Whether nothing is left to do for the current config and intent: 1 or 0.");
  Family instances_ = gauge("holdfast_service_instances", "Instances of the service that run.");
  Family instances_wanted_ =
      gauge("holdfast_service_instances_desired", "Instances of the service that are wanted to run.");
  Family generation_ =
      gauge("holdfast_service_generation", "Generation of the service's configuration in force.");
  Family observed_generation_ =
      gauge("holdfast_service_observed_generation", "Generation that the controller has acted on.");
  Family failing_ = gauge("holdfast_service_reconcile_failing",
                          "Whether the last look at the service ended in an error: 1 or 0.");
  Family restarts_ =
      counter("holdfast_service_restarts_total", "Restarts of instances of the service, by cause.");
  Family last_exit_code_ =
      gauge("holdfast_service_last_exit_code",
            "Exit code of the newest exit; 128 plus the signal if one ended it, -1 if unknown.");
  Family last_exit_time_ =
      gauge("holdfast_service_last_exit_timestamp_seconds", "When the newest exit was, in Unix time.");
  Family last_heartbeat_ = gauge("holdfast_service_last_heartbeat_timestamp_seconds",
                                 "When the newest heartbeat came, in Unix time.");
  Family health_ =
      gauge("holdfast_service_health", "Health of an instance: 1 for the state that it is in, else 0.");
  Family start_time_ =
      gauge("holdfast_service_start_time_seconds", "When the instance started, in Unix time.");
  Family cpu_ =
      counter("holdfast_service_cpu_seconds_total", "CPU time that the instance's processes have used.");
  Family memory_ =
      gauge("holdfast_service_resident_memory_bytes", "Resident memory of the instance's processes.");
  Family fds_ = gauge("holdfast_service_open_fds", "Open file descriptors of the instance's processes.");
  Family processes_ = gauge("holdfast_service_processes", "Processes of the instance.");
  Family collected_ =
      gauge("holdfast_service_collected", "Newest value that a collector of the service brought.");
  Family collector_up_ =
      gauge("holdfast_service_collector_up", "Whether the collector's last run worked: 1 or 0.");
};

}  // namespace

void add_service_metrics(const std::vector<StatusPtr>& services, Families& families) {
  ServiceFamilies built;
  for (const auto& status : services) {
    if (status && status->spec) built.add(*status);  // an orphan on its way out has no name to show
  }
  built.move_to(families);
}

}  // namespace holdfast::metrics
