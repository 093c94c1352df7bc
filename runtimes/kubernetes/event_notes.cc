#include "runtimes/kubernetes/event_notes.h"

#include <utility>

namespace holdfast::kubernetes {

namespace {

constexpr size_t kMostTold = 4096;                    // then it may tell some again
constexpr Duration kSkew = std::chrono::seconds{30};  // between this machine's clock and the cluster's

std::optional<WallTime> time_of(const Json& event) {
  if (const auto last = parse_rfc3339(event.at("lastTimestamp").as_string())) return last;
  return parse_rfc3339(event.at("eventTime").as_string());
}

}  // namespace

std::optional<RuntimeNote> EventNotes::take(const Json& event, const std::string& service) {
  const auto at = time_of(event);
  if (at && *at < since_ - kSkew) return std::nullopt;
  const auto& reason = event.at("reason").as_string();
  const auto& message = event.at("message").as_string();
  const auto& pod = event.at("involvedObject").at("name").as_string();
  if (told_.size() >= kMostTold) told_.clear();
  if (!told_.insert(pod + '\n' + reason + '\n' + message).second) return std::nullopt;
  return RuntimeNote{.service = service,
                     .type = reason,
                     .severity = "warning",
                     .message = "pod " + pod + ": " + (message.empty() ? reason : message)};
}

}  // namespace holdfast::kubernetes
