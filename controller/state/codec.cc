#include "controller/state/codec.h"

#include <charconv>
#include <utility>

#include "controller/base/clock.h"
#include "controller/base/json.h"
#include "controller/model/observation.h"
#include "controller/model/service_spec.h"

namespace holdfast::state {

namespace {

std::int64_t to_ns(WallTime time) {
  return time.time_since_epoch().count();
}
std::int64_t to_ns(MonoTime time) {
  return time.time_since_epoch().count();
}
WallTime wall_from_ns(std::int64_t ns) {
  return WallTime{Duration{ns}};
}
MonoTime mono_from_ns(std::int64_t ns) {
  return MonoTime{Duration{ns}};
}

// Writes members, leaving out what equals its default.
class Writer {
 public:
  void put(std::string_view key, Json value) { json_.set(key, std::move(value)); }
  void text(std::string_view key, const std::string& value) {
    if (!value.empty()) put(key, value);
  }
  void number(std::string_view key, std::int64_t value) {
    if (value != 0) put(key, value);
  }
  void number(std::string_view key, std::uint64_t value) { number(key, static_cast<std::int64_t>(value)); }
  void flag(std::string_view key, bool value) {
    if (value) put(key, true);
  }
  [[nodiscard]] Json take() { return std::move(json_); }

 private:
  Json json_ = Json::object();
};

// Reads members; a member of the wrong type spoils the whole.
class Reader {
 public:
  explicit Reader(const Json& json) : json_(json), good_(json.is_object()) {}
  [[nodiscard]] bool good() const { return good_; }
  void spoil() { good_ = false; }

  [[nodiscard]] std::string text(std::string_view key) {
    const auto* value = json_.find(key);
    if (value) good_ = good_ && value->is_string();
    return value ? value->as_string() : std::string();
  }
  [[nodiscard]] std::optional<std::int64_t> maybe_number(std::string_view key) {
    const auto* value = json_.find(key);
    if (!value) return std::nullopt;
    good_ = good_ && value->is_int();
    return value->as_int();
  }
  [[nodiscard]] std::int64_t number(std::string_view key) { return maybe_number(key).value_or(0); }
  [[nodiscard]] std::uint64_t count(std::string_view key) { return static_cast<std::uint64_t>(number(key)); }
  [[nodiscard]] std::optional<int> maybe_int(std::string_view key) {
    const auto value = maybe_number(key);
    if (!value) return std::nullopt;
    good_ = good_ && std::in_range<int>(*value);
    return static_cast<int>(*value);
  }
  [[nodiscard]] bool flag(std::string_view key) {
    const auto* value = json_.find(key);
    if (value) good_ = good_ && value->is_bool();
    return value && value->as_bool();
  }
  [[nodiscard]] const Json* find(std::string_view key) const { return json_.find(key); }

