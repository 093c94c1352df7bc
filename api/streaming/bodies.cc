#include "api/streaming/bodies.h"

#include <array>
#include <charconv>
#include <cmath>

#include "api/streaming/parameters.h"

namespace holdfast::streaming {
namespace {

constexpr std::string_view kUptime = "\"uptime_seconds\":";
constexpr std::string_view kNull = "null";

// Cut to what a reader can use: 0.1 % of a core, a KiB of memory.
Json rounded(const std::optional<double>& value, double scale) {
  if (!value || !std::isfinite(*value)) return {};
  return std::round(*value * scale) / scale;
}

Json status_body(const ServiceView& view, const Json& parameters) {
  return Json::object(
      {{"running", view.running},
       {"pid", view.pid},
       {"started_at", view.started_wall ? Json(iso_time(*view.started_wall)) : Json()},
       {"uptime_seconds", nullptr},
       {"cpu_percent", rounded(view.cpu_percent, 10)},
       {"memory_mb", rounded(view.memory_mb, 1000)},
       {"last_heartbeat", view.last_heartbeat ? Json(iso_time(*view.last_heartbeat)) : Json()},
       {"config", parameters},
       {"error", view.error}});
}

Json health_body(const ServiceView& view) {
  return Json::object({{"healthy", view.running && view.ready && !view.error},
                       {"running", view.running},
                       {"uptime_seconds", nullptr},
                       {"cpu_percent", rounded(view.cpu_percent, 10)},
                       {"memory_mb", rounded(view.memory_mb, 1000)},
                       {"error", view.error}});
}

Json metrics_body(const ServiceView& view, const ServiceStatus& status) {
  auto body = Json::object({{"service_running", view.running},
                            {"uptime_seconds", nullptr},
                            {"cpu_percent", rounded(view.cpu_percent, 10)},
                            {"memory_mb", rounded(view.memory_mb, 1000)},
                            {"queue_stats", queue_stats(status)},
                            {"processing_rate_per_hour", processing_rate(status)}});
  if (auto error = queue_error(status); !error.empty()) body.set("queue_error", std::move(error));
  return body;
}

}  // namespace

UptimeText::UptimeText(const Json& body) {
  // Everything before uptime_seconds is of fixed form, so its first occurrence is the member itself.
  const auto text = dump_json(body);
  const auto cut = text.find(kUptime) + kUptime.size();
  before_ = text.substr(0, cut);
  after_ = text.substr(cut + kNull.size());
}

std::string UptimeText::fill(std::optional<double> uptime_seconds) const {
  std::array<char, 32> digits{};
  std::string_view value = kNull;
  if (uptime_seconds) {
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), *uptime_seconds,
                                            std::chars_format::fixed, 3);
    if (error == std::errc()) value = {digits.data(), static_cast<size_t>(end - digits.data())};
  }
  std::string text;
  text.reserve(before_.size() + value.size() + after_.size());
  return text.append(before_).append(value).append(after_);
}

std::optional<double> Bodies::uptime(const Clock& clock) const {
  using Seconds = std::chrono::duration<double>;
  if (!view.running) return std::nullopt;
  if (view.started_at) return std::max(0.0, Seconds(clock.now() - *view.started_at).count());
  if (view.started_wall) return std::max(0.0, Seconds(clock.wall() - *view.started_wall).count());
  return std::nullopt;
}

BodiesPtr make_bodies(std::shared_ptr<const ConfigView> config, StatusPtr status, std::string service,
                      const Json& defaults) {
  auto bodies = std::make_shared<Bodies>();
  bodies->view = view_of(*status);
  bodies->parameters = effective_parameters(*config, service, defaults);
  bodies->config = dump_json(bodies->parameters);
  bodies->status = UptimeText(status_body(bodies->view, bodies->parameters));
  bodies->health = UptimeText(health_body(bodies->view));
  bodies->metrics = UptimeText(metrics_body(bodies->view, *status));
  bodies->config_view = std::move(config);
  bodies->service_status = std::move(status);
  bodies->service = std::move(service);
  return bodies;
}

BodiesPtr BodyCache::get(const std::shared_ptr<const ConfigView>& config, const StatusPtr& status,
                         const std::string& service) {
  {
    const std::lock_guard lock(mutex_);
    if (newest_ && newest_->config_view == config && newest_->service_status == status &&
        newest_->service == service) {
      return newest_;
    }
  }
  auto made = make_bodies(config, status, service, defaults_);
  const std::lock_guard lock(mutex_);
  newest_ = made;
  return made;
}

}  // namespace holdfast::streaming
