// Values with every member set, so that a round trip that loses one is seen.
#pragma once

#include <chrono>
#include <string>

#include "controller/base/clock.h"
#include "controller/model/event.h"
#include "controller/model/intent.h"
#include "controller/model/ledger.h"

namespace holdfast::state::test {

inline ExitRecord full_exit() {
  return {.code = std::nullopt,
          .signal = 9,
          .oom_killed = true,
          .start_failed = true,
          .reason = "killed by \"signal\" 9\n(KILL) \xc3\xa4",
          .at = WallTime{std::chrono::nanoseconds{1'767'225'600'123'456'789}}};
}

inline Intent full_intent() {
  return {.desired = Desired::kStopped,
          .configured = Desired::kStopped,
          .restart_nonce = 7,
          .actor = "alice",
          .at = WallTime{std::chrono::seconds{1'767'225'600}}};
}

inline RestartLedger full_ledger() {
  OrdinalLedger ordinal;
  ordinal.incarnation = 12;
  ordinal.folded_exit = 11;
  ordinal.consecutive_failures = 3;
  ordinal.next_start = MonoTime{std::chrono::nanoseconds{1'234'567'890'123}};
  ordinal.recent_restarts = {MonoTime{std::chrono::seconds{10}}, MonoTime{std::chrono::seconds{20}}};
  ordinal.failed = true;
  ordinal.completed = true;
  ordinal.failed_hash = "abc";
  ordinal.failed_nonce = 5;
  ordinal.last_exit = full_exit();
  ordinal.last_cause = "liveness";
  ordinal.next_cause = "crash";
  ordinal.streak_start = 9;
  ordinal.stop_incarnation = 12;
  ordinal.stop_cause = "config";
  ordinal.stop_since = MonoTime{std::chrono::seconds{30}};
  ordinal.killed_at = MonoTime{std::chrono::seconds{40}};
  RestartLedger ledger;
  ledger.ordinals = {{0, ordinal}, {3, OrdinalLedger{}}};
  ledger.restarts_by_cause = {{"crash", 4}, {"liveness", 1}};
  ledger.boot = boot_id();
  ledger.last_stop = {.signal = 3, .grace_period = std::chrono::minutes{5}};
  ledger.declaration = "0123abcd";
  ledger.runtime = "docker";
  return ledger;
}

inline Event event_of(const std::string& service, const std::string& message) {
  Event event;
  event.service = service;
  event.type = "Started";
  event.message = message;
  return event;
}

inline AuditRecord audit_of(const std::string& actor) {
  AuditRecord record;
  record.actor = actor;
  return record;
}

}  // namespace holdfast::state::test
