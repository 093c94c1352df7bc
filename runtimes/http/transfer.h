// One request of the transport, as libcurl sees it.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>

#include <curl/curl.h>

#include "controller/base/curl_multi.h"
#include "controller/base/event_loop.h"
#include "runtimes/http/transport.h"

namespace holdfast::http_client {

// For the transport's thread, but for cancel(). Handlers run under the mutex, so that cancel() waits for the
// one that is running.
class Transfer {
 public:
  Transfer(std::shared_ptr<const Endpoint> endpoint, Words words, Duration connect_timeout, Request request,
           StreamHandlers handlers);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  [[nodiscard]] CURL* easy() const { return easy_.get(); }
  [[nodiscard]] const Request& request() const { return request_; }
  void on_progress(std::function<void()> callback) { on_progress_ = std::move(callback); }

  void finish(CURLcode code);  // tells on_end, unless cancelled
  void finish(Fault fault);    // its `what` is the request's
  void cancel();               // from any thread but the transport's; no handler runs afterwards
  void cancel_from_within();   // on the transport's thread
  [[nodiscard]] bool over() const { return over_; }

  std::optional<EventLoop::TimerId> stall_timer;

 private:
  static size_t on_body(char* data, size_t size, size_t count, void* self);
  static size_t on_header(char* data, size_t size, size_t count, void* self);
  static int on_connected(void* self, char* ip, char* local_ip, int port, int local_port);
  void set_options();
  void set_tls();
  void set_body();
  void end(Result<Response> result);
  [[nodiscard]] bool take(std::string_view bytes);
  [[nodiscard]] long status() const;
  [[nodiscard]] Result<Response> result_of(CURLcode code);
  [[nodiscard]] Fault fault_of(CURLcode code) const;

  const std::shared_ptr<const Endpoint> endpoint_;
  const Words words_;
  const Duration connect_timeout_;
  Request request_;
  StreamHandlers handlers_;
  std::function<void()> on_progress_;
  std::string url_, body_, etag_;
  curl_slist *headers_ = nullptr, *connect_to_ = nullptr;
  bool connected_ = false, head_seen_ = false, enough_ = false, too_large_ = false;
  size_t received_ = 0;
  std::mutex mutex_;
  bool cancelled_ = false;
  std::atomic<bool> over_{false};
  std::string error_text_;  // libcurl writes into it
  CurlEasy easy_;
};

}  // namespace holdfast::http_client
