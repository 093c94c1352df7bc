#include "controller/health/http_check.h"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <curl/curl.h>
#include <sys/epoll.h>

namespace holdfast::health {

namespace {

constexpr size_t kMaxBody = 16 << 10;
constexpr size_t kIdleHandles = 4;

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, EasyDeleter>;

struct Transfer {
  Easy easy;
  std::string url;
  size_t received = 0;
  CheckDone done;
};

std::string url_of(const HttpProbe& probe) {
  const bool v6 = probe.host.find(':') != std::string::npos;
  std::string url = probe.tls ? "https://" : "http://";
  url += v6 ? "[" + probe.host + "]" : probe.host;
  url += ":" + std::to_string(probe.port);
  if (!probe.path.starts_with('/')) url += '/';
  return url + probe.path;
}

// The body says nothing; past the bound the transfer is ended, the status is known by then.
size_t count_body(char* /*data*/, size_t size, size_t count, void* transfer) {
  auto& received = static_cast<Transfer*>(transfer)->received;
  received += size * count;
  return received <= kMaxBody ? size * count : 0;
}

void set_options(Transfer& transfer, Duration timeout) {
  using std::chrono::milliseconds;
  CURL* easy = transfer.easy.get();
  const auto ms = std::max<long>(1, std::chrono::ceil<milliseconds>(timeout).count());
  curl_easy_setopt(easy, CURLOPT_URL, transfer.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, ms);
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);  // also tells whether it still accepts
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "holdfast-probe");
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, count_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
}

CheckResult result_of(const Transfer& transfer, CURLcode code) {
  const std::string what = "GET " + transfer.url + ": ";
  long status = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  const bool cut_by_us = code == CURLE_WRITE_ERROR && transfer.received > kMaxBody;
  if (code == CURLE_URL_MALFORMAT || code == CURLE_OUT_OF_MEMORY)
    return {Verdict::kUnknown, what + curl_easy_strerror(code)};
  if (code == CURLE_OPERATION_TIMEDOUT) return {Verdict::kFail, what + "no answer in time"};
  if (code == CURLE_UNSUPPORTED_PROTOCOL) return {Verdict::kFail, what + "the answer is not HTTP"};
  if (code != CURLE_OK && !cut_by_us) return {Verdict::kFail, what + curl_easy_strerror(code)};
  if (status >= 200 && status < 400) return {Verdict::kPass, {}};
  return {Verdict::kFail, what + "status " + std::to_string(status)};
}

}  // namespace

// Owned by the loop's callbacks too, which may still be queued when the checks end.
class HttpChecks::Multi : public std::enable_shared_from_this<Multi> {
 public:
  explicit Multi(EventLoop& loop) : loop_(loop) {
    static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
    static_cast<void>(initialised);
    multi_ = curl_multi_init();
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Multi::on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Multi::on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, 1L);
  }
  ~Multi() { curl_multi_cleanup(multi_); }
  Multi(const Multi&) = delete;
  Multi& operator=(const Multi&) = delete;

  void start(const HttpProbe& probe, Duration timeout, CheckDone done);
  void close();

 private:
  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self, void* data);
  static int on_timer(CURLM* multi, long timeout_ms, void* data);
  void watch(int fd, int what);
  void act(int fd, int events);
  void collect();
  Easy take_easy();

  EventLoop& loop_;
  CURLM* multi_ = nullptr;
  std::unordered_map<int, EventLoop::WatchId> watches_;
  std::optional<EventLoop::TimerId> timer_;
  std::unordered_map<Transfer*, std::unique_ptr<Transfer>> transfers_;
  std::vector<Easy> idle_;
};

Easy HttpChecks::Multi::take_easy() {
  if (idle_.empty()) return Easy(curl_easy_init());
  auto easy = std::move(idle_.back());
  idle_.pop_back();
  return easy;
}

void HttpChecks::Multi::start(const HttpProbe& probe, Duration timeout, CheckDone done) {
  auto transfer = std::make_unique<Transfer>();
  transfer->easy = take_easy();
  transfer->url = url_of(probe);
  transfer->done = std::move(done);
  set_options(*transfer, timeout);
  auto* raw = transfer.get();
  transfers_.emplace(raw, std::move(transfer));
  curl_multi_add_handle(multi_, raw->easy.get());  // asks for a timer, and begins there
}

void HttpChecks::Multi::close() {
  for (const auto& [raw, transfer] : transfers_) curl_multi_remove_handle(multi_, transfer->easy.get());
  transfers_.clear();
  for (const auto& [fd, watch] : watches_) loop_.unwatch(watch);
  watches_.clear();
  if (timer_) loop_.cancel(*timer_);
  timer_.reset();
  // libcurl calls them once more while it closes its connections.
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, nullptr);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, nullptr);
}

int HttpChecks::Multi::on_socket(CURL* /*easy*/, curl_socket_t fd, int what, void* self, void* /*data*/) {
  try {
    static_cast<Multi*>(self)->watch(fd, what);
    return 0;
  } catch (const std::runtime_error&) {
    return -1;  // the transfer ends with an error
  }
}

void HttpChecks::Multi::watch(int fd, int what) {
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

int HttpChecks::Multi::on_timer(CURLM* /*multi*/, long timeout_ms, void* data) {
  auto* self = static_cast<Multi*>(data);
  if (self->timer_) self->loop_.cancel(*self->timer_);
  self->timer_.reset();
  if (timeout_ms < 0) return 0;
  self->timer_ = self->loop_.after(std::chrono::milliseconds{timeout_ms}, [weak = self->weak_from_this()] {
    const auto multi = weak.lock();
    if (!multi) return;
    multi->timer_.reset();
    multi->act(CURL_SOCKET_TIMEOUT, 0);
  });
  return 0;
}

void HttpChecks::Multi::act(int fd, int events) {
  int running = 0;
  curl_multi_socket_action(multi_, fd, events, &running);
  collect();
}

void HttpChecks::Multi::collect() {
  int left = 0;
  while (auto* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    CURL* easy = message->easy_handle;
    Transfer* raw = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &raw);
    auto node = transfers_.extract(raw);
    auto result = result_of(*raw, code);
    curl_multi_remove_handle(multi_, easy);
    if (idle_.size() < kIdleHandles) {
      curl_easy_reset(easy);
      idle_.push_back(std::move(raw->easy));
    }
    const auto done = std::move(raw->done);
    done(std::move(result));
  }
}

HttpChecks::HttpChecks(EventLoop& loop) : loop_(loop) {}

HttpChecks::~HttpChecks() {
  if (multi_) multi_->close();
}

void HttpChecks::start(const HttpProbe& probe, Duration timeout, CheckDone done) {
  if (!multi_) multi_ = std::make_shared<Multi>(loop_);
  multi_->start(probe, timeout, std::move(done));
}

}  // namespace holdfast::health
