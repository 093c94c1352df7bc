#include "runtimes/kubernetes/probe_manifest.h"

#include <algorithm>

namespace holdfast::kubernetes {

namespace {

std::int64_t whole_seconds(Duration duration, std::int64_t least) {
  return std::max(least, std::int64_t{std::chrono::ceil<std::chrono::seconds>(duration).count()});
}

// Elsewhere a service is asked on the machine's own address; here it is asked on its pod's.
bool is_own_address(const std::string& host) {
  return host.empty() || host == "127.0.0.1" || host == "localhost" || host == "::1";
}

Json endpoint(const std::string& host, int port) {
  auto out = Json::object({{"port", port}});
  if (!is_own_address(host)) out.set("host", host);
  return out;
}

Json check_of(const Probe& probe) {
  if (const auto* http = std::get_if<HttpProbe>(&probe.check)) {
    auto get = endpoint(http->host, http->port);
    get.set("path", http->path);
    get.set("scheme", http->tls ? "HTTPS" : "HTTP");
    return Json::object({{"httpGet", std::move(get)}});
  }
  if (const auto* tcp = std::get_if<TcpProbe>(&probe.check))
    return Json::object({{"tcpSocket", endpoint(tcp->host, tcp->port)}});
  if (const auto* exec = std::get_if<ExecProbe>(&probe.check)) {
    auto command = Json::array();
    for (const auto& argument : exec->command) command.push_back(argument);
    return Json::object({{"exec", Json::object({{"command", std::move(command)}})}});
  }
  return {};
}

}  // namespace

Json probe_manifest(const Probe& probe, bool passes_once) {
  auto out = check_of(probe);
  if (out.is_null()) return out;
  if (probe.initial_delay > Duration{0})
    out.set("initialDelaySeconds", whole_seconds(probe.initial_delay, 0));
  out.set("periodSeconds", whole_seconds(probe.interval, 1));
  out.set("timeoutSeconds", whole_seconds(probe.timeout, 1));
  out.set("successThreshold", passes_once ? 1 : std::max(1, probe.success_threshold));
  out.set("failureThreshold", std::max(1, probe.failure_threshold));
  return out;
}

}  // namespace holdfast::kubernetes
