#include "runtimes/kubernetes/inside/event_series.h"

#include <algorithm>
#include <utility>

#include "runtimes/kubernetes/client/client.h"

namespace holdfast::kubernetes {

namespace {

constexpr const char* kComponent = "holdfast";
constexpr size_t kMaxMessage = 1024, kMaxReason = 128;
constexpr size_t kMaxObjectName = 253 - 17;  // a name of an Event has a dot and 16 digits more

// metav1.Time has no fraction of a second.
std::string whole_seconds(WallTime at) {
  return format_rfc3339(at).substr(0, 19) + "Z";
}

// What was quiet for longest goes first.
template <typename Map, typename Time>
void drop_oldest(Map& map, size_t keep, Time time) {
  while (map.size() > keep)
    map.erase(std::min_element(map.begin(), map.end(), [&](const auto& a, const auto& b) {
      return time(a.second) < time(b.second);
    }));
}

}  // namespace

std::string cut_text(const std::string& text, size_t bytes) {
  if (text.size() <= bytes) return text;
  static const std::string kMark = "…";
  size_t end = bytes - kMark.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + kMark;
}

bool EventSeries::allow(const std::string& object, MonoTime now) {
  auto& bucket = buckets_.try_emplace(object, Bucket{limits_.burst, now}).first->second;
  bucket.tokens = std::min(limits_.burst, bucket.tokens + static_cast<double>((now - bucket.at).count()) /
                                                              static_cast<double>(limits_.refill.count()));
  bucket.at = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

void EventSeries::make_room(MonoTime now) {
  std::erase_if(series_, [&](const auto& entry) { return now - entry.second.last > limits_.window; });
  drop_oldest(series_, limits_.series - 1, [](const Series& series) { return series.last; });
  drop_oldest(buckets_, limits_.objects - 1, [](const Bucket& bucket) { return bucket.at; });
}

std::string EventSeries::fresh_name(const std::string& object, WallTime at) {
  last_stamp_ = std::max<std::int64_t>(last_stamp_ + 1, at.time_since_epoch().count());
  char stamp[20];
  std::snprintf(stamp, sizeof stamp, ".%llx", static_cast<unsigned long long>(last_stamp_));
  return object.substr(0, kMaxObjectName) + stamp;
}

Json EventSeries::event(const EventObject& object, const EventText& text, const std::string& name) const {
  auto involved = Json::object({{"apiVersion", object.api_version},
                                {"kind", object.kind},
                                {"namespace", object.namespace_},
                                {"name", object.name}});
  if (!object.uid.empty()) involved.set("uid", object.uid);
  const auto time = whole_seconds(text.at);
  return Json::object({{"apiVersion", api_version(kEvents)},
                       {"kind", kEvents.kind},
                       {"metadata", Json::object({{"name", name}, {"namespace", object.namespace_}})},
                       {"involvedObject", std::move(involved)},
                       {"reason", cut_text(text.reason, kMaxReason)},
                       {"message", cut_text(text.message, kMaxMessage)},
                       {"type", text.warning ? "Warning" : "Normal"},
                       {"source", Json::object({{"component", kComponent}})},
                       {"reportingComponent", "holdfast.dev/controller"},
                       {"reportingInstance", instance_},
                       {"firstTimestamp", time},
                       {"lastTimestamp", time},
                       {"count", 1}});
}

std::optional<EventSeries::Write> EventSeries::next(const EventObject& object, const EventText& text,
                                                    MonoTime now) {
  const auto about = object.kind + "/" + object.namespace_ + "/" + object.name + "/" + object.uid;
  make_room(now);
  if (!allow(about, now)) return std::nullopt;
  Write write{.key = about + "\n" + text.reason + "\n" + (text.warning ? "w" : "n") + "\n" + text.message};
  if (const auto it = series_.find(write.key); it != series_.end()) {
    auto& series = it->second;
    series.last = now;
    write.name = series.name;
    write.patch = true;
    write.body = Json::object({{"count", ++series.count}, {"lastTimestamp", whole_seconds(text.at)}});
    return write;
  }
  write.name = fresh_name(object.name, text.at);
  write.body = event(object, text, write.name);
  series_[write.key] = {write.name, 1, now};
  return write;
}

}  // namespace holdfast::kubernetes
