#include "controller/base/json.h"
#include "controller/state/codec.h"
#include "controller/state/codec_fields.h"

namespace holdfast::state {

namespace {

// Fails to compile when a value has got a member that the codec may not know: extend encoder, decoder and the
// round trip test, then this.
[[maybe_unused]] void knows_every_member(const ExitRecord& exit, const Event& event,
                                         const AuditRecord& record) {
  [[maybe_unused]] const auto& [a, b, c, d, e, f] = exit;
  [[maybe_unused]] const auto& [g, h, i, j, k, l, m, n, o, p, q, r] = event;
  [[maybe_unused]] const auto& [s, t, u, v, w, x, y, z, aa] = record;
}

}  // namespace

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
  return decode_object<Event>(body, [](Reader& in, Event& event) {
    event.ordinal = in.maybe_int("ordinal");
    event.incarnation = in.count("incarnation");
    event.type = in.text("type");
    event.severity = in.text("severity");
    event.message = in.text("message");
    event.cause = in.text("cause");
    event.actor = in.text("actor");
    event.revision = in.count("revision");
    event.exit = decode_exit(in, "exit");
  });
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
  return decode_object<AuditRecord>(body, [](Reader& in, AuditRecord& record) {
    record.actor = in.text("actor");
    record.role = in.text("role");
    record.from = in.text("from");
    record.action = in.text("action");
    record.target = in.text("target");
    record.status = in.maybe_int("status").value_or(0);
    record.result = in.text("result");
  });
}

}  // namespace holdfast::state
