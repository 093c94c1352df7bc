#include "runtimes/http/transfer.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <utility>

namespace holdfast::http_client {

namespace {

using std::chrono::milliseconds;

constexpr size_t kMaxErrorBody = 64u << 10;

long as_ms(Duration duration) {
  return std::max<long>(1, std::chrono::ceil<milliseconds>(duration).count());
}

// Names, connections and handshakes: what comes before a request.
bool is_of_connecting(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_PEER_FAILED_VERIFICATION:
      return true;
    default:
      return false;
  }
}

// Borrowed: the endpoint outlives the handle.
void set_pem(CURL* easy, CURLoption option, const std::string& pem) {
  curl_blob blob{const_cast<char*>(pem.data()), pem.size(), CURL_BLOB_NOCOPY};
  curl_easy_setopt(easy, option, &blob);
}

// `name` in lower case, with its colon.
std::optional<std::string> value_of_header(std::string_view line, std::string_view name) {
  const bool named = line.size() > name.size() &&
                     std::equal(name.begin(), name.end(), line.begin(), [](char expected, char given) {
                       return expected == std::tolower(static_cast<unsigned char>(given));
                     });
  if (!named) return std::nullopt;
  constexpr std::string_view kBlanks = " \t\r\n";
  const auto first = line.find_first_not_of(kBlanks, name.size());
  if (first == std::string_view::npos) return std::string();
  return std::string(line.substr(first, line.find_last_not_of(kBlanks) - first + 1));
}

}  // namespace

bool is_failure(long status) {
  return status >= 400 || (status >= 300 && status != 304);
}

Transfer::Transfer(std::shared_ptr<const Endpoint> endpoint, Words words, Duration connect_timeout,
                   Request request, StreamHandlers handlers)
    : endpoint_(std::move(endpoint)),
      words_(std::move(words)),
      connect_timeout_(connect_timeout),
      request_(std::move(request)),
      handlers_(std::move(handlers)),
      url_(endpoint_->base_url + request_.target),
      error_text_(CURL_ERROR_SIZE, '\0'),
      easy_(curl_easy_init()) {
  if (easy_) set_options();
}

Transfer::~Transfer() {
  curl_slist_free_all(headers_);
  curl_slist_free_all(connect_to_);
}

void Transfer::set_options() {
  CURL* easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_URL, url_.c_str());
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);  // a name may be ".."
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "holdfast");
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, as_ms(connect_timeout_));
  if (request_.timeout > Duration::zero())
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, as_ms(request_.timeout));
  if (!endpoint_->socket_path.empty())
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, endpoint_->socket_path.c_str());
  if (!endpoint_->connect_to.empty()) {
    connect_to_ = curl_slist_append(nullptr, ("::" + endpoint_->connect_to).c_str());
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, connect_to_);
  }
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
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, endpoint_->verify_peer ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, endpoint_->verify_peer ? 2L : 0L);
  if (endpoint_->verify_peer) {
    if (!endpoint_->ca_pem.empty())
      set_pem(easy, CURLOPT_CAINFO_BLOB, endpoint_->ca_pem);
    else if (!endpoint_->ca_file.empty())
      curl_easy_setopt(easy, CURLOPT_CAINFO, endpoint_->ca_file.c_str());
  }
  if (!endpoint_->cert_pem.empty())
    set_pem(easy, CURLOPT_SSLCERT_BLOB, endpoint_->cert_pem);
  else if (!endpoint_->cert_file.empty())
    curl_easy_setopt(easy, CURLOPT_SSLCERT, endpoint_->cert_file.c_str());
  if (!endpoint_->key_pem.empty())
    set_pem(easy, CURLOPT_SSLKEY_BLOB, endpoint_->key_pem);
  else if (!endpoint_->key_file.empty())
    curl_easy_setopt(easy, CURLOPT_SSLKEY, endpoint_->key_file.c_str());
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
  if (const auto etag = value_of_header(line, "etag:")) transfer.etag_ = *etag;
  if (transfer.head_seen_ || (line != "\r\n" && line != "\n") || transfer.status() < 200) return line.size();
  transfer.head_seen_ = true;
  if (transfer.on_progress_) transfer.on_progress_();
  const std::lock_guard lock(transfer.mutex_);
  if (!transfer.cancelled_ && !is_failure(transfer.status()) && transfer.handlers_.on_head)
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
  if (is_failure(status())) {
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

void Transfer::finish(Fault fault) {
  fault.what = request_.what;
  end(fail(words_(fault)));
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
  if (!easy_) return fail(words_({.kind = Fault::Kind::kNoLibrary, .what = request_.what}));
  const long answer = status();
  if (!is_failure(answer) && code != CURLE_OK && !enough_) return fail(words_(fault_of(code)));
  curl_off_t retry_after = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &retry_after);
  const char* type = nullptr;
  curl_easy_getinfo(easy_.get(), CURLINFO_CONTENT_TYPE, &type);
  return Response{answer, std::move(body_), std::chrono::seconds{retry_after}, type ? type : "",
                  std::move(etag_)};
}

Fault Transfer::fault_of(CURLcode code) const {
  Fault fault{.what = request_.what,
              .detail = error_text_.front() ? error_text_.c_str() : curl_easy_strerror(code)};
  if (too_large_) {
    fault.kind = Fault::Kind::kTooLarge;
    fault.bytes = request_.max_bytes;
    return fault;
  }
  // A kept connection counts as connected, and libcurl makes a new one when it turns out to be dead.
  if (!connected_ || is_of_connecting(code)) {
    long os_errno = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &os_errno);
    fault.kind = Fault::Kind::kUnreachable;
    fault.os_errno = static_cast<int>(os_errno);
    return fault;
  }
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      fault.kind = Fault::Kind::kTimeout;
      fault.after = request_.timeout;
      break;
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
      fault.kind = Fault::Kind::kCut;
      break;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
      fault.kind = Fault::Kind::kNotHttp;
      break;
    default:
      break;
  }
  return fault;
}

}  // namespace holdfast::http_client
