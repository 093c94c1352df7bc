#include "controller/main/forwarder.h"

#include <chrono>

#include "api/v1/leader_redirect.h"

namespace holdfast {

namespace {

constexpr auto kPatience = std::chrono::seconds{110};  // a little less than the server waits for its handlers

http_client::Request as_request(const http::Request& request, const std::string& target) {
  http_client::Request out{.method = std::string(http::to_string(request.method)),
                           .target = target,
                           .what = "passing the request on to the leader",
                           .body = request.body,
                           .headers = {std::string(api::kForwardedHeader) + ": 1"},
                           .timeout = kPatience};
  out.content_type = request.header("content-type").value_or("");
  for (const auto* name : {"authorization", "if-match", "accept"}) {
    if (const auto value = request.header(name)) out.headers.push_back(std::string(name) + ": " + *value);
  }
  return out;
}

http::Response as_response(const http_client::Response& answer) {
  http::Response response{
      .status = static_cast<int>(answer.status), .body = answer.body, .content_type = answer.content_type};
  if (!answer.etag.empty()) response.headers.emplace_back("ETag", answer.etag);
  return response;
}

}  // namespace

std::shared_ptr<http_client::Transport> Forwarder::transport_to(const std::string& address) {
  const std::lock_guard lock(mutex_);
  std::erase_if(streams_, [](const auto& stream) { return stream.second->load(); });
  if (!transport_ || address_ != address) {
    address_ = address;
    const auto words = [address](const http_client::Fault& fault) {
      return http_client::plain_words(fault, "the leader at " + address);
    };
    transport_ = std::make_shared<http_client::Transport>(http_client::Endpoint{.base_url = address}, words);
  }
  return transport_;
}

void Forwarder::operator()(const Leader& leader, const http::Request& request, const std::string& target,
                           const std::shared_ptr<http::Responder>& responder) {
  const auto transport = transport_to(leader.address);
  const auto over = std::make_shared<std::atomic<bool>>(false);
  http_client::StreamHandlers handlers;
  handlers.on_end = [responder, over, id = request.id](Result<http_client::Response> result) {
    responder->respond(result ? as_response(*result) : http::problem(result.error(), id));
    *over = true;
  };
  auto stream = transport->open(as_request(request, target), std::move(handlers));
  if (!stream) return;
  const std::lock_guard lock(mutex_);
  streams_.emplace_back(std::move(stream), over);
}

}  // namespace holdfast
