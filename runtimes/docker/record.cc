#include "runtimes/docker/record.h"

#include <array>
#include <cerrno>

#include <sys/random.h>

#include "controller/base/file.h"
#include "controller/base/json.h"
#include "controller/base/text.h"

namespace holdfast::docker {

namespace {

constexpr size_t kRecordMax = 64u << 10;

std::uint64_t unsigned_at(const Json& json, std::string_view key) {
  return static_cast<std::uint64_t>(json.at(key).as_int());
}

// Monotonic times of another boot mean nothing.
std::optional<MonoTime> mono_at(const Json& json, std::string_view key) {
  if (json.at("boot").as_string() != boot_id() || !json.at(key).is_int()) return std::nullopt;
  return MonoTime{Duration{json.at(key).as_int()}};
}

Json mono(const std::optional<MonoTime>& time) {
  return time ? Json(std::int64_t{time->time_since_epoch().count()}) : Json();
}

}  // namespace

Result<std::optional<RunRecord>> read_run_record(const std::string& path) {
  const auto text = read_file(path, kRecordMax);
  if (!text) {
    if (text.error().code == ErrorCode::kNotFound) return std::optional<RunRecord>();
    return fail(text.error());
  }
  const auto json = parse_json(*text);
  if (!json || !json->at("incarnation").is_int() || !json->at("container").is_string())
    return fail(ErrorCode::kInvalid, path + " is corrupt: it isn't a record of a container");
  RunRecord record;
  record.container = json->at("container").as_string();
  record.incarnation = unsigned_at(*json, "incarnation");
  record.previous = unsigned_at(*json, "previous");
  record.restart_nonce = unsigned_at(*json, "restart_nonce");
  record.spec_hash = json->at("spec_hash").as_string();
  record.before = json->at("before").as_string();
  record.started = json->at("started").as_string();
  record.started_mono = mono_at(*json, "started_mono_ns");
  record.stopping_since = mono_at(*json, "stopping_since_ns");
  record.start_error = json->at("start_error").as_string();
  record.boot = json->at("boot").as_string();
  record.adopted = json->at("adopted").as_string();
  record.forgotten = json->at("forgotten").as_bool();
  return std::optional(std::move(record));
}

Status write_run_record(const std::string& path, const RunRecord& record) {
  const auto json = Json::object({{"container", record.container},
                                  {"incarnation", record.incarnation},
                                  {"previous", record.previous},
                                  {"restart_nonce", record.restart_nonce},
                                  {"spec_hash", record.spec_hash},
                                  {"before", record.before},
                                  {"started", record.started},
                                  {"started_mono_ns", mono(record.started_mono)},
                                  {"stopping_since_ns", mono(record.stopping_since)},
                                  {"start_error", record.start_error},
                                  {"boot", record.boot},
                                  {"adopted", record.adopted},
                                  {"forgotten", record.forgotten}});
  return write_file_atomically(path, dump_json(json) + "\n", 0600, Durability::kProcessCrash);
}

Result<std::string> controller_id(const std::string& directory) {
  const auto path = directory + "/controller";
  if (auto known = read_file(path, 256); known && known->size() >= 16) return known;
  std::array<unsigned char, 8> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return fail(errno_error("no random bytes for the controller's id", errno));
  auto id = to_hex(bytes);
  if (auto made = make_directories(directory, 0700); !made) return fail(made.error());
  if (auto written = write_file_atomically(path, id, 0600); !written) return fail(written.error());
  return id;
}

}  // namespace holdfast::docker
