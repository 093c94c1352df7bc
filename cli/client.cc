#include "cli/client.h"

#include <algorithm>
#include <memory>

#include <curl/curl.h>

#include "controller/base/clock.h"

namespace holdfast::cli {
namespace {

constexpr size_t kMaxAnswer = 256u << 20;  // bytes: logs may be long, memory isn't endless
constexpr long kConnectMs = 5000;
constexpr long kParallel = 64;
constexpr int kPollMs = 1000;

struct CurlFree {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct MultiFree {
  void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
};
using Easy = std::unique_ptr<CURL, CurlFree>;
using Headers = std::unique_ptr<curl_slist, CurlFree>;

void initialise_once() {
  static const bool done = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  static_cast<void>(done);
}

Error error_of(const Answer& answer);

// One request on its way. Stays where it is: libcurl has its address.
struct Transfer {
  Transfer(const ClientOptions& options, const Call& call);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  void add_header(const std::string& line) {
    headers.reset(curl_slist_append(headers.release(), line.c_str()));
  }
  Result<Answer> finish(CURLcode code, const ClientOptions& options);

  Easy handle;
  Headers headers;
  Answer answer;
  const std::function<bool(std::string_view)>* sink = nullptr;  // of a stream
  bool sink_ended = false, too_long = false;
  MonoTime heard{};  // when a stream last said something
  char message[CURL_ERROR_SIZE] = {};
};

size_t take_body(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const size_t bytes = size * count;
  long status = 0;
  curl_easy_getinfo(transfer.handle.get(), CURLINFO_RESPONSE_CODE, &status);
  if (transfer.sink && status == 200) {
    transfer.heard = SystemClock().now();
    if ((*transfer.sink)({data, bytes})) return bytes;
    transfer.sink_ended = true;
    return 0;
  }
  if (transfer.answer.body.size() + bytes > kMaxAnswer) {
    transfer.too_long = true;
    return 0;
  }
  transfer.answer.body.append(data, bytes);
  return bytes;
}

// The server's heartbeats come every 15 s: a stream that says nothing for a minute is dead.
int check_silence(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& transfer = *static_cast<Transfer*>(user);
  return SystemClock().now() - transfer.heard > std::chrono::seconds{60} ? 1 : 0;
}

size_t take_header(char* data, size_t size, size_t count, void* user) {
  constexpr std::string_view kEtag = "etag:";
  std::string_view line(data, size * count);
  if (line.size() > kEtag.size() && std::equal(kEtag.begin(), kEtag.end(), line.begin(), [](char a, char b) {
        return a == std::tolower(static_cast<unsigned char>(b));
      })) {
    const auto first = line.find('"'), last = line.rfind('"');
    if (first != last) static_cast<Transfer*>(user)->answer.etag = line.substr(first + 1, last - first - 1);
  }
  return size * count;
}

Transfer::Transfer(const ClientOptions& options, const Call& call) : handle(curl_easy_init()) {
  CURL* curl = handle.get();
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_URL, (options.address.base_url + call.path).c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  // A controller that follows may send to the one that leads: the same request, with the same credentials.
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 2L);
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_UNRESTRICTED_AUTH, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(call.timeout.count()));
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(curl, CURLOPT_PRIVATE, this);
  if (options.address.local) curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  if (!options.address.unix_socket.empty()) {
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, options.address.unix_socket.c_str());
  }
  if (!options.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, options.ca_file.c_str());
  add_header("Expect:");  // no wait for 100-continue
  if (!options.token.empty()) add_header("Authorization: Bearer " + options.token);
  if (!call.if_match.empty()) add_header("If-Match: \"" + call.if_match + "\"");
  if (!call.last_event_id.empty()) add_header("Last-Event-ID: " + call.last_event_id);
  if (call.method != "GET") {
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call.method.c_str());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
    curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, call.body.c_str());
    add_header("Content-Type: application/json");
  }
}

Error unreachable(const ClientOptions& options, CURLcode code, const std::string& message) {
  Error error{
      ErrorCode::kUnavailable, "cannot reach the controller at " + options.address.shown + ": " + message,
      "is it running? Start it with 'holdfast serve --config FILE', or name another one with --server or "
      "HOLDFAST_SERVER"};
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
      error.hint = "give the certificate of the authority that signed the controller's with --ca-file";
      break;
    case CURLE_SSL_CACERT_BADFILE:
      error.hint = "--ca-file has to be a readable PEM file";
      break;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
      error.hint = "does the controller use TLS? Write --server with https:// exactly if it does";
      break;
    case CURLE_ABORTED_BY_CALLBACK:
      error.message += " (nothing was heard for a minute)";
      break;
    case CURLE_OPERATION_TIMEDOUT:
      error.code = ErrorCode::kTimeout;
      error.hint = "the controller is there or on its way, but did not answer in time: try again";
      break;
    default:
      break;
  }
  return error;
}

