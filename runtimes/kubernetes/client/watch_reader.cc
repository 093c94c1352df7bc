#include "runtimes/kubernetes/client/watch_reader.h"

#include <utility>

#include "runtimes/kubernetes/client/failure.h"

namespace holdfast::kubernetes {

namespace {

std::optional<WatchEvent::Type> type_of(std::string_view name) {
  if (name == "ADDED") return WatchEvent::Type::kAdded;
  if (name == "MODIFIED") return WatchEvent::Type::kModified;
  if (name == "DELETED") return WatchEvent::Type::kDeleted;
  if (name == "BOOKMARK") return WatchEvent::Type::kBookmark;
  return std::nullopt;
}

}  // namespace

bool WatchReader::feed(std::string_view bytes) {
  if (failure_) return false;
  if (lines_.feed(bytes, [this](std::string_view line) { return take(line); })) return true;
  return failure_ ? false : misunderstood("an event is larger than 8 MiB");
}

bool WatchReader::misunderstood(const std::string& why) {
  failure_ = Failure{{ErrorCode::kUnavailable, question_.what() + ": " + why, {}}, 0};
  return false;
}

bool WatchReader::take(std::string_view line) {
  auto json = parse_json(line);
  if (!json || !json->is_object()) return misunderstood("the server sent what isn't an event");
  auto* object = json->find("object");
  if (!object || !object->is_object()) return misunderstood("the server sent an event without an object");
  const auto& name = json->at("type").as_string();
  if (name == "ERROR") {
    const auto status = static_cast<long>(object->at("code").as_int());
    failure_ = Failure{refusal_of_status(question_, status, *object), status};
    return false;
  }
  const auto type = type_of(name);
  if (!type) return true;  // of a newer server
  on_event_({*type, std::move(*object)});
  return true;
}

}  // namespace holdfast::kubernetes
