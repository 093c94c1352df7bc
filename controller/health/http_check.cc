#include "controller/health/http_check.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <curl/curl.h>

#include "controller/base/curl_multi.h"

namespace holdfast::health {

namespace {

constexpr size_t kMaxBody = 16 << 10;
constexpr size_t kIdleHandles = 4;

struct Transfer {
  CurlEasy easy;
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

// For the loop's thread only; made with the first check.
class HttpChecks::Multi {
 public:
  explicit Multi(EventLoop& loop) : multi_(loop, 1) {}

  void start(const HttpProbe& probe, Duration timeout, CheckDone done);

 private:
  CurlEasy take_easy();
  void finish(Transfer* raw, CURLcode code);

  std::unordered_map<Transfer*, std::unique_ptr<Transfer>> transfers_;
  std::vector<CurlEasy> idle_;
  CurlMulti multi_;  // ends before the handles that it borrows
};

CurlEasy HttpChecks::Multi::take_easy() {
  if (idle_.empty()) return CurlEasy(curl_easy_init());
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
  multi_.add(raw->easy.get(), [this, raw](CURLcode code) { finish(raw, code); });
}

void HttpChecks::Multi::finish(Transfer* raw, CURLcode code) {
  const auto node = transfers_.extract(raw);
  auto result = result_of(*raw, code);
  if (idle_.size() < kIdleHandles) {
    curl_easy_reset(raw->easy.get());
    idle_.push_back(std::move(raw->easy));
  }
  const auto done = std::move(raw->done);
  done(std::move(result));  // the last step: it may destroy this
}

HttpChecks::HttpChecks(EventLoop& loop) : loop_(loop) {}

HttpChecks::~HttpChecks() = default;

void HttpChecks::start(const HttpProbe& probe, Duration timeout, CheckDone done) {
  if (!multi_) multi_ = std::make_unique<Multi>(loop_);
  multi_->start(probe, timeout, std::move(done));
}

}  // namespace holdfast::health
