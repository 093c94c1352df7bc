// The thread that accepts connections and hands them to the workers in turn.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "api/http/inbox.h"
#include "api/http/listener.h"
#include "api/http/server_state.h"
#include "api/http/tls.h"
#include "controller/base/unique_fd.h"

namespace holdfast::http {

class Acceptor {
 public:
  // tls may be null. Starts the thread; throws std::runtime_error without file descriptors.
  Acceptor(std::shared_ptr<ServerState> state, Listener listener, std::unique_ptr<TlsSource> tls,
           std::vector<std::shared_ptr<Inbox>> workers);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  [[nodiscard]] const std::string& address() const { return listener_.address(); }
  void stop();  // closes the listener: new clients are refused by the system

 private:
  void run();
  void accept_one();
  void hand_over(UniqueFd fd, const struct sockaddr_storage& peer);
  void refuse(const UniqueFd& fd);
  void out_of_descriptors(int code);

  std::shared_ptr<ServerState> state_;
  Listener listener_;
  std::unique_ptr<TlsSource> tls_;
  std::vector<std::shared_ptr<Inbox>> workers_;
  size_t next_ = 0;
  UniqueFd stop_, reserve_;
  int pause_ms_ = -1;  // set after a failure that a moment may cure
  std::optional<MonoTime> complained_;
  SystemClock clock_;
  std::thread thread_;  // the last: it uses the others
};

}  // namespace holdfast::http
