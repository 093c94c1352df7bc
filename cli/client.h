// Calls the controller's REST API with libcurl.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "cli/address.h"
#include "controller/base/json.h"
#include "controller/base/result.h"

namespace holdfast::cli {

struct ClientOptions {
  Address address;
  std::string token;    // sent as a bearer token unless empty
  std::string ca_file;  // PEM of the authority to trust instead of the system's
};

struct Call {
  std::string method = "GET";
  std::string path;  // "/api/v1/services?x=y", percent-encoded
  std::string body{};
  std::string if_match{};  // an ETag without quotes
  std::string last_event_id{};
  std::chrono::milliseconds timeout{30000};
};

struct Answer {
  long status = 0;
  std::string body{};
  std::string etag{};  // without quotes
  [[nodiscard]] Result<Json> json() const;
};

// Not thread-safe.
class Client {
 public:
  explicit Client(ClientOptions options) : options_(std::move(options)) {}

  // An answer of 4xx or 5xx is an error made of its problem document. kUnavailable when the controller can't
  // be reached, with what to do about it.
  Result<Answer> call(const Call& call) const;
  Result<Json> get(const std::string& path) const;
  // All at once, in the order of the calls.
  std::vector<Result<Answer>> call_all(const std::vector<Call>& calls) const;
  // A text/event-stream, until it ends (success) or breaks. sink gets the text as it comes; false ends it.
  Status stream(const Call& call, const std::function<bool(std::string_view)>& sink) const;
  [[nodiscard]] const Address& address() const { return options_.address; }

 private:
  ClientOptions options_;
};

// "layer file:line" of where a value or a fault comes from.
std::string origin_text(const Json& origin);

}  // namespace holdfast::cli
