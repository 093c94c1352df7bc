#include "runtimes/process/records.h"

#include "controller/base/file.h"
#include "controller/base/json.h"

namespace holdfast::process {

namespace {

constexpr size_t kRecordMax = 64u << 10;

Result<std::optional<Json>> read_record(const std::string& path) {
  const auto text = read_file(path, kRecordMax);
  if (!text) {
    if (text.error().code == ErrorCode::kNotFound) return std::optional<Json>();
    return fail(text.error());
  }
  auto json = parse_json(*text);
  if (!json) return fail(ErrorCode::kInvalid, path + " is corrupt: " + json.error().message);
  if (!json->is_object() || !json->at("incarnation").is_int() || !json->at("ordinal").is_int()) {
    return fail(ErrorCode::kInvalid, path + " is corrupt: it isn't a record of a shim");
  }
  return std::optional<Json>(std::move(*json));
}

std::uint64_t unsigned_at(const Json& json, std::string_view key) {
  return static_cast<std::uint64_t>(json.at(key).as_int());
}

std::optional<MonoTime> mono_at(const Json& json, std::string_view key) {
  const std::int64_t ns = json.at(key).as_int();
  if (ns == 0) return std::nullopt;
  return MonoTime{Duration{ns}};
}

std::optional<int> int_at(const Json& json, std::string_view key) {
  const Json* value = json.find(key);
  if (!value || !value->is_int()) return std::nullopt;
  return static_cast<int>(value->as_int());
}

}  // namespace

Result<std::optional<ShimRecord>> read_shim_record(const std::string& directory) {
  const auto read = read_record(directory + "/shim.json");
  if (!read) return fail(read.error());
  if (!*read) return std::optional<ShimRecord>();
  const Json& json = **read;
  ShimRecord record;
  record.id = {json.at("service").as_string(), static_cast<int>(json.at("ordinal").as_int())};
  record.incarnation = unsigned_at(json, "incarnation");
  record.spec_hash = json.at("spec_hash").as_string();
  record.restart_nonce = unsigned_at(json, "restart_nonce");
  record.boot_id = json.at("boot_id").as_string();
  record.invocation = json.at("invocation").as_string();
  record.shim_pid = static_cast<pid_t>(json.at("shim_pid").as_int());
  record.child_pid = static_cast<pid_t>(json.at("child_pid").as_int());
  record.shim_start = unsigned_at(json, "shim_start");
  record.child_start = unsigned_at(json, "child_start");
  record.started_mono = MonoTime{Duration{json.at("started_mono_ns").as_int()}};
  record.started_wall = WallTime{Duration{json.at("started_wall_ns").as_int()}};
  record.kill_cgroup = json.at("kill_cgroup").as_string();
  for (const auto& cgroup : json.at("cgroups").items()) record.cgroups.push_back(cgroup.as_string());
  if (record.shim_pid <= 1 || record.child_pid <= 1 || record.invocation.empty()) {
    return fail(ErrorCode::kInvalid, directory + "/shim.json is corrupt: fields are missing");
  }
  return std::optional(std::move(record));
}

Result<std::optional<StateRecord>> read_state_record(const std::string& directory) {
  const auto read = read_record(directory + "/state.json");
  if (!read) return fail(read.error());
  if (!*read) return std::optional<StateRecord>();
  const Json& json = **read;
  StateRecord record;
  record.incarnation = unsigned_at(json, "incarnation");
  record.ready = json.at("ready").as_bool();
  record.watchdog = mono_at(json, "watchdog_mono_ns");
  record.stopping_since = mono_at(json, "stopping_mono_ns");
  record.status = json.at("status").as_string();
  record.main_pid_refused = json.at("main_pid_refused").as_bool();
  return std::optional(std::move(record));
}

Result<std::optional<ExitFile>> read_exit_file(const std::string& directory) {
  const auto read = read_record(directory + "/exit.json");
  if (!read) return fail(read.error());
  if (!*read) return std::optional<ExitFile>();
  const Json& json = **read;
  ExitFile file;
  file.incarnation = unsigned_at(json, "incarnation");
  file.tree_gone = json.at("tree_gone").as_bool();
  file.exit.code = int_at(json, "code");
  file.exit.signal = int_at(json, "signal");
  file.exit.oom_killed = json.at("oom_killed").as_bool();
  file.exit.start_failed = json.at("start_failed").as_bool();
  file.exit.reason = json.at("reason").as_string();
  file.exit.at = WallTime{Duration{json.at("at_wall_ns").as_int()}};
  return std::optional(std::move(file));
}

Status write_exit_file(const std::string& directory, const InstanceId& id, const ExitFile& file) {
  Json json = Json::object(
      {{"version", 1}, {"service", id.service}, {"ordinal", id.ordinal}, {"incarnation", file.incarnation}});
  if (file.exit.code) json.set("code", *file.exit.code);
  if (file.exit.signal) json.set("signal", *file.exit.signal);
  json.set("tree_gone", file.tree_gone);
  json.set("oom_killed", file.exit.oom_killed);
  json.set("start_failed", file.exit.start_failed);
  json.set("at_wall_ns", file.exit.at.time_since_epoch().count());
  json.set("reason", file.exit.reason);
  return write_file_atomically(directory + "/exit.json", dump_json(json) + "\n", 0644,
                               Durability::kProcessCrash);
}

}  // namespace holdfast::process
