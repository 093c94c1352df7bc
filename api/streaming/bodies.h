// The bodies of the facade's GET calls. Everything but the uptime changes only when a new status or
// configuration is published, so the text around it is made once and kept.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "api/streaming/view.h"
#include "controller/base/clock.h"
#include "controller/base/json.h"
#include "controller/model/config_view.h"
#include "controller/model/status.h"

namespace holdfast::streaming {

// A JSON text with one hole, where the uptime in seconds (or null) belongs.
class UptimeText {
 public:
  UptimeText() = default;
  // `body` has a member "uptime_seconds", whatever its value.
  explicit UptimeText(const Json& body);
  [[nodiscard]] std::string fill(std::optional<double> uptime_seconds) const;

 private:
  std::string before_, after_;
};

struct Bodies {
  std::shared_ptr<const ConfigView> config_view;  // what the texts were made of; held, so that an address
  StatusPtr service_status;                       // can't come back for something else
  std::string service;
  ServiceView view;
  Json parameters;  // the 16 fields
  std::string config;
  UptimeText status, health, metrics;

  [[nodiscard]] std::optional<double> uptime(const Clock& clock) const;
};
using BodiesPtr = std::shared_ptr<const Bodies>;

BodiesPtr make_bodies(std::shared_ptr<const ConfigView> config, StatusPtr status, std::string service,
                      const Json& defaults);

// Keeps the newest. Thread-safe.
class BodyCache {
 public:
  explicit BodyCache(Json defaults) : defaults_(std::move(defaults)) {}
  // status is not null.
  BodiesPtr get(const std::shared_ptr<const ConfigView>& config, const StatusPtr& status,
                const std::string& service);
  [[nodiscard]] const Json& defaults() const { return defaults_; }

 private:
  const Json defaults_;
  std::mutex mutex_;
  BodiesPtr newest_;
};

}  // namespace holdfast::streaming
