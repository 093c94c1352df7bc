// GET /events, for as long as somebody listens.
#include <algorithm>
#include <utility>

#include "controller/base/text.h"
#include "runtimes/docker/engine/client_impl.h"
#include "runtimes/docker/engine/times.h"
#include "runtimes/docker/engine/version.h"
#include "runtimes/http/line_splitter.h"

namespace holdfast::docker {

namespace {

constexpr std::int64_t kPodmanPrecision = 1000;  // ns
constexpr const char* kWhat = "listening to Docker's events";

ContainerEvent event_of(const Json& json) {
  ContainerEvent event;
  event.action = json.at("Action").as_string();
  const Json& actor = json.at("Actor");
  event.id = actor.at("ID").as_string();
  for (const auto& [key, value] : actor.at("Attributes").members()) event.attributes[key] = value.as_string();
  event.time_ns = json.at("timeNano").as_int();
  if (event.time_ns == 0) event.time_ns = json.at("time").as_int() * 1'000'000'000;
  return event;
}

// What one stream of events is told to; lives as long as its handlers.
class Listener {
 public:
  explicit Listener(EventHandlers handlers) : handlers_(std::move(handlers)) {}

  void open() {
    if (handlers_.on_open) handlers_.on_open();
  }
  bool data(std::string_view bytes) {
    return lines_.feed(bytes, [this](std::string_view line) {
      const auto json = parse_json(line);
      understood_ = json.has_value() && json->is_object();
      if (understood_ && json->at("Type").as_string() == "container" && handlers_.on_event)
        handlers_.on_event(event_of(*json));
      return understood_;
    });
  }
  void end(const Result<Response>& result) {
    if (!handlers_.on_end) return;
    if (!result) return handlers_.on_end(result.error());
    const bool cut = !understood_ || !lines_.rest().empty();
    const auto* why = cut ? ": the engine sent what isn't an event" : ": the engine ended the stream";
    handlers_.on_end({ErrorCode::kUnavailable, std::string(kWhat) + why, {}});
  }

 private:
  EventHandlers handlers_;
  http_client::LineSplitter lines_;
  bool understood_ = true;
};

class EventSubscription final : public Subscription {
 public:
  explicit EventSubscription(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {}

 private:
  std::unique_ptr<Stream> stream_;
};

}  // namespace

std::unique_ptr<Subscription> EngineClient::events(std::int64_t since_ns, EventHandlers handlers) {
  // Podman sends the head of its answer with the first event only. There the point in time sees to it that
  // nothing is missed from when it is asked; it takes it for a double, which is coarser than a nanosecond.
  const auto engine = session_.engine();
  const bool late_head = engine && is_podman(*engine);
  if (late_head && since_ns == 0) since_ns = clock_.wall().time_since_epoch().count();
  if (late_head) since_ns -= kPodmanPrecision;
  const auto filters = dump_json(Json::object({{"type", Json::array({"container"})}}));
  std::string target = "/events?filters=" + percent_encode(filters);
  if (since_ns > 0) target += "&since=" + seconds_text(since_ns);

  const auto listener = std::make_shared<Listener>(std::move(handlers));
  const auto open = [listener] { listener->open(); };
  StreamHandlers told{.on_data = [listener](std::string_view bytes) { return listener->data(bytes); },
                      .on_end = [listener](const Result<Response>& result) { listener->end(result); }};
  (late_head ? told.on_sent : told.on_head) = open;
  return std::make_unique<EventSubscription>(
      session_.open({.target = target, .what = kWhat, .max_bytes = 0}, std::move(told)));
}

}  // namespace holdfast::docker
