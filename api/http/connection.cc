#include "api/http/connection.h"

#include "controller/base/log.h"

namespace holdfast::http {

namespace {
constexpr size_t kHighWater = 1u << 20;   // unsent bytes above which no further request is read
constexpr size_t kBusyInput = 64u << 10;  // bytes read ahead while a handler is at work
constexpr unsigned kProgressShift = 12;   // less than 4 KiB taken within write_stall is no progress
}  // namespace

Connection::Connection(ConnectionId id, NewConnection accepted, WorkerServices& services)
    : id_(id),
      services_(services),
      transport_(std::move(accepted.transport)),
      caller_(std::move(accepted.caller)),
      mode_(transport_.is_tls() ? Mode::kHandshake : Mode::kHttp),
      reader_(services.state->options.limits.max_head) {
  update();
}

Connection::~Connection() {
  release_body();
  end_stream();
  services_.state->connection_closed();
}

void Connection::end_stream() {
  if (!channel_) return;
  channel_->shut();
  channel_.reset();
  services_.state->streams.fetch_sub(1);
  const auto on_close = std::exchange(on_stream_close_, nullptr);
  if (!on_close) return;
  try {
    on_close();
  } catch (...) {
    log::error("the close callback of an event stream failed", {{"peer", caller_.peer}});
  }
}

bool Connection::can_read() const {
  if (dead_ || eof_) return false;
  if (pending_) return reader_.buffered() < kBusyInput;
  return mode_ != Mode::kHttp || out_.size() < kHighWater;
}

bool Connection::fill() {
  if (!can_read()) return false;
  const auto result = transport_.read(services_.buffer);
  switch (result.status) {
    case IoStatus::kDone:
      if (mode_ == Mode::kHttp && !closing_) reader_.feed({services_.buffer.data(), result.bytes});
      return true;
    case IoStatus::kEnd:
      eof_ = true;
      if (mode_ != Mode::kHttp) die();
      return false;
    case IoStatus::kBroken:
      die();
      return false;
    case IoStatus::kBlocked:
      return false;
  }
  return false;
}

void Connection::on_ready() {
  if (mode_ == Mode::kHandshake) {
    const auto status = transport_.handshake();
    if (status == IoStatus::kBlocked) return update();
    if (status != IoStatus::kDone) return die();
    mode_ = Mode::kHttp;
  }
  constexpr int kTurns = 4;  // then the worker's other connections
  for (int turn = 0; turn < kTurns && !dead_; ++turn) {
    const bool more = fill();
    pump();
    // A TLS record fits the buffer, so none stays in OpenSSL, unseen by epoll.
    if (!more || !transport_.is_tls()) break;
  }
  if (eof_ && (mode_ == Mode::kLinger || (mode_ == Mode::kHttp && !pending_ && !closing_ && out_.empty()))) {
    die();
  }
  reader_.compact();
  update();
}

void Connection::pump() {
  for (;;) {
    const bool more = serve();
    flush();
    if (!more || dead_ || out_.size() >= kHighWater) return;
  }
}

void Connection::flush() {
  size_t written = 0;
  while (!out_.empty() && !dead_ && written < kHighWater) {
    const auto result = transport_.write(out_.front());
    if (result.status == IoStatus::kBlocked) return;
    if (result.status != IoStatus::kDone) return die();
    out_.pop(result.bytes);
    sent_ += result.bytes;
    written += result.bytes;
    if (channel_) channel_->written(result.bytes);
  }
  if (dead_ || !out_.empty()) return;
  const bool idle = mode_ == Mode::kHttp && !have_head_ && reader_.buffered() == 0;
  if (idle && services_.state->draining.load()) closing_ = true;
  if (closing_ && mode_ != Mode::kLinger) start_lingering();
}

// Closing a socket with unread input would reset the connection and could destroy the answer on its way.
void Connection::start_lingering() {
  end_stream();
  transport_.finish_sending();
  mode_ = Mode::kLinger;
  reader_.discard();
  if (eof_) die();
}

Connection::Phase Connection::phase() const {
  if (mode_ == Mode::kHandshake) return Phase::kHandshake;
  if (mode_ == Mode::kLinger) return Phase::kLinger;
  if (!out_.empty()) return Phase::kWriting;
  if (mode_ == Mode::kStream) return Phase::kStream;
  if (pending_) return Phase::kBusy;
  if (have_head_) return Phase::kBody;
  return reader_.buffered() > 0 ? Phase::kHead : Phase::kIdle;
}

std::chrono::milliseconds Connection::limit(Phase phase) const {
  const auto& limits = services_.state->options.limits;
  switch (phase) {
    case Phase::kNone:
      break;
    case Phase::kHandshake:
      return limits.handshake;
    case Phase::kIdle:
      return limits.idle;
    case Phase::kHead:
      return limits.head;
    case Phase::kBody:
      return limits.body;
    case Phase::kBusy:
      return limits.deferred;
    case Phase::kWriting:
      return limits.write_stall;
    case Phase::kStream:
      return limits.stream_heartbeat;
    case Phase::kLinger:
      return limits.linger;
  }
  return {};
}

// A deadline belongs to a phase; only progress moves it, not mere activity.
void Connection::update() {
  if (dead_) return;
  wants_write_ = transport_.take_wants_write() || !out_.empty();
  const auto now_phase = phase();
  const auto mark = now_phase == Phase::kWriting ? sent_ >> kProgressShift : exchanges_;
  if (now_phase == phase_ && mark == mark_) return;
  phase_ = now_phase;
  mark_ = mark;
  deadline_ = services_.clock.now() + limit(phase_);
}

void Connection::on_deadline() {
  switch (phase_) {
    case Phase::kHead:
    case Phase::kBody:
      refuse({408, "the request didn't arrive in time"});
      break;
    case Phase::kBusy: {
      const auto pending = std::exchange(pending_, nullptr);
      pending->answered = true;
      auto response =
          problem(Error{.code = ErrorCode::kTimeout,
                        .message = "the answer took longer than this server waits",
                        .hint = "it may still take effect; look at the state before trying again"},
                  pending->request.id);
      services_.state->audit(pending->request, response);
      respond(std::move(response));
      break;
    }
    case Phase::kStream:
      deadline_ = services_.clock.now() + limit(phase_);
      channel_->charge(3);
      out_.push(":\n\n");
      break;
    case Phase::kWriting:
      transport_.abandon();
      return die();
    default:
      return die();
  }
  pump();
  update();
}

void Connection::drain() {
  const bool idle = phase_ == Phase::kIdle;
  const auto served = exchanges_;
  if (mode_ == Mode::kHandshake) return die();
  if (channel_) {
    channel_->close();
    on_stream_active();
  }
  on_ready();  // a request may be waiting in the socket
  if (idle && exchanges_ == served && reader_.buffered() == 0) die();
}

}  // namespace holdfast::http
