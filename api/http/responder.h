// The handle of a handler that answers later.
#pragma once

#include <atomic>
#include <memory>

#include "api/http/inbox.h"
#include "api/http/server.h"

namespace holdfast::http {

// Thread-safe. Dropped without an answer, it answers 500: the client isn't left waiting for the timeout.
class DeferredResponder final : public Responder {
 public:
  DeferredResponder(std::shared_ptr<Inbox> inbox, ConnectionId connection,
                    std::shared_ptr<PendingExchange> exchange)
      : inbox_(std::move(inbox)), connection_(connection), exchange_(std::move(exchange)) {}
  ~DeferredResponder() override;
  DeferredResponder(const DeferredResponder&) = delete;
  DeferredResponder& operator=(const DeferredResponder&) = delete;
  void respond(Response response) override;

 private:
  std::shared_ptr<Inbox> inbox_;
  ConnectionId connection_;
  std::shared_ptr<PendingExchange> exchange_;
  std::atomic<bool> used_{false};
};

}  // namespace holdfast::http
