// What handlers of version 1 read from a request: query values, bodies, preconditions. A value that is wrong
// is a kInvalid error that names the value, what was expected and an example.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/message.h"
#include "controller/base/clock.h"
#include "controller/base/json.h"
#include "controller/base/result.h"
#include "controller/model/intent.h"

namespace holdfast::api {

Actor actor_of(const http::Request& request);

// "250ms", "30s", "5m", "1h", "1h30m": at least one number with a unit.
Result<Duration> parse_duration(std::string_view text);

// The fallback where the query has no such key.
Result<std::uint64_t> query_number(const http::Request& request, const std::string& key,
                                   std::uint64_t fallback, std::uint64_t max);
// ?key, ?key=true, ?key=1 and their opposites; absent: false.
Result<bool> query_flag(const http::Request& request, const std::string& key);
// An RFC 3339 time, or a duration before `now`.
Result<std::optional<WallTime>> query_since(const http::Request& request, WallTime now);

// The body as JSON. An error with status 415 in mind is kInvalid like the others: see media_type_accepted().
Result<Json> json_body(const http::Request& request);
// A body without a content type is taken as JSON.
bool media_type_accepted(const http::Request& request, const std::vector<std::string_view>& accepted);

// The ETag that a changing request insists on; nullopt: it doesn't. `current` is chosen from a list, and for
// "*". ETags are given and taken without quotes here.
std::optional<std::string> if_match(const http::Request& request, const std::string& current);
std::string quoted(const std::string& etag);

bool wants_event_stream(const http::Request& request);  // by Accept

}  // namespace holdfast::api
