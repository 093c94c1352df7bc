#include "controller/config/defaults.h"

#include <string_view>
#include <utility>

namespace holdfast::config {

namespace {

// Equal to the initial values in model/service_spec.h and config.h; a test compares them.
constexpr std::string_view kDocument = R"({
  "apiVersion": "holdfast/v1",
  "streaming": {"service": "streaming"},
  "controller": {
    "listen": "127.0.0.1:8010",
    "metrics": {"listen": "127.0.0.1:9464", "public": false},
    "tls": {"certFile": "", "keyFile": ""},
    "auth": {"tokensFile": "", "kubernetes": false},
    "allowedHosts": [],
    "resync": "30s",
    "workers": 4,
    "allowEmpty": false,
    "leaderElection": {
      "enabled": false, "namespace": "", "name": "holdfast",
      "leaseDuration": "15s", "renewDeadline": "10s", "retryPeriod": "2s"
    }
  }
})";
constexpr std::string_view kService = R"({
  "desired": "running",
  "runtime": "auto",
  "replicas": 1,
  "restart": {
    "policy": "always",
    "backoff": {"initial": "0s", "base": "1s", "factor": 2, "max": "60s", "jitter": 0.1, "resetAfter": "60s"},
    "budget": {"attempts": 10, "window": "10m"}
  },
  "stop": {"signal": "TERM", "gracePeriod": "30s"},
  "logs": {"maxSize": "10Mi", "maxFiles": 5}
})";
constexpr std::string_view kProbe =
    R"({"initialDelay": "0s", "interval": "10s", "timeout": "1s", "successThreshold": 1, "failureThreshold": 3})";
constexpr std::string_view kHttp = R"({"host": "127.0.0.1", "path": "/", "tls": false})";
constexpr std::string_view kTcp = R"({"host": "127.0.0.1"})";
constexpr std::string_view kHeartbeat = R"({"within": "60s"})";
constexpr std::string_view kNotify = R"({"within": "30s"})";
constexpr std::string_view kCollector = R"({"interval": "10s"})";
constexpr std::string_view kPrometheus = R"({"host": "127.0.0.1", "path": "/metrics"})";

Node tree(std::string_view text) {
  return from_json(*parse_json(text), Mark{});
}

void fill(Node& target, const Node& defaults) {
  if (!target.is_object()) return;
  for (const auto& member : defaults.members) {
    if (Node* own = target.find(member.key))
      fill(*own, member.value);
    else
      target.members.push_back(member);
  }
}

void fill_member(Node& parent, std::string_view key, const Node& defaults) {
  if (Node* member = parent.find(key)) fill(*member, defaults);
}

void fill_probe(Node& probe) {
  static const Node common = tree(kProbe), http = tree(kHttp), tcp = tree(kTcp), heartbeat = tree(kHeartbeat),
                    notify = tree(kNotify);
  fill(probe, common);
  fill_member(probe, "http", http);
  fill_member(probe, "tcp", tcp);
  fill_member(probe, "heartbeat", heartbeat);
  fill_member(probe, "notify", notify);
}

}  // namespace

void fill_document_defaults(Node& document) {
  static const Node defaults = tree(kDocument);
  fill(document, defaults);
}

void fill_service_defaults(Node& service) {
  static const Node defaults = tree(kService), collector = tree(kCollector), prometheus = tree(kPrometheus);
  fill(service, defaults);
  if (Node* health = service.find("health")) {
    for (auto& member : health->members) fill_probe(member.value);
  }
  if (Node* collectors = service.find("collectors")) {
    for (auto& member : collectors->members) {
      fill(member.value, collector);
      fill_member(member.value, "prometheus", prometheus);
    }
  }
}

}  // namespace holdfast::config
