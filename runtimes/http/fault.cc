#include "runtimes/http/transport.h"

namespace holdfast::http_client {

std::string seconds_of(Duration duration) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  auto seconds = std::to_string(ms / 1000);
  if (ms % 1000 != 0) seconds += "." + std::to_string(ms % 1000 / 100);
  return seconds + " s";
}

Error plain_words(const Fault& fault, const std::string& server) {
  using Kind = Fault::Kind;
  const auto& what = fault.what;
  switch (fault.kind) {
    case Kind::kNoThread:
      return {ErrorCode::kUnavailable,
              what + ": this machine has no descriptors or threads left to ask " + server,
              {}};
    case Kind::kNoLibrary:
      return {ErrorCode::kUnavailable, what + ": libcurl can't be loaded", "Install libcurl4"};
    case Kind::kUnreachable:
      return {ErrorCode::kUnavailable, what + ": " + server + " can't be reached: " + fault.detail, {}};
    case Kind::kTimeout:
      return {ErrorCode::kTimeout,
              what + ": no answer from " + server + " within " + seconds_of(fault.after),
              {}};
    case Kind::kCut:
      return {ErrorCode::kUnavailable,
              what + ": the connection to " + server + " was cut (" + fault.detail + ")",
              {}};
    case Kind::kNotHttp:
      return {
          ErrorCode::kUnavailable, what + ": " + server + " doesn't speak HTTP (" + fault.detail + ")", {}};
    case Kind::kTooLarge:
      return {ErrorCode::kInternal,
              what + ": the answer is larger than " + std::to_string(fault.bytes >> 10) + " KiB",
              {}};
    case Kind::kClosed:
      return {ErrorCode::kUnavailable, what + ": the client is being closed", {}};
    case Kind::kStopped:
      return {ErrorCode::kUnavailable, what + ": stopped", {}};
    case Kind::kMisuse:
      return {ErrorCode::kInternal, what + ": asked for from within a callback of the client's", {}};
    case Kind::kOther:
      break;
  }
  return {ErrorCode::kInternal, what + ": " + fault.detail, {}};
}

}  // namespace holdfast::http_client
