// The part of Connection that turns requests into answers.
#include <exception>

#include "api/http/connection.h"
#include "api/http/responder.h"
#include "controller/base/log.h"

namespace holdfast::http {

namespace {
constexpr size_t kOutputFull = 1u << 20;
constexpr size_t kJoinBody = 16u << 10;  // a body up to this goes out in one write with its head

std::string_view current_exception_text(std::string& text) {
  try {
    throw;
  } catch (const std::exception& error) {
    text = error.what();
  } catch (...) {
    text = "an exception of an unknown type";
  }
  return text;
}
}  // namespace

bool Connection::serve() {
  while (!dead_ && mode_ == Mode::kHttp && !pending_ && !closing_) {
    if (out_.size() >= kOutputFull) return reader_.buffered() > 0;
    if (!take_request()) return false;
  }
  return false;
}

bool Connection::take_request() {
  if (!have_head_) {
    const auto progress = reader_.read_head();
    if (progress == Progress::kNeedInput) return false;
    if (progress == Progress::kFailed) {
      refuse(reader_.refusal());
      return false;
    }
    if (!admit()) return true;
  }
  if (!take_body()) return false;
  dispatch();
  return true;
}

bool Connection::admit() {
  auto& state = *services_.state;
  auto& head = reader_.head();
  have_head_ = true;
  ++exchanges_;
  state.requests.fetch_add(1, std::memory_order_relaxed);
  request_.id = state.next_request_id();
  try {
    auto outcome = services_.admission.admit(head, caller_, request_.id);
    if (auto* refused = std::get_if<Refused>(&outcome)) {
      if (head.has_body()) head.keep_alive = false;  // its body is not read
      if (refused->audited) state.audit(*refused->audited, refused->response);
      respond(std::move(refused->response));
      return false;
    }
    auto& admitted = std::get<Admitted>(outcome);
    request_ = std::move(admitted.request);
    route_ = admitted.route;
  } catch (...) {
    std::string text;
    fail_exchange(current_exception_text(text));
    return false;
  }
  if (head.expect_continue && head.has_body() && reader_.buffered() == 0) {
    out_.push("HTTP/1.1 100 Continue\r\n\r\n");
  }
  return true;
}

bool Connection::take_body() {
  const auto progress = reader_.read_body(route_->max_body);
  if (const auto size = reader_.body().size(); size > charged_) {
    auto& state = *services_.state;
    const auto total = state.body_bytes.fetch_add(size - charged_) + size - charged_;
    charged_ = size;
    if (progress != Progress::kFailed && total > state.options.limits.max_body_memory) {
      refuse({503, "too many large requests are being received at once", "try again later"});
      return false;
    }
  }
  if (progress == Progress::kFailed) refuse(reader_.refusal());
  return progress == Progress::kComplete;
}

void Connection::release_body() {
  if (charged_ == 0) return;
  services_.state->body_bytes.fetch_sub(charged_);
  charged_ = 0;
}

void Connection::dispatch() {
  request_.body = std::move(reader_.body());
  try {
    run_handler();
  } catch (...) {
    std::string text;
    fail_exchange(current_exception_text(text));
  }
}

void Connection::run_handler() {
  if (const auto* handler = std::get_if<Handler>(&route_->handler)) {
    auto response = (*handler)(request_);
    services_.state->audit(request_, response);
    respond(std::move(response));
  } else if (const auto* deferred = std::get_if<DeferredHandler>(&route_->handler)) {
    defer(*deferred);
  } else {
    open_stream(std::get<StreamHandler>(route_->handler));
  }
}

void Connection::defer(const DeferredHandler& handler) {
  auto pending = std::make_shared<PendingExchange>();
  pending->request = std::move(request_);
  request_.id = pending->request.id;
  try {
    handler(pending->request, std::make_shared<DeferredResponder>(services_.inbox, id_, pending));
  } catch (...) {
    pending->answered = true;
    request_ = pending->request;  // for the audit of the failure
    throw;
  }
  pending_ = std::move(pending);
}

void Connection::answer(LateAnswer late) {
  if (late.exchange != pending_) return;
  pending_.reset();
  respond(std::move(late.response));
  on_ready();
}

void Connection::open_stream(const StreamHandler& handler) {
  auto& state = *services_.state;
  auto channel =
      std::make_shared<StreamChannel>(services_.inbox, id_, state.options.limits.max_stream_backlog);
  std::optional<Response> refusal;
  try {
    refusal = handler(request_, channel, on_stream_close_);
  } catch (...) {
    channel->shut();
    if (on_stream_close_) std::exchange(on_stream_close_, nullptr)();
    throw;
  }
  if (refusal) {
    channel->shut();
    on_stream_close_ = nullptr;
    return respond(std::move(*refusal));
  }
  std::string head;
  append_stream_head(head, wire_options(false, request_.id));
  head += ":\n\n";  // a first comment: the client sees that it is connected
  out_.push(std::move(head));
  channel->charge(out_.size());
  channel->opened();
  state.streams.fetch_add(1);
  channel_ = std::move(channel);
  mode_ = Mode::kStream;
  have_head_ = false;
  release_body();
  request_ = {};
  reader_.discard();
  on_stream_active();
}

void Connection::on_stream_active() {
  if (!channel_ || dead_ || mode_ != Mode::kStream) return;
  auto batch = channel_->take();
  if (batch.overflow) {
    log::info("an event stream's client doesn't read; it is dropped", {{"peer", caller_.peer}});
    return die();
  }
  out_.push(std::move(batch.bytes));
  if (batch.closing || services_.state->draining.load()) closing_ = true;
  flush();
  update();
}

void Connection::refuse(const Refusal& refusal) {
  if (!have_head_) {
    reader_.head() = RequestHead{};
    request_ = {};
    request_.id = services_.state->next_request_id();
  }
  reader_.head().keep_alive = false;
  auto response = to_response(refusal, request_.id);
  if (have_head_) services_.state->audit(request_, response);
  respond(std::move(response));
}

void Connection::fail_exchange(std::string_view what) {
  log::error("a request handler failed",
             {{"path", request_.path}, {"request_id", request_.id}, {"error", std::string(what)}});
  auto& head = reader_.head();
  head.keep_alive = false;
  auto response = problem(Error{.message = "the server failed at this request",
                                .hint = "its log tells more under this request id"},
                          request_.id);
  services_.state->audit(request_, response);
  respond(std::move(response));
}

WireOptions Connection::wire_options(bool keep_alive, std::string_view request_id) {
  const auto& head = reader_.head();
  return {.keep_alive = keep_alive,
          .http11 = head.http11,
          .head_only = head.method == Method::kHead,
          .date = services_.date.at(services_.clock.wall()),
          .request_id = request_id};
}

void Connection::respond(Response response) {
  if (response.status < 200 || response.status > 599) {
    log::error("a handler answered with a status that can't be sent",
               {{"status", response.status}, {"request_id", request_.id}});
    response = problem(Error{.message = "the server failed at this request", .hint = {}}, request_.id);
  }
  const bool keep = reader_.head().keep_alive && !services_.state->draining.load();
  const auto options = wire_options(keep, request_.id);
  std::string out;
  const bool with_body = may_have_body(response.status) && !options.head_only;
  const bool joined = with_body && response.body.size() <= kJoinBody;
  constexpr size_t kHeadRoom = 512;
  out.reserve(kHeadRoom + (joined ? response.body.size() : 0));
  append_head(out, response, options);
  if (joined) out += response.body;
  out_.push(std::move(out));
  if (with_body && !joined) out_.push(std::move(response.body));
  have_head_ = false;
  closing_ = !keep;
  release_body();
  request_ = {};
}

}  // namespace holdfast::http