Result<Answer> Transfer::finish(CURLcode code, const ClientOptions& options) {
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  if (too_long) {
    return fail(ErrorCode::kInvalid, "the answer is longer than 256 MiB",
                "ask for less, for example with --tail");
  }
  if (code != CURLE_OK && !sink_ended) {
    return fail(unreachable(options, code, *message ? message : curl_easy_strerror(code)));
  }
  if (answer.status >= 400) return fail(error_of(answer));
  if (answer.status >= 300) {
    return fail(ErrorCode::kUnavailable,
                options.address.shown + " answered with status " + std::to_string(answer.status),
                "is this a holdfast controller? Check --server");
  }
  return std::move(answer);
}

ErrorCode code_of(long status) {
  switch (status) {
    case 401:
    case 403:
      return ErrorCode::kPermission;
    case 404:
      return ErrorCode::kNotFound;
    case 409:
    case 412:
      return ErrorCode::kConflict;
    case 504:
      return ErrorCode::kTimeout;
    case 429:
    case 503:
      return ErrorCode::kUnavailable;
    default:
      return status < 500 ? ErrorCode::kInvalid : ErrorCode::kInternal;
  }
}

// Of an answer of /readyz, which is no problem document.
std::string failed_checks(const Json& report) {
  std::string text;
  for (const auto& [name, check] : report.at("checks").members()) {
    if (check.as_string() != "ok")
      text += (text.empty() ? "not ready: " : "; ") + name + ": " + check.as_string();
  }
  return text;
}

Error error_of(const Answer& answer) {
  Error error{code_of(answer.status), "", ""};
  const auto problem = parse_json(answer.body);
  if (problem && problem->is_object()) {
    error.message = problem->at("detail").as_string();
    if (error.message.empty()) error.message = problem->at("title").as_string();
    if (error.message.empty()) error.message = failed_checks(*problem);
    error.hint = problem->at("hint").as_string();
    for (const auto& item : problem->at("errors").items()) {
      error.details.push_back(
          {item.at("path").as_string(), item.at("message").as_string(), origin_text(item.at("origin"))});
    }
  }
  if (error.message.empty())
    error.message = "the controller answered with status " + std::to_string(answer.status);
  if (answer.status == 401) error.hint = "give a token with --token-file or HOLDFAST_TOKEN";
  return error;
}

}  // namespace

Result<Json> Answer::json() const {
  JsonLimits limits;
  limits.max_bytes = kMaxAnswer;
  auto parsed = parse_json(body, limits);
  if (!parsed) {
    return fail(ErrorCode::kUnavailable, "the answer is not JSON: " + parsed.error().message,
                "is this a holdfast controller? Check --server");
  }
  return parsed;
}

Result<Answer> Client::call(const Call& call) const {
  initialise_once();
  Transfer transfer(options_, call);
  curl_easy_setopt(transfer.handle.get(), CURLOPT_HTTPHEADER, transfer.headers.get());
  return transfer.finish(curl_easy_perform(transfer.handle.get()), options_);
}

Result<Json> Client::get(const std::string& path) const {
  auto answer = call({.path = path});
  if (!answer) return fail(std::move(answer.error()));
  return answer->json();
}

std::vector<Result<Answer>> Client::call_all(const std::vector<Call>& calls) const {
  initialise_once();
  std::unique_ptr<CURLM, MultiFree> multi(curl_multi_init());
  curl_multi_setopt(multi.get(), CURLMOPT_MAX_TOTAL_CONNECTIONS, kParallel);
  std::vector<std::unique_ptr<Transfer>> transfers;
  std::vector<Result<Answer>> results(calls.size());
  for (const auto& call : calls) {
    auto& transfer = *transfers.emplace_back(std::make_unique<Transfer>(options_, call));
    curl_easy_setopt(transfer.handle.get(), CURLOPT_HTTPHEADER, transfer.headers.get());
    curl_multi_add_handle(multi.get(), transfer.handle.get());
  }
  for (int running = 1; running > 0;) {
    if (curl_multi_perform(multi.get(), &running) != CURLM_OK) break;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      for (size_t i = 0; i < transfers.size(); ++i) {
        if (transfers[i]->handle.get() != message->easy_handle) continue;
        results[i] = transfers[i]->finish(message->data.result, options_);
      }
    }
    if (running > 0) curl_multi_poll(multi.get(), nullptr, 0, kPollMs, nullptr);
  }
  for (const auto& transfer : transfers) curl_multi_remove_handle(multi.get(), transfer->handle.get());
  return results;
}

Status Client::stream(const Call& call, const std::function<bool(std::string_view)>& sink) const {
  initialise_once();
  Transfer transfer(options_, call);
  transfer.sink = &sink;
  transfer.add_header("Accept: text/event-stream");
  CURL* curl = transfer.handle.get();
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, transfer.headers.get());
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 0L);
  transfer.heard = SystemClock().now();
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, check_silence);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  auto result = transfer.finish(curl_easy_perform(curl), options_);
  if (!result) return fail(std::move(result.error()));
  return {};
}

std::string origin_text(const Json& origin) {
  if (origin.is_string()) return origin.as_string();
  auto text = origin.at("layer").as_string();
  if (origin.at("file").is_string()) text += " " + origin.at("file").as_string();
  if (origin.at("line").is_int()) text += ":" + std::to_string(origin.at("line").as_int());
  return text;
}

}  // namespace holdfast::cli
