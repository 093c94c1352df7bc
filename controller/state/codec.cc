#include "controller/state/codec.h"

#include <charconv>

#include "controller/base/json.h"
#include "controller/model/service_spec.h"
#include "controller/state/codec_fields.h"

namespace holdfast::state {

namespace {

std::string desired_name(Desired desired) {
  return std::string(to_string(desired));
}
// Anything but the two names spoils the reader.
Desired decode_desired(Reader& in, std::string_view key) {
  const auto name = in.text(key);
  if (name != "running" && name != "stopped") in.spoil();
  return name == "stopped" ? Desired::kStopped : Desired::kRunning;
}

// Fails to compile when a value has got a member that the codec may not know: extend encoder, decoder and the
// round trip test, then this.
[[maybe_unused]] void knows_every_member(const OrdinalLedger& ordinal, const RestartLedger& ledger,
                                         const DelegatedLedger& delegated, const Intent& intent) {
  [[maybe_unused]] const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q] = ordinal;
  [[maybe_unused]] const auto& [r, gg, hh, s, t, u, v, ff] = ledger;
  [[maybe_unused]] const auto& [w, x] = ledger.last_stop;
  [[maybe_unused]] const auto& [aa, bb, cc, dd, ee] = intent;
  [[maybe_unused]] const auto& [ii, jj, kk, ll, mm] = delegated;
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
  return decode_object<Intent>(text, [](Reader& in, Intent& intent) {
    if (in.find("desired")) intent.desired = decode_desired(in, "desired");
    intent.configured = decode_desired(in, "configured");
    intent.restart_nonce = in.count("restartNonce");
    intent.actor = in.text("actor");
    intent.at = wall_from_ns(in.number("at"));
  });
}

namespace {

Json encode_delegated(const RestartLedger& ledger) {
  auto all = Json::object();
  for (const auto& [name, of] : ledger.delegated) {
    Writer out;
    out.number("foldedExit", of.folded_exit);
    out.text("hash", of.spec_hash);
    out.number("nonce", of.restart_nonce);
    out.flag("exited", of.exited);
    out.text("leaving", of.leaving);
    all.members().emplace_back(name, out.take());
  }
  return all;
}

bool decode_delegated(const Json& json, RestartLedger& ledger) {
  if (!json.is_object()) return false;
  for (const auto& [name, value] : json.members()) {
    Reader in(value);
    DelegatedLedger of;
    of.folded_exit = static_cast<std::uint64_t>(in.number("foldedExit"));
    of.spec_hash = in.text("hash");
    of.restart_nonce = static_cast<std::uint64_t>(in.number("nonce"));
    of.exited = in.flag("exited");
    of.leaving = in.text("leaving");
    if (!in.good()) return false;
    ledger.delegated.emplace(name, std::move(of));
  }
  return true;
}

}  // namespace

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
  if (!ledger.delegated.empty()) out.put("delegated", encode_delegated(ledger));
  if (ledger.delegated_exit) out.put("delegatedExit", encode_exit(*ledger.delegated_exit));
  out.text("boot", ledger.boot);
  if (ledger.last_stop != StopPolicy{}) {
    out.put("stop", Json::object({{"signal", ledger.last_stop.signal},
                                  {"gracePeriod", std::int64_t{ledger.last_stop.grace_period.count()}}}));
  }
  out.text("declaration", ledger.declaration);
  out.text("runtime", ledger.runtime);
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
  if (const auto* delegated = json->find("delegated"); delegated && !decode_delegated(*delegated, ledger))
    return std::nullopt;
  Reader in(*json);
  ledger.delegated_exit = decode_exit(in, "delegatedExit");
  ledger.boot = in.text("boot");
  ledger.declaration = in.text("declaration");
  ledger.runtime = in.text("runtime");
  if (const auto* stop = in.find("stop")) {
    Reader policy(*stop);
    ledger.last_stop.signal = policy.maybe_int("signal").value_or(StopPolicy{}.signal);
    ledger.last_stop.grace_period = Duration{policy.number("gracePeriod")};
    if (!policy.good()) in.spoil();
  }
  if (!in.good()) return std::nullopt;
  return ledger;
}

}  // namespace holdfast::state
