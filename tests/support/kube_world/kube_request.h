// Requests to an API server as a proxy sees them, and answers in the server's own words.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace holdfast::test {

struct KubeRequest {
  std::string method{}, target{};  // "GET", "/api/v1/pods?watch=true"
  std::string head{}, body{};      // as they came
  [[nodiscard]] std::string path() const { return target.substr(0, target.find('?')); }
  [[nodiscard]] bool is_watch() const;
  [[nodiscard]] bool is_list() const;  // of a collection, and no watch
};
using KubeMatch = std::function<bool(const KubeRequest&)>;

// Reads one from a connection; nullopt: it ended before.
std::optional<KubeRequest> read_kube_request(int fd);
// The same for the next server: with this token unless it has one, and the last one of its connection.
std::string forwarded(const KubeRequest& request, const std::string& token);

// An answer as the API server gives it when something is wrong: 403, 409, 410, 429, 500, 503...
// More headers: "Retry-After: 1\r\n".
std::string kube_status(int code, const std::string& headers = {});
// The answer to a watch that says so with its first and only event.
std::string kube_watch_error(int code);

}  // namespace holdfast::test
