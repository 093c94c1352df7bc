#include "controller/base/curl_multi.h"

#include <chrono>
#include <optional>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include <sys/epoll.h>

namespace holdfast {

class CurlMulti::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(EventLoop& loop, long idle_connections) : loop_(loop) {
    static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
    static_cast<void>(initialised);
    multi_ = curl_multi_init();
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Core::on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Core::on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, idle_connections);
  }
  ~Core() { curl_multi_cleanup(multi_); }
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  void add(CURL* easy, Done done);
  void remove(CURL* easy);
  void close();

 private:
  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self, void* data);
  static int on_timer(CURLM* multi, long timeout_ms, void* data);
  void watch(int fd, int what);
  void act(int fd, int events);
  void collect();
  void finish(CURL* easy, CURLcode code);

  EventLoop& loop_;
  CURLM* multi_ = nullptr;
  bool closed_ = false;
  std::unordered_map<int, EventLoop::WatchId> watches_;
  std::optional<EventLoop::TimerId> timer_;
  std::unordered_map<CURL*, Done> transfers_;
};

void CurlMulti::Core::add(CURL* easy, Done done) {
  if (closed_) return;
  transfers_[easy] = std::move(done);
  // Asks for a timer, and begins there.
  if (curl_multi_add_handle(multi_, easy) == CURLM_OK) return;
  loop_.post([weak = weak_from_this(), easy] {
    if (const auto self = weak.lock()) self->finish(easy, CURLE_FAILED_INIT);
  });
}

void CurlMulti::Core::remove(CURL* easy) {
  if (transfers_.erase(easy) > 0) curl_multi_remove_handle(multi_, easy);
}

void CurlMulti::Core::close() {
  closed_ = true;
  for (const auto& [easy, done] : transfers_) curl_multi_remove_handle(multi_, easy);
  transfers_.clear();
  for (const auto& [fd, watch] : watches_) loop_.unwatch(watch);
  watches_.clear();
  if (timer_) loop_.cancel(*timer_);
  timer_.reset();
  // libcurl calls them once more while it closes its connections.
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, nullptr);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, nullptr);
}

int CurlMulti::Core::on_socket(CURL* /*easy*/, curl_socket_t fd, int what, void* self, void* /*data*/) {
  try {
    static_cast<Core*>(self)->watch(fd, what);
    return 0;
  } catch (const std::runtime_error&) {
    return -1;  // the transfer ends with an error
  }
}

void CurlMulti::Core::watch(int fd, int what) {
  const auto known = watches_.find(fd);
  if (what == CURL_POLL_REMOVE) {
    if (known == watches_.end()) return;
    loop_.unwatch(known->second);
    watches_.erase(known);
    return;
  }
  std::uint32_t events = 0;
  if (what & CURL_POLL_IN) events |= EPOLLIN;
  if (what & CURL_POLL_OUT) events |= EPOLLOUT;
  if (known != watches_.end()) return loop_.modify(known->second, events);
  watches_[fd] = loop_.watch(fd, events, [weak = weak_from_this(), fd](std::uint32_t seen) {
    const auto self = weak.lock();
    if (!self) return;
    int action = 0;
    if (seen & (EPOLLIN | EPOLLHUP)) action |= CURL_CSELECT_IN;
    if (seen & EPOLLOUT) action |= CURL_CSELECT_OUT;
    if (seen & EPOLLERR) action |= CURL_CSELECT_ERR;
    self->act(fd, action);
  });
}

int CurlMulti::Core::on_timer(CURLM* /*multi*/, long timeout_ms, void* data) {
  auto* self = static_cast<Core*>(data);
  if (self->timer_) self->loop_.cancel(*self->timer_);
  self->timer_.reset();
  if (timeout_ms < 0) return 0;
  self->timer_ = self->loop_.after(std::chrono::milliseconds{timeout_ms}, [weak = self->weak_from_this()] {
    const auto core = weak.lock();
    if (!core) return;
    core->timer_.reset();
    core->act(CURL_SOCKET_TIMEOUT, 0);
  });
  return 0;
}

void CurlMulti::Core::act(int fd, int events) {
  if (closed_) return;
  int running = 0;
  curl_multi_socket_action(multi_, fd, events, &running);
  collect();
}

void CurlMulti::Core::collect() {
  int left = 0;
  while (auto* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    finish(message->easy_handle, message->data.result);  // the message is gone once its handle is removed
  }
}

void CurlMulti::Core::finish(CURL* easy, CURLcode code) {
  auto node = transfers_.extract(easy);
  if (node.empty()) return;
  curl_multi_remove_handle(multi_, easy);
  node.mapped()(code);
}

CurlMulti::CurlMulti(EventLoop& loop, long idle_connections)
    : core_(std::make_shared<Core>(loop, idle_connections)) {}

CurlMulti::~CurlMulti() {
  core_->close();
}

void CurlMulti::add(CURL* easy, Done done) {
  core_->add(easy, std::move(done));
}

void CurlMulti::remove(CURL* easy) {
  core_->remove(easy);
}

void CurlMulti::close() {
  core_->close();
}

}  // namespace holdfast
