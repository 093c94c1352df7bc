// One client: its socket, the request being received or answered, its output and its deadline.
//
//   handshake (TLS) -> http <-> (busy: a deferred handler) -> linger -> gone
//                       http -> stream (server-sent events) -> linger -> gone
//
// connection.cc moves bytes and watches time; exchange.cc turns requests into answers.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>

#include "api/http/admission.h"
#include "api/http/framing.h"
#include "api/http/inbox.h"
#include "api/http/output_queue.h"
#include "api/http/server_state.h"
#include "api/http/stream_channel.h"
#include "api/http/transport.h"
#include "api/http/wire.h"
#include "controller/base/clock.h"

namespace holdfast::http {

// What all connections of a worker use; that worker's thread only.
struct WorkerServices {
  WorkerServices(std::shared_ptr<ServerState> server_state, std::shared_ptr<Inbox> worker_inbox)
      : state(std::move(server_state)),
        inbox(std::move(worker_inbox)),
        admission(state->options, state->routes) {}
  std::shared_ptr<ServerState> state;
  std::shared_ptr<Inbox> inbox;
  Admission admission;
  SystemClock clock;
  DateHeader date;
  std::array<char, 64u << 10> buffer{};
};

// Belongs to one worker's thread. After any call: if dead(), destroy it; otherwise watch what it wants.
class Connection {
 public:
  Connection(ConnectionId id, NewConnection accepted, WorkerServices& services);
  ~Connection();  // runs on_close of an event stream
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void on_ready();               // the socket is readable or writable
  void on_deadline();            // deadline() has passed
  void answer(LateAnswer late);  // of a deferred handler; ignored if it comes too late
  void on_stream_active();
  void drain();  // finish what is under way, then close

  [[nodiscard]] bool dead() const { return dead_; }
  [[nodiscard]] bool wants_read() const { return can_read(); }
  [[nodiscard]] bool wants_write() const { return wants_write_; }
  [[nodiscard]] MonoTime deadline() const { return deadline_; }
  [[nodiscard]] int fd() const { return transport_.fd(); }
  [[nodiscard]] ConnectionId id() const { return id_; }

 private:
  enum class Mode : std::uint8_t { kHandshake, kHttp, kStream, kLinger };
  enum class Phase : std::uint8_t {
    kNone,
    kHandshake,
    kIdle,
    kHead,
    kBody,
    kBusy,
    kWriting,
    kStream,
    kLinger
  };

  // ---- bytes and time: connection.cc
  void die() { dead_ = true; }
  [[nodiscard]] bool can_read() const;
  bool fill();  // true: there may be more to read
  void pump();  // serve and flush until nothing moves
  void flush();
  void start_lingering();
  void end_stream();
  void update();  // phase, deadline, what to wait for
  [[nodiscard]] Phase phase() const;
  [[nodiscard]] std::chrono::milliseconds limit(Phase phase) const;

  // ---- requests: exchange.cc
  bool serve();         // true: stopped only because the output is full
  bool take_request();  // false: needs input, or failed
  bool take_body();
  bool admit();  // false: refused and answered
  void dispatch();
  void run_handler();
  void defer(const DeferredHandler& handler);
  void open_stream(const StreamHandler& handler);
  void refuse(const Refusal& refusal);        // answers and closes
  void fail_exchange(std::string_view what);  // 500
  void respond(Response response);
  void release_body();
  [[nodiscard]] WireOptions wire_options(bool keep_alive, std::string_view request_id);

  ConnectionId id_;
  WorkerServices& services_;
  Transport transport_;
  Caller caller_;
  Mode mode_;
  bool dead_ = false, eof_ = false, closing_ = false, wants_write_ = false;
  OutputQueue out_;
  std::uint64_t sent_ = 0;

  RequestReader reader_;
  bool have_head_ = false;  // an exchange is under way: from the head's end until its answer is queued
  std::uint64_t exchanges_ = 0;
  size_t charged_ = 0;  // bytes of body counted in ServerState::body_bytes
  Request request_;
  const Route* route_ = nullptr;
  std::shared_ptr<PendingExchange> pending_;  // set while a deferred handler is at work
  std::shared_ptr<StreamChannel> channel_;    // set in Mode::kStream
  std::function<void()> on_stream_close_;

  Phase phase_ = Phase::kNone;
  std::uint64_t mark_ = 0;  // a change of it is progress within the phase
  MonoTime deadline_{};
};

}  // namespace holdfast::http