 private:
  const Json& json_;
  bool good_;
};

Json encode_exit(const ExitRecord& exit) {
  Writer out;
  if (exit.code) out.put("code", *exit.code);
  if (exit.signal) out.put("signal", *exit.signal);
  out.flag("oom", exit.oom_killed);
  out.flag("startFailed", exit.start_failed);
  out.text("reason", exit.reason);
  out.number("at", to_ns(exit.at));
  return out.take();
}

// The exit record below `key`, if there is one.
std::optional<ExitRecord> decode_exit(Reader& outer, std::string_view key) {
  const auto* json = outer.find(key);
  if (!json) return std::nullopt;
  Reader in(*json);
  ExitRecord exit;
  exit.code = in.maybe_int("code");
  exit.signal = in.maybe_int("signal");
  exit.oom_killed = in.flag("oom");
  exit.start_failed = in.flag("startFailed");
  exit.reason = in.text("reason");
  exit.at = wall_from_ns(in.number("at"));
  if (!in.good()) outer.spoil();
  return exit;
}

std::string desired_name(Desired desired) {
  return std::string(to_string(desired));
}
// Anything but the two names spoils the reader.
Desired decode_desired(Reader& in, std::string_view key) {
  const auto name = in.text(key);
  if (name != "running" && name != "stopped") in.spoil();
  return name == "stopped" ? Desired::kStopped : Desired::kRunning;
}

Json encode_ordinal(const OrdinalLedger& ordinal) {
  Writer out;
  out.number("incarnation", ordinal.incarnation);
  out.number("foldedExit", ordinal.folded_exit);
  out.number("failures", std::int64_t{ordinal.consecutive_failures});
  if (ordinal.next_start) out.put("nextStart", to_ns(*ordinal.next_start));
  if (!ordinal.recent_restarts.empty()) {
    Json::Array recent;
    recent.reserve(ordinal.recent_restarts.size());
    for (const auto time : ordinal.recent_restarts) recent.emplace_back(to_ns(time));
    out.put("recent", std::move(recent));
  }
  out.flag("failed", ordinal.failed);
  out.flag("completed", ordinal.completed);
  out.text("failedHash", ordinal.failed_hash);
  out.number("failedNonce", ordinal.failed_nonce);
  if (ordinal.last_exit) out.put("exit", encode_exit(*ordinal.last_exit));
  out.text("cause", ordinal.last_cause);
  out.text("nextCause", ordinal.next_cause);
  out.number("streakStart", ordinal.streak_start);
  out.number("stopIncarnation", ordinal.stop_incarnation);
  out.text("stopCause", ordinal.stop_cause);
  if (ordinal.stop_since) out.put("stopSince", to_ns(*ordinal.stop_since));
  if (ordinal.killed_at) out.put("killedAt", to_ns(*ordinal.killed_at));
  return out.take();
}

std::optional<OrdinalLedger> decode_ordinal(const Json& json) {
  Reader in(json);
  OrdinalLedger ordinal;
  ordinal.incarnation = in.count("incarnation");
  ordinal.folded_exit = in.count("foldedExit");
  ordinal.consecutive_failures = in.maybe_int("failures").value_or(0);
  if (const auto next = in.maybe_number("nextStart")) ordinal.next_start = mono_from_ns(*next);
  if (const auto* recent = in.find("recent")) {
    if (!recent->is_array()) in.spoil();
    for (const auto& time : recent->items()) {
      if (!time.is_int()) in.spoil();
      ordinal.recent_restarts.push_back(mono_from_ns(time.as_int()));
    }
  }
  ordinal.failed = in.flag("failed");
  ordinal.completed = in.flag("completed");
  ordinal.failed_hash = in.text("failedHash");
  ordinal.failed_nonce = in.count("failedNonce");
  ordinal.last_exit = decode_exit(in, "exit");
  ordinal.last_cause = in.text("cause");
  ordinal.next_cause = in.text("nextCause");
  ordinal.streak_start = in.count("streakStart");
  ordinal.stop_incarnation = in.count("stopIncarnation");
  ordinal.stop_cause = in.text("stopCause");
  if (const auto since = in.maybe_number("stopSince")) ordinal.stop_since = mono_from_ns(*since);
  if (const auto killed = in.maybe_number("killedAt")) ordinal.killed_at = mono_from_ns(*killed);
  if (!in.good()) return std::nullopt;
  return ordinal;
}

std::optional<int> parse_ordinal(const std::string& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

}  // namespace

std::string encode(const Intent& intent) {
  Writer out;
  if (intent.desired) out.put("desired", desired_name(*intent.desired));
  out.put("configured", desired_name(intent.configured));
  out.number("restartNonce", intent.restart_nonce);
  out.text("actor", intent.actor);
  out.number("at", to_ns(intent.at));
  return dump_json(out.take());
}

std::optional<Intent> decode_intent(std::string_view text) {
  const auto json = parse_json(text);
  if (!json) return std::nullopt;
  Reader in(*json);
  Intent intent;
  if (in.find("desired")) intent.desired = decode_desired(in, "desired");
  intent.configured = decode_desired(in, "configured");
  intent.restart_nonce = in.count("restartNonce");
  intent.actor = in.text("actor");
  intent.at = wall_from_ns(in.number("at"));
  if (!in.good()) return std::nullopt;
  return intent;
}

std::string encode(const RestartLedger& ledger) {
  Writer out;
  auto ordinals = Json::object();
  for (const auto& [number, ordinal] : ledger.ordinals)
    ordinals.set(std::to_string(number), encode_ordinal(ordinal));
  out.put("ordinals", std::move(ordinals));
  if (!ledger.restarts_by_cause.empty()) {
    auto causes = Json::object();
    for (const auto& [cause, count] : ledger.restarts_by_cause) causes.set(cause, count);
    out.put("causes", std::move(causes));
  }
  out.text("boot", ledger.boot);
  return dump_json(out.take());
}

std::optional<RestartLedger> decode_ledger(std::string_view text) {
  const auto json = parse_json(text);
  if (!json || !json->at("ordinals").is_object()) return std::nullopt;
  RestartLedger ledger;
  for (const auto& [key, value] : json->at("ordinals").members()) {
    const auto number = parse_ordinal(key);
    auto ordinal = decode_ordinal(value);
    if (!number || !ordinal) return std::nullopt;
    ledger.ordinals.emplace(*number, std::move(*ordinal));
  }
  if (const auto* causes = json->find("causes")) {
    if (!causes->is_object()) return std::nullopt;
    for (const auto& [cause, count] : causes->members()) {
      if (!count.is_int()) return std::nullopt;
      ledger.restarts_by_cause[cause] = static_cast<std::uint64_t>(count.as_int());
    }
  }
  Reader in(*json);
  ledger.boot = in.text("boot");
  if (!in.good()) return std::nullopt;
  return ledger;
}

std::string encode_body(const Event& event) {
  Writer out;
  if (event.ordinal) out.put("ordinal", *event.ordinal);
  out.number("incarnation", event.incarnation);
  out.text("type", event.type);
  out.text("severity", event.severity);
  out.text("message", event.message);
  out.text("cause", event.cause);
  out.text("actor", event.actor);
  out.number("revision", event.revision);
  if (event.exit) out.put("exit", encode_exit(*event.exit));
  return dump_json(out.take());
}

std::optional<Event> decode_event(std::string_view body) {
  const auto json = parse_json(body);
  if (!json) return std::nullopt;
  Reader in(*json);
  Event event;
  event.ordinal = in.maybe_int("ordinal");
  event.incarnation = in.count("incarnation");
  event.type = in.text("type");
  event.severity = in.text("severity");
  event.message = in.text("message");
  event.cause = in.text("cause");
  event.actor = in.text("actor");
  event.revision = in.count("revision");
  event.exit = decode_exit(in, "exit");
  if (!in.good()) return std::nullopt;
  return event;
}

std::string encode_body(const AuditRecord& record) {
  Writer out;
  out.text("actor", record.actor);
  out.text("role", record.role);
  out.text("from", record.from);
  out.text("action", record.action);
  out.text("target", record.target);
  out.number("status", std::int64_t{record.status});
  out.text("result", record.result);
  return dump_json(out.take());
}

std::optional<AuditRecord> decode_audit(std::string_view body) {
  const auto json = parse_json(body);
  if (!json) return std::nullopt;
  Reader in(*json);
  AuditRecord record;
  record.actor = in.text("actor");
  record.role = in.text("role");
  record.from = in.text("from");
  record.action = in.text("action");
  record.target = in.text("target");
  record.status = in.maybe_int("status").value_or(0);
  record.result = in.text("result");
  if (!in.good()) return std::nullopt;
  return record;
}

}  // namespace holdfast::state
