// The JSON shapes of version 1 of the API, as api/openapi.yaml declares them. Pure functions of model values;
// also used by the event stream. Times are RFC 3339 in UTC, durations seconds, sizes bytes, cpu percent of
// one core. What is not known is null.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/base/clock.h"
#include "controller/base/json.h"
#include "controller/model/control_plane.h"

namespace holdfast::api {

// Of the spec, or of what is left of a service that is no longer declared.
std::string service_name(const ServiceStatus& status);

Json to_json(const Condition& condition);
Json to_json(const ExitRecord& exit);
Json to_json(const ResourceUsage& usage);
Json to_json(const InstanceStatus& instance, MonoTime now);
Json to_json(const ServiceStatus& status, MonoTime now);  // environment variables by name only
Json to_json(const Event& event);
Json to_json(const RuntimeInfo& runtime);
Json to_json(const ReadyReport& report);
Json to_json(const Origin& origin);
Json to_json(const ConfigError& error);
Json to_json(const ConfigLayer& layer);
Json to_json(const RevisionInfo& revision);
Json to_json(const PlannedChange& change);

// {"items": [...]}
Json list(Json::Array items);

template <typename Range, typename... Args>
Json list_of(const Range& range, const Args&... args) {
  Json::Array items;
  items.reserve(range.size());
  for (const auto& item : range) items.push_back(to_json(item, args...));
  return list(std::move(items));
}

// What a caller below operator gets to see of a configuration: literal values of environment variables become
// "(hidden)". Secrets are references and stay.
inline constexpr std::string_view kHidden = "(hidden)";
void hide_env_values(Json& document);

// Why a service is not settled, in one sentence for people: what it waits for, its newest error or condition.
std::string why_pending(const ServiceStatus& status);

}  // namespace holdfast::api
