#include "runtimes/docker/engine/transfer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "runtimes/docker/engine/failure.h"

namespace holdfast::docker {

namespace {

using std::chrono::milliseconds;

constexpr size_t kMaxErrorBody = 64u << 10;

long as_ms(Duration duration) {
  return std::max<long>(1, std::chrono::ceil<milliseconds>(duration).count());
}

bool failed(long status) {
  return status >= 400 || (status >= 300 && status != 304);
}

}  // namespace

Transfer::Transfer(const Endpoint& endpoint, Duration connect_timeout, Request request,
                   StreamHandlers handlers)
    : endpoint_(endpoint),
      connect_timeout_(connect_timeout),
      request_(std::move(request)),
      handlers_(std::move(handlers)),
      url_(endpoint.base_url + request_.target),
      error_text_(CURL_ERROR_SIZE, '\0'),
      easy_(curl_easy_init()) {
  if (easy_) set_options();
}

void Transfer::set_options() {
  CURL* easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_URL, url_.c_str());
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);  // a container may be asked for as ".."
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "holdfast");
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, as_ms(connect_timeout_));
  if (request_.timeout > Duration::zero())
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, as_ms(request_.timeout));
  if (!endpoint_.socket_path.empty())
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, endpoint_.socket_path.c_str());
  // A peer that vanished without a word would leave a stream of events open for ever.
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 20L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 5L);
  set_tls();
  set_body();
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text_.data());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, &Transfer::on_connected);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, this);
}

void Transfer::set_tls() {
  CURL* easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, endpoint_.verify_peer ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, endpoint_.verify_peer ? 2L : 0L);
  if (!endpoint_.ca_file.empty() && endpoint_.verify_peer)
    curl_easy_setopt(easy, CURLOPT_CAINFO, endpoint_.ca_file.c_str());
  if (endpoint_.cert_file.empty()) return;
  curl_easy_setopt(easy, CURLOPT_SSLCERT, endpoint_.cert_file.c_str());
  curl_easy_setopt(easy, CURLOPT_SSLKEY, endpoint_.key_file.c_str());
}

void Transfer::set_body() {
  CURL* easy = easy_.get();
  headers_ = curl_slist_append(headers_, "Expect:");
  for (const auto& header : request_.headers) headers_ = curl_slist_append(headers_, header.c_str());
  if (request_.method != "GET") {
    if (!request_.content_type.empty())
      headers_ = curl_slist_append(headers_, ("Content-Type: " + request_.content_type).c_str());
    else
      headers_ = curl_slist_append(headers_, "Content-Type:");
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request_.body.data());
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_);
}

long Transfer::status() const {
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  return status;
}

int Transfer::on_connected(void* self, char* /*ip*/, char* /*local_ip*/, int /*port*/, int /*local_port*/) {
  auto& transfer = *static_cast<Transfer*>(self);
  const bool again = std::exchange(transfer.connected_, true);  // a kept connection may have to be replaced
  const std::lock_guard lock(transfer.mutex_);
  if (!again && !transfer.cancelled_ && transfer.handlers_.on_sent) transfer.handlers_.on_sent();
  return CURL_PREREQFUNC_OK;
}

size_t Transfer::on_header(char* data, size_t size, size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const std::string_view line(data, size * count);
  if (transfer.head_seen_ || (line != "\r\n" && line != "\n") || transfer.status() < 200) return line.size();
  transfer.head_seen_ = true;
  if (transfer.on_progress_) transfer.on_progress_();
  const std::lock_guard lock(transfer.mutex_);
  if (!transfer.cancelled_ && !failed(transfer.status()) && transfer.handlers_.on_head)
    transfer.handlers_.on_head();
  return line.size();
}

size_t Transfer::on_body(char* data, size_t size, size_t count, void* self) {
  const std::string_view bytes(data, size * count);
  return static_cast<Transfer*>(self)->take(bytes) ? bytes.size() : 0;
}

bool Transfer::take(std::string_view bytes) {
  if (on_progress_) on_progress_();
  const std::lock_guard lock(mutex_);
  if (cancelled_) return false;
  received_ += bytes.size();
  if (failed(status())) {
    body_.append(bytes.substr(0, kMaxErrorBody - std::min(kMaxErrorBody, body_.size())));
    return received_ < 16 * kMaxErrorBody;
  }
  if (request_.max_bytes != 0 && received_ > request_.max_bytes) {
    too_large_ = true;
    return false;
  }
  if (!handlers_.on_data) {
    body_.append(bytes);
    return true;
  }
  enough_ = !handlers_.on_data(bytes);
  return !enough_;
}

void Transfer::finish(CURLcode code) {
  end(result_of(code));
}

void Transfer::finish(Error error) {
  end(fail(std::move(error)));
}

void Transfer::end(Result<Response> result) {
  const std::lock_guard lock(mutex_);
  over_ = true;
  if (cancelled_ || !handlers_.on_end) return;
  const auto on_end = std::exchange(handlers_.on_end, nullptr);
  on_end(std::move(result));
}

void Transfer::cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
}

void Transfer::cancel_from_within() {
  cancelled_ = true;  // the only thread on which handlers run
}

Result<Response> Transfer::result_of(CURLcode code) {
  if (!easy_)
    return fail(ErrorCode::kUnavailable, request_.what + ": libcurl can't be loaded", "Install libcurl4");
  const long answer = status();
  if (failed(answer)) return fail(http_error(request_.what, answer, body_));
  if (code != CURLE_OK && !enough_) return fail(error_of(code));
  return Response{answer, std::move(body_)};
}

Error Transfer::error_of(CURLcode code) const {
  const std::string detail = error_text_.front() ? error_text_.c_str() : curl_easy_strerror(code);
  if (too_large_) {
    return {
        ErrorCode::kInternal,
        request_.what + ": the answer is larger than " + std::to_string(request_.max_bytes >> 10) + " KiB",
        {}};
  }
  // A kept connection counts as connected, and libcurl makes a new one when it turns out to be dead.
  if (!connected_ || code == CURLE_COULDNT_CONNECT) {
    long os_errno = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &os_errno);
    return unreachable(endpoint_, static_cast<int>(os_errno), detail);
  }
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return timed_out(request_.what, request_.timeout);
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
      return {
          ErrorCode::kUnavailable, request_.what + ": the connection to Docker was cut (" + detail + ")", {}};
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
      return {ErrorCode::kUnavailable,
              request_.what + ": what answers at " + endpoint_.where + " doesn't speak HTTP (" + detail + ")",
              "Is it a container engine?"};
    default:
      return {ErrorCode::kInternal, request_.what + ": " + detail, {}};
  }
}

}  // namespace holdfast::docker
