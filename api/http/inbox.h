// What other threads tell a worker: the only way they reach its connections, which they name by an id that is
// never used twice.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <variant>
#include <vector>

#include "api/http/admission.h"
#include "api/http/message.h"
#include "api/http/transport.h"
#include "controller/base/unique_fd.h"

namespace holdfast::http {

using ConnectionId = std::uint64_t;

// A request whose handler answers later. The flag is the worker's; the request doesn't change.
struct PendingExchange {
  Request request;
  bool answered = false;
};

struct NewConnection {
  Transport transport;
  Caller caller;
};
struct LateAnswer {
  ConnectionId connection;
  std::shared_ptr<PendingExchange> exchange;
  Response response;
};
struct StreamActive {  // there is something to take from the connection's event stream
  ConnectionId connection;
};
struct Drain {};  // the server is stopping
using Message = std::variant<NewConnection, LateAnswer, StreamActive, Drain>;

// Thread-safe. Outlives its worker if a responder or stream still refers to it.
class Inbox {
 public:
  Inbox();  // throws std::runtime_error without a file descriptor
  [[nodiscard]] int fd() const { return event_.get(); }  // readable when there are messages
  bool post(Message message);                            // false after close()
  std::vector<Message> take();
  void close();  // drops what is there and all that comes

 private:
  UniqueFd event_;
  std::mutex mutex_;
  bool closed_ = false;
  std::vector<Message> messages_;
};

}  // namespace holdfast::http
