#include "api/v1/serialize.h"

#include <chrono>
#include <map>
#include <optional>
#include <utility>
#include <variant>

#include "controller/base/text.h"

namespace holdfast::api {
namespace {

Json time_or_null(const std::optional<WallTime>& time) {
  return time ? Json(format_rfc3339(*time)) : Json();
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json::Array strings(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

template <typename Map>
Json object_of(const Map& map) {
  Json::Object members;
  for (const auto& [key, value] : map) members.emplace_back(key, value);
  return members;
}

Json spec_summary(const ServiceSpec& spec) {
  Json::Array env;
  for (const auto& [name, value] : spec.env) env.emplace_back(name);
  Json::Object depends_on;
  for (const auto& [name, condition] : spec.depends_on) depends_on.emplace_back(name, to_string(condition));
  return Json::object({{"desired", to_string(spec.desired)},
                       {"runtime", to_string(spec.runtime)},
                       {"replicas", spec.replicas},
                       {"command", strings(spec.argv)},
                       {"env", std::move(env)},
                       {"workingDir", text_or_null(spec.working_dir)},
                       {"user", text_or_null(spec.user)},
                       {"parameters", spec.parameters.is_object() ? spec.parameters : Json::object()},
                       {"restartPolicy", to_string(spec.restart.mode)},
                       {"dependsOn", std::move(depends_on)},
                       {"labels", object_of(spec.labels)}});
}

Json collected_to_json(const std::map<std::string, CollectedValues>& collected) {
  Json::Object result;
  for (const auto& [name, values] : collected)
    result.emplace_back(name, Json::object({{"values", object_of(values.values)},
                                            {"error", text_or_null(values.error)},
                                            {"at", time_or_null(values.at)}}));
  return result;
}

Json error_to_json(const Error& error) {
  return Json::object({{"code", to_string(error.code)},
                       {"message", error.message},
                       {"hint", text_or_null(error.hint)},
                       {"terminal", error.terminal}});
}

void hide_env_of(Json* service) {
  Json* env = service == nullptr ? nullptr : service->find("env");
  if (env == nullptr || !env->is_object()) return;
  for (auto& [name, value] : env->members())
    if (!value.is_object() && !value.is_null()) value = Json(kHidden);
}

}  // namespace

std::string service_name(const ServiceStatus& status) {
  if (status.spec) return status.spec->name;
  return status.instances.empty() ? std::string() : status.instances.front().observed.id.service;
}

Json to_json(const Condition& condition) {
  return Json::object({{"type", condition.type},
                       {"status", to_string(condition.status)},
                       {"reason", condition.reason},
                       {"message", condition.message},
                       {"lastTransitionTime", format_rfc3339(condition.last_transition)},
                       {"observedGeneration", condition.observed_generation}});
}

Json to_json(const ExitRecord& exit) {
  return Json::object({{"code", exit.code},
                       {"signal", exit.signal},
                       {"oomKilled", exit.oom_killed},
                       {"startFailed", exit.start_failed},
                       {"reason", exit.reason},
                       {"at", format_rfc3339(exit.at)}});
}

Json to_json(const ResourceUsage& usage) {
  return Json::object({{"cpuPercent", usage.cpu_percent},
                       {"cpuSecondsTotal", usage.cpu_seconds_total},
                       {"memoryBytes", usage.memory_bytes},
                       {"openFds", usage.open_fds},
                       {"processes", usage.processes}});
}

Json to_json(const InstanceStatus& instance, MonoTime now) {
  const ObservedInstance& observed = instance.observed;
  const bool runs = observed.phase != Phase::kExited && observed.phase != Phase::kPending;
  Json uptime;
  if (runs && observed.started_at)
    uptime = std::chrono::duration<double>(std::max(now - *observed.started_at, Duration::zero())).count();
  return Json::object({{"ordinal", observed.id.ordinal},
                       {"name", text_or_null(observed.name)},
                       {"incarnation", observed.incarnation},
                       {"phase", to_string(observed.phase)},
                       {"pid", observed.pid},
                       {"ready", instance.ready},
                       {"health", to_string(instance.health)},
                       {"healthMessage", text_or_null(instance.health_message)},
                       {"startedAt", time_or_null(observed.started_wall)},
                       {"uptimeSeconds", std::move(uptime)},
                       {"exit", observed.exit ? to_json(*observed.exit) : Json()},
                       {"specHash", observed.spec_hash},
                       {"notifyStatus", text_or_null(observed.notify_status)},
                       {"message", text_or_null(observed.message)},
                       {"drift", strings(observed.drift)},
                       {"usage", to_json(instance.usage)}});
}

Json to_json(const ServiceStatus& status, MonoTime now) {
  Json::Array instances, conditions;
  for (const auto& instance : status.instances) instances.push_back(to_json(instance, now));
  for (const auto& condition : status.conditions) conditions.push_back(to_json(condition));
  return Json::object({{"name", service_name(status)},
                       {"runtime", to_string(status.runtime)},
                       {"runtimeMode", text_or_null(status.runtime_mode)},
                       {"desired", to_string(status.desired)},
                       {"phase", status.phase},
                       {"ready", status.ready},
                       {"settled", status.settled},
                       {"generation", status.spec ? status.spec->generation : 0},
                       {"observedGeneration", status.observed_generation},
                       {"specHash", status.spec ? Json(status.spec->spec_hash) : Json()},
                       {"spec", status.spec ? spec_summary(*status.spec) : Json()},
                       {"instances", std::move(instances)},
                       {"conditions", std::move(conditions)},
                       {"restarts", status.restarts},
                       {"restartsByCause", object_of(status.restarts_by_cause)},
                       {"lastExit", status.last_exit ? to_json(*status.last_exit) : Json()},
                       {"lastError", status.last_error ? error_to_json(*status.last_error) : Json()},
                       {"lastHeartbeat", time_or_null(status.last_heartbeat)},
                       {"waitingFor", strings(status.waiting_for)},
                       {"collected", collected_to_json(status.collected)},
                       {"updatedAt", format_rfc3339(status.updated)}});
}

Json to_json(const Event& event) {
  return Json::object({{"id", event.id},
                       {"at", format_rfc3339(event.at)},
                       {"service", text_or_null(event.service)},
                       {"instance", event.ordinal},
                       {"incarnation", event.incarnation == 0 ? Json() : Json(event.incarnation)},
                       {"type", event.type},
                       {"severity", event.severity},
                       {"message", event.message},
                       {"cause", text_or_null(event.cause)},
                       {"actor", text_or_null(event.actor)},
                       {"revision", event.revision},
                       {"exit", event.exit ? to_json(*event.exit) : Json()}});
}

Json to_json(const RuntimeInfo& runtime) {
  Json::Object features;
  for (const auto& [feature, support] : runtime.capabilities.features)
    features.emplace_back(feature, to_string(support));
  return Json::object({{"name", to_string(runtime.kind)},
                       {"available", runtime.available},
                       {"mode", text_or_null(runtime.mode)},
                       {"message", text_or_null(runtime.message)},
                       {"delegatesWorkload", runtime.capabilities.delegates_workload},
                       {"features", std::move(features)},
                       {"notes", object_of(runtime.capabilities.notes)}});
}

Json to_json(const ReadyReport& report) {
  return Json::object({{"ready", report.ready},
                       {"checks", object_of(report.checks)},
                       {"leader", text_or_null(report.leader)}});
}

Json to_json(const Origin& origin) {
  return Json::object({{"layer", origin.layer},
                       {"file", text_or_null(origin.file)},
                       {"line", origin.line > 0 ? Json(origin.line) : Json()},
                       {"column", origin.column > 0 ? Json(origin.column) : Json()}});
}

Json to_json(const ConfigError& error) {
  return Json::object({{"path", error.path},
                       {"value", text_or_null(error.value)},
                       {"message", error.message},
                       {"origin", to_json(error.origin)}});
}

Json to_json(const ConfigLayer& layer) {
  return Json::object({{"name", layer.name},
                       {"file", text_or_null(layer.file)},
                       {"problem", layer.problem},
                       {"document", layer.document}});
}

Json to_json(const RevisionInfo& revision) {
  return Json::object({{"revision", revision.revision},
                       {"at", format_rfc3339(revision.at)},
                       {"actor", revision.actor},
                       {"summary", revision.summary}});
}

Json to_json(const PlannedChange& change) {
  return Json::object({{"service", change.service},
                       {"change", change.change},
                       {"actions", strings(change.actions)},
                       {"paths", strings(change.paths)},
                       {"drift", strings(change.drift)}});
}

Json list(Json::Array items) {
  return Json::object({{"items", std::move(items)}});
}

void hide_env_values(Json& document) {
  hide_env_of(document.find("defaults"));
  Json* services = document.find("services");
  if (services == nullptr || !services->is_object()) return;
  for (auto& [name, service] : services->members()) hide_env_of(&service);
}

std::string why_pending(const ServiceStatus& status) {
  std::string reason;
  const auto add = [&reason](const std::string& text) {
    if (!text.empty()) reason += (reason.empty() ? "" : "; ") + text;
  };
  if (!status.waiting_for.empty()) add("waits for " + join(status.waiting_for, ", "));
  if (status.last_error) add(status.last_error->message);
  for (const auto& condition : status.conditions) {
    const bool under_way = condition.type == "Progressing" && condition.status == Condition::Status::kTrue;
    const bool not_ready = condition.type == "Ready" && condition.status != Condition::Status::kTrue;
    if (reason.empty() && (under_way || not_ready)) add(condition.message);
  }
  return "phase " + status.phase + (reason.empty() ? "" : ": " + reason);
}

}  // namespace holdfast::api
