// Requests to a running server, by libcurl.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace holdfast::test {

struct HttpAnswer {
  int status = 0;  // 0: none came
  std::string body;
  std::map<std::string, std::string> headers;      // names in lower case
  [[nodiscard]] std::string content_type() const;  // without parameters
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::string body{};
  std::vector<std::string> headers{};  // "Name: value"
  // Told of the body so far whenever more has come; true ends the request (for streams).
  std::function<bool(const std::string&)> enough{};
};

// Thread-safe. Gives up after a minute.
HttpAnswer send(const HttpRequest& request);

}  // namespace holdfast::test
