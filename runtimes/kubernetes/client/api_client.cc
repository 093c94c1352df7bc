#include "runtimes/kubernetes/client/api_client.h"

#include <algorithm>
#include <condition_variable>
#include <utility>

#include "runtimes/kubernetes/client/failure.h"

namespace holdfast::kubernetes {

namespace {

using http_client::Request;
using http_client::Response;

constexpr long kIdleConnections = 16;
constexpr size_t kMaxAnswer = 64u << 20;
constexpr Duration kPauseUnasked = std::chrono::seconds{1};  // after a 429 that names none

// False: stopped before.
bool pause(Duration duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

// How long the server asks to wait; nullopt: it doesn't ask.
std::optional<Duration> asked_pause(const Response& response) {
  if (response.status != 429 && response.status != 503) return std::nullopt;
  if (response.retry_after > Duration::zero()) return response.retry_after;
  return response.status == 429 ? std::optional(kPauseUnasked) : std::nullopt;
}

// "https://10.0.0.1:6443/prefix" taken apart.
struct ServerUrl {
  std::string scheme{}, authority{}, path{};
};
ServerUrl split_url(const std::string& url) {
  const auto host = url.find("://") + 3;
  const auto path = std::min(url.find('/', host), url.size());
  return {url.substr(0, host), url.substr(host, path - host), url.substr(path)};
}

std::string with_port(const std::string& authority) {
  const auto colon = authority.rfind(':');
  const bool has_port = colon != std::string::npos && authority.find(']', colon) == std::string::npos;
  return has_port ? authority : authority + ":443";
}

Result<Json> json_of(const Question& question, const Response& response) {
  auto json = parse_json(response.body, {.max_bytes = kMaxAnswer});
  if (!json || !json->is_object())
    return fail(ErrorCode::kInternal, question.what() + ": the server's answer can't be understood");
  return json;
}

}  // namespace

ApiClient::ApiClient(Access access, const Clock& clock, ClientTimeouts timeouts)
    : access_(std::move(access)),
      clock_(clock),
      timeouts_(timeouts),
      credentials_(access_, clock, timeouts.plugin),
      transport_(
          endpoint_for({}), [this](const http_client::Fault& fault) { return silence(access_, fault); },
          timeouts.connect, kIdleConnections) {}

http_client::Endpoint ApiClient::endpoint_for(const Grant& grant) const {
  http_client::Endpoint out{.base_url = access_.server,
                            .ca_pem = grant.ca,
                            .cert_pem = grant.certificate,
                            .key_pem = grant.key,
                            .verify_peer = access_.verify};
  if (access_.tls_server_name.empty()) return out;
  const auto url = split_url(access_.server);
  out.base_url = url.scheme + access_.tls_server_name + url.path;
  out.connect_to = with_port(url.authority);
  return out;
}

Result<Grant> ApiClient::grant() {
  auto grant = credentials_.get();
  if (!grant) return grant;
  const std::lock_guard lock(mutex_);
  const bool same =
      grant->ca == shown_.ca && grant->certificate == shown_.certificate && grant->key == shown_.key;
  if (!same) transport_.use(endpoint_for(*grant));
  shown_ = *grant;
  return grant;
}

Result<Response> ApiClient::ask_once(Attempt& attempt, Grant& used) {
  const auto before = clock_.now();
  auto shown = grant();
  attempt.deadline += clock_.now() - before;  // a plugin's time is its own
  if (!shown) return fail(shown.error());
  used = std::move(*shown);
  auto request = attempt.request;
  request.timeout = std::max<Duration>(attempt.deadline - clock_.now(), std::chrono::milliseconds{1});
  if (!used.token.empty()) request.headers.push_back("Authorization: Bearer " + used.token);
  return transport_.call(std::move(request), {}, attempt.stop);
}

Result<Response> ApiClient::ask(Attempt attempt) {
  for (bool renewed = false;;) {
    Grant used;
    auto response = ask_once(attempt, used);
    if (!response) return response;
    if (response->status == 401 && !renewed) {
      renewed = true;
      credentials_.refused(used);
      const auto newer = credentials_.get();
      if (newer && !(*newer == used)) continue;
      return response;
    }
    const auto wait = asked_pause(*response);
    if (!wait || clock_.now() + *wait >= attempt.deadline) return response;
    if (!pause(*wait, attempt.stop)) return response;
  }
}

Result<Response> ApiClient::call(const Question& question, const Parameters& parameters, Request request) {
  auto path = question.path();
  if (!path) return fail(path.error());
  request.target = *path + query_of(parameters);
  request.what = question.what();
  auto response = ask({.request = std::move(request), .deadline = clock_.now() + timeouts_.call});
  if (response && http_client::is_failure(response->status))
    return fail(refusal(question, response->status, response->body));
  return response;
}

Result<Json> ApiClient::call_json(const Question& question, const Parameters& parameters, Request request) {
  const auto response = call(question, parameters, std::move(request));
  if (!response) return fail(response.error());
  return json_of(question, *response);
}

Result<std::string> ApiClient::version(Duration timeout) {
  const std::string what = "asking the API server for its version";
  const auto response = ask({.request = {.target = "/version", .what = what, .max_bytes = 64u << 10},
                             .deadline = clock_.now() + timeout});
  if (!response) return fail(response.error());
  if (http_client::is_failure(response->status)) {
    auto error = refusal({.verb = "get", .resource = {"", "", "version"}}, response->status, response->body);
    return fail(std::move(error));
  }
  const auto json = parse_json(response->body);
  if (!json || json->at("gitVersion").as_string().empty())
    return fail(ErrorCode::kInternal, what + ": what answers at " + access_.server + " doesn't tell it",
                "Is it an API server?");
  return json->at("gitVersion").as_string();
}

Result<std::optional<Json>> ApiClient::get(const Resource& resource, const std::string& namespace_,
                                           const std::string& name) {
  const Question question{.verb = "get", .resource = resource, .namespace_ = namespace_, .name = name};
  auto path = question.path();
  if (!path) return fail(path.error());
  const auto response =
      ask({.request = {.target = *path, .what = question.what()}, .deadline = clock_.now() + timeouts_.call});
  if (!response) return fail(response.error());
  if (response->status == 404 && is_absent(question, response->body)) return std::optional<Json>();
  if (http_client::is_failure(response->status))
    return fail(refusal(question, response->status, response->body));
  auto json = json_of(question, *response);
  if (!json) return fail(json.error());
  return std::optional<Json>(std::move(*json));
}

Result<std::optional<Json>> ApiClient::page(const Question& question, const Selection& selection,
                                            const std::string& next, MonoTime deadline,
                                            const std::stop_token& stop) {
  auto path = question.path();
  if (!path) return fail(path.error());
  auto parameters = parameters_of(selection);
  parameters.emplace_back("limit", "500");
  parameters.emplace_back("continue", next);
  const auto response = ask(
      {.request = {.target = *path + query_of(parameters), .what = question.what(), .max_bytes = kMaxAnswer},
       .deadline = deadline,
       .stop = stop});
  if (!response) return fail(response.error());
  if (response->status == 410 && !next.empty()) return std::optional<Json>();
  if (http_client::is_failure(response->status))
    return fail(refusal(question, response->status, response->body));
  auto json = json_of(question, *response);
  if (!json) return fail(json.error());
  return std::optional<Json>(std::move(*json));
}

Result<std::string> ApiClient::list(const Resource& resource, const Selection& selection,
                                    const std::function<void(Json object)>& each,
                                    const std::function<void()>& restart, const std::stop_token& stop) {
  const Question question{.verb = "list", .resource = resource, .namespace_ = selection.namespace_};
  const auto deadline = clock_.now() + timeouts_.list;
  std::string next;
  for (;;) {
    auto answer = page(question, selection, next, deadline, stop);
    if (!answer) return fail(answer.error());
    if (!*answer) {
      next.clear();
      if (restart) restart();
      continue;
    }
    auto& json = **answer;
    if (auto* items = json.find("items")) {
      for (auto& item : items->items()) each(std::move(item));
    }
    next = json.at("metadata").at("continue").as_string();
    if (!next.empty()) continue;
    const auto& version = json.at("metadata").at("resourceVersion").as_string();
    if (version.empty())
      return fail(ErrorCode::kInternal, question.what() + ": the server's list has no version");
    return version;
  }
}

std::unique_ptr<Client> make_client(Access access, const Clock& clock, ClientTimeouts timeouts) {
  return std::make_unique<ApiClient>(std::move(access), clock, timeouts);
}

}  // namespace holdfast::kubernetes
