// How the values that survive are written down: compact JSON, members with their default value left out.
// Decoders accept what their encoder writes and nothing else: nullopt for any other shape.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/model/event.h"
#include "controller/model/intent.h"
#include "controller/model/ledger.h"

namespace holdfast::state {

std::string encode(const Intent& intent);
std::optional<Intent> decode_intent(std::string_view text);

// Times are nanoseconds since boot, meaningful only beside the ledger's boot id.
std::string encode(const RestartLedger& ledger);
std::optional<RestartLedger> decode_ledger(std::string_view text);

// The body leaves out what has a column of its own: id, time and service.
std::string encode_body(const Event& event);
std::optional<Event> decode_event(std::string_view body);

// The body leaves out id and time.
std::string encode_body(const AuditRecord& record);
std::optional<AuditRecord> decode_audit(std::string_view body);

}  // namespace holdfast::state
