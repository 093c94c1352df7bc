// A thread's share of the connections, on Pistache's reactor. Besides router.cc, worker.* and server.cc are
// all that know Pistache.
#pragma once

#include <memory>
#include <unordered_map>

#include <pistache/reactor.h>

#include "api/http/connection.h"
#include "api/http/deadlines.h"
#include "api/http/inbox.h"
#include "api/http/server_state.h"
#include "controller/base/unique_fd.h"

namespace holdfast::http {

// The reactor clones one for each of its threads and calls that clone on its thread only; inbox() may be used
// from any.
class Worker final : public Pistache::Aio::Handler {
 public:
  explicit Worker(std::shared_ptr<ServerState> state);
  ~Worker() override;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  [[nodiscard]] const std::shared_ptr<Inbox>& inbox() const { return inbox_; }

  // ---- Pistache::Aio::Handler
  [[nodiscard]] std::shared_ptr<Pistache::Aio::Handler> clone() const override;
  void registerPoller(Pistache::Polling::Epoll& poller) override;
  void onReady(const Pistache::Aio::FdSet& fds) override;

 private:
  struct Slot {
    std::unique_ptr<Connection> connection;
    MonoTime scheduled;  // its entry in deadlines_
    Pistache::Polling::NotifyOn armed;
  };
  void on_event(const Pistache::Aio::FdSet::Entry& event);
  void on_messages();
  void on_message(Message message);
  void adopt(NewConnection accepted);
  void drain_all();
  void run_deadlines();
  void arm_timer();
  template <typename Action>
  void with_connection(ConnectionId id, Action action);
  void settle(ConnectionId id, Slot& slot);
  void remove(ConnectionId id);

  std::shared_ptr<ServerState> state_;
  std::shared_ptr<Inbox> inbox_;
  std::unique_ptr<WorkerServices> services_;
  UniqueFd timer_;
  std::optional<MonoTime> timer_due_;  // nullopt: not running
  Deadlines deadlines_;
  std::unordered_map<ConnectionId, Slot> connections_;
  ConnectionId next_id_;
};

}  // namespace holdfast::http
