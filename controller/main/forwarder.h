// Passes requests on to the controller that leads, for callers who can't reach it themselves.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "api/http/server.h"
#include "controller/model/leadership.h"
#include "runtimes/http/transport.h"

namespace holdfast {

// Thread-safe. Never blocks: the answer comes on a thread of its own. Must outlive the server whose requests
// it passes on.
class Forwarder {
 public:
  // With the caller's own credentials, which the leader checks again.
  void operator()(const Leader& leader, const http::Request& request, const std::string& target,
                  const std::shared_ptr<http::Responder>& responder);

 private:
  std::shared_ptr<http_client::Transport> transport_to(const std::string& address);

  std::mutex mutex_;
  std::string address_;
  std::shared_ptr<http_client::Transport> transport_;
  // A stream can't be destroyed within its own handlers: those that are over go with the next request.
  std::vector<std::pair<std::unique_ptr<http_client::Stream>, std::shared_ptr<std::atomic<bool>>>> streams_;
};

}  // namespace holdfast
