#include "controller/main/listeners.h"

#include "api/auth/authenticator.h"
#include "api/docs/routes.h"
#include "api/metrics/metrics.h"
#include "api/v1/leader_redirect.h"
#include "api/v1/routes.h"
#include "controller/base/log.h"
#include "controller/main/version.h"

namespace holdfast {

namespace {

Status set_authentication(const ListenerParts& parts, http::Options& http) {
  const auto& file = parts.settings.auth_tokens_file;
  const bool asks = !file.empty() || parts.find_token;
  if (auto exposed = auth::check_exposure(http.listen, asks, parts.options.insecure); !exposed)
    return exposed;
  if (!asks) return {};
  std::shared_ptr<auth::TokenFile> tokens;
  if (!file.empty()) {
    auto opened = auth::TokenFile::open(file);
    if (!opened) return fail(opened.error());
    tokens = std::move(*opened);
  }
  http.authenticate = auth::bearer_authenticator(std::move(tokens), parts.clock, parts.find_token);
  return {};
}

// Nullopt: this controller acts.
std::optional<Leader> elsewhere(const Leadership& leadership) {
  if (leadership.leads()) return std::nullopt;
  return leadership.leader();
}

}  // namespace

std::string api_listen_address(const cli::ServeOptions& options, const config::ControllerSettings& settings) {
  return options.listen.value_or(settings.listen);
}

Result<std::unique_ptr<http::Server>> serve_api(const ListenerParts& parts, std::vector<http::Route> facade) {
  http::Options http;
  http.listen = api_listen_address(parts.options, parts.settings);
  http.allowed_hosts = parts.settings.allowed_hosts;
  if (!parts.settings.tls_cert_file.empty())
    http.tls = http::TlsFiles{parts.settings.tls_cert_file, parts.settings.tls_key_file};
  if (auto set = set_authentication(parts, http); !set) return fail(set.error());
  http.audit = [&manager = parts.manager, &clock = parts.clock](const http::Request& request,
                                                                const http::Response& response) {
    manager.audit(api::audit_record(request, response, clock.wall()));
  };
  auto routes = api::routes(parts.manager, parts.clock, {.version = kVersion, .commit = kCommit});
  for (auto more : {std::move(facade), docs::routes()}) routes.insert(routes.end(), more.begin(), more.end());
  if (const auto* leadership = parts.leadership)
    routes = api::redirect_changes(
        std::move(routes),
        {.leader = [leadership] { return elsewhere(*leadership); },
         .forward = [forwarder = parts.forwarder](const auto&... passed) { (*forwarder)(passed...); }});
  auto server = http::Server::start(std::move(http), std::move(routes));
  if (server) log::info("the API is served", {{"address", (*server)->address()}});
  return server;
}

Result<std::unique_ptr<http::Server>> serve_metrics(const ListenerParts& parts) {
  http::Options http;
  http.listen = parts.options.metrics_listen.value_or(parts.settings.metrics_listen);
  http.allowed_hosts = parts.settings.allowed_hosts;
  http.threads = 1;
  const bool meant = parts.options.insecure || parts.settings.metrics_public;
  if (auto exposed = auth::check_exposure(http.listen, false, meant); !exposed) return fail(exposed.error());
  auto server = http::Server::start(
      std::move(http), metrics::routes(parts.manager, {.version = kVersion, .revision = kCommit}));
  if (server) log::info("metrics are served", {{"address", (*server)->address()}});
  return server;
}

}  // namespace holdfast
