// The bounded buffer between those who publish events and the connection that writes them.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "api/http/inbox.h"
#include "api/http/server.h"

namespace holdfast::http {

// Thread-safe. What the handler sends before the stream is open (a snapshot) is let through whole; after
// that, a client that leaves more than max_backlog bytes unread is dropped.
class StreamChannel final : public EventStream {
 public:
  StreamChannel(std::shared_ptr<Inbox> inbox, ConnectionId connection, size_t max_backlog)
      : inbox_(std::move(inbox)), connection_(connection), max_backlog_(max_backlog) {}

  bool send(std::string event) override;
  void close() override;

  // ---- for the connection, on its worker's thread
  struct Batch {
    std::string bytes;
    bool closing = false;   // no more will come: close when these are written
    bool overflow = false;  // drop the client
  };
  Batch take();
  void opened();               // ends the opening: from now on the backlog is bounded
  void charge(size_t bytes);   // bytes that the connection itself adds to the stream
  void written(size_t bytes);  // bytes that the client's socket took
  void shut();                 // the connection is gone; send() returns false from now on

 private:
  void notify();  // with the lock held

  std::shared_ptr<Inbox> inbox_;
  ConnectionId connection_;
  size_t max_backlog_;
  std::mutex mutex_;
  std::string pending_;
  size_t unwritten_ = 0;          // pending_ and what the connection still holds
  size_t opening_unwritten_ = 0;  // the part of it that doesn't count
  bool opening_ = true, notified_ = false, closing_ = false, overflow_ = false, shut_ = false;
};

}  // namespace holdfast::http
