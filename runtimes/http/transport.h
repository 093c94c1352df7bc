// HTTP to one server: calls that block and streams that are told, all over one libcurl in one thread. What
// the server's answers mean, and how a failure is put into words, is its users' business.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/clock.h"
#include "controller/base/result.h"

namespace holdfast::http_client {

// Where the server answers. A value type. Of a file and a PEM text for the same purpose, the text counts;
// without either: the system's authorities, no certificate of ours.
struct Endpoint {
  std::string socket_path{};  // of a unix socket; empty: over TCP
  std::string base_url{};     // "http://localhost" for a socket, "https://10.0.0.5:6443"
  std::string connect_to{};   // "host:port" in place of the URL's, which TLS then checks the name of
  std::string ca_file{}, cert_file{}, key_file{};
  std::string ca_pem{}, cert_pem{}, key_pem{};
  bool verify_peer = true;  // of TLS
};

struct Request {
  std::string method = "GET";
  std::string target{};                // "/api/v1/pods?limit=5", percent-encoded
  std::string what{};                  // for errors: "listing pods"
  std::string content_type{}, body{};  // the body is never part of an error: it may hold secrets
  std::vector<std::string> headers{};  // "Name: value"
  Duration timeout{};                  // until all of the answer is there; zero: none
  Duration stall{};                    // without a byte of the answer; zero: none
  size_t max_bytes = 16u << 20;        // of an answer; zero: as many as come
};
struct Response {
  long status = 0;
  std::string body{};
  Duration retry_after{};  // RFC 9110, 10.2.3; zero: not told
  std::string content_type{}, etag{};
};
// From 400 on, or a redirection: its body is never told but kept, up to 64 KiB.
bool is_failure(long status);

// Why there is no answer.
struct Fault {
  enum class Kind {
    kNoThread,   // this machine has no descriptors or threads left
    kNoLibrary,  // libcurl can't be loaded
    kUnreachable,
    kTimeout,  // no whole answer, or no byte of one, within `after`
    kCut,      // the connection was closed within the answer
    kNotHttp,
    kTooLarge,  // more than `bytes`
    kClosed,    // by ourselves: the transport is being destroyed
    kStopped,   // the caller's wish
    kMisuse,    // a call from within a handler
    kOther
  };
  Kind kind = Kind::kOther;
  std::string what{};    // of the request
  std::string detail{};  // libcurl's words
  int os_errno = 0;      // of kUnreachable; 0: not known
  Duration after{};
  size_t bytes = 0;
};
using Words = std::function<Error(const Fault& fault)>;  // thread-safe

std::string seconds_of(Duration duration);  // "2.5 s"
// The words for what happens on our own side, and for the rest in general: "listing pods: the connection to
// the API server was cut (...)". kUnavailable, kTimeout, kInternal.
Error plain_words(const Fault& fault, const std::string& server);

// Called one at a time on the transport's thread; must not block, nor end the stream that they belong to.
struct StreamHandlers {
  std::function<void()> on_sent{};                        // connected; the request is on its way
  std::function<void()> on_head{};                        // the answer begins, and is no failure
  std::function<bool(std::string_view bytes)> on_data{};  // false: enough. Empty: the body is collected
  std::function<void(Result<Response> result)> on_end{};  // once, unless the stream was ended before
};

// One request under way. Thread-safe.
class Stream {
 public:
  virtual ~Stream() = default;  // ends it; no handler runs afterwards
};

// Thread-safe. Its thread, and libcurl, begin with the first request. An answer of any status is a result;
// the errors are those that `words` makes of faults.
class Transport {
 public:
  Transport(Endpoint endpoint, Words words, Duration connect_timeout = std::chrono::seconds{5},
            long idle_connections = 8);
  ~Transport();  // streams that are still open end with kClosed; nobody may be waiting in call()
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // Blocks until the answer is there. `sink` gets the body instead, on the transport's thread. `stop` ends it
  // with kStopped. Not from within a handler.
  Result<Response> call(Request request, std::function<bool(std::string_view)> sink = {},
                        const std::stop_token& stop = {});
  // Never blocks, and calls no handler itself; but if no thread can be had, on_end, and there is no stream.
  std::unique_ptr<Stream> open(Request request, StreamHandlers handlers);

  void use(Endpoint endpoint);  // for requests from now on: credentials may have changed

 private:
  class Core;
  class OpenStream;
  std::shared_ptr<Core> core();

  const Words words_;
  const Duration connect_timeout_;
  const long idle_connections_;
  std::mutex mutex_;
  std::shared_ptr<const Endpoint> endpoint_;
  std::shared_ptr<Core> core_;  // streams hold it too
};

}  // namespace holdfast::http_client
