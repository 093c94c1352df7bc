#include "tests/support/kube_world/kube_request.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <vector>

#include <strings.h>
#include <sys/socket.h>

namespace holdfast::test {

namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";

// The header with its line's end; empty: there is none.
std::string header_line(const std::string& head, const std::string& name) {
  for (size_t at = head.find("\r\n"); at != std::string::npos && at + 2 < head.size();
       at = head.find("\r\n", at)) {
    at += 2;
    if (strncasecmp(head.c_str() + at, (name + ":").c_str(), name.size() + 1) == 0)
      return head.substr(at, head.find("\r\n", at) + 2 - at);
  }
  return {};
}

void remove_header(std::string& head, const std::string& name) {
  const auto line = header_line(head, name);
  if (!line.empty()) head.erase(head.find("\r\n" + line) + 2, line.size());
}

bool receive_until(int fd, std::string& text, const std::function<bool()>& complete) {
  std::array<char, 16384> buffer{};
  while (!complete()) {
    const ssize_t n = recv(fd, buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.append(buffer.data(), static_cast<size_t>(n));
  }
  return true;
}

std::string response(int code, const std::string& headers, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(code) + " Injected\r\nContent-Type: application/json\r\n" + headers +
         "Connection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// https://github.com/kubernetes/apimachinery/blob/v0.20.2/pkg/apis/meta/v1/types.go
std::string status_object(int code) {
  static const std::map<int, std::string> kReasons = {{400, "BadRequest"},    {401, "Unauthorized"},
                                                      {403, "Forbidden"},     {404, "NotFound"},
                                                      {409, "Conflict"},      {410, "Expired"},
                                                      {422, "Invalid"},       {429, "TooManyRequests"},
                                                      {500, "InternalError"}, {503, "ServiceUnavailable"},
                                                      {504, "Timeout"}};
  const auto reason = kReasons.find(code);
  return R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"injected by a test",)"
         R"("reason":")" +
         (reason == kReasons.end() ? std::string() : reason->second) + R"(","code":)" + std::to_string(code) +
         "}";
}

}  // namespace

bool KubeRequest::is_watch() const {
  const auto query = "&" + target.substr(std::min(target.size(), target.find('?') + 1)) + "&";
  return target.find('?') != std::string::npos &&
         (query.find("&watch=true&") != std::string::npos || query.find("&watch=1&") != std::string::npos);
}

// /api/v1/RESOURCE or /apis/GROUP/VERSION/RESOURCE, where namespaces/NAME/ may come before RESOURCE
bool KubeRequest::is_list() const {
  std::vector<std::string> words;
  std::istringstream stream(path());
  for (std::string word; std::getline(stream, word, '/');) {
    if (!word.empty()) words.push_back(word);
  }
  if (method != "GET" || is_watch() || words.empty()) return false;
  const size_t version = words[0] == "api" ? 2 : 3;
  const bool namespaced = words.size() > version + 2 && words[version] == "namespaces";
  return words.size() == version + (namespaced ? 3 : 1);
}

std::optional<KubeRequest> read_kube_request(int fd) {
  KubeRequest request;
  std::string text;
  if (!receive_until(fd, text, [&] { return text.find(kHeadEnd) != std::string::npos; })) return std::nullopt;
  const auto end = text.find(kHeadEnd) + kHeadEnd.size();
  request.head = text.substr(0, end);
  text.erase(0, end);
  const auto length = header_line(request.head, "Content-Length");
  const size_t bytes = length.empty() ? 0 : std::strtoull(length.c_str() + length.find(':') + 1, nullptr, 10);
  if (!receive_until(fd, text, [&] { return text.size() >= bytes; })) return std::nullopt;
  request.body = text.substr(0, bytes);
  std::istringstream(request.head) >> request.method >> request.target;
  return request;
}

std::string forwarded(const KubeRequest& request, const std::string& token) {
  auto head = request.head;
  remove_header(head, "Connection");
  std::string more = "Connection: close\r\n";
  if (header_line(head, "Authorization").empty() && !token.empty())
    more += "Authorization: Bearer " + token + "\r\n";
  head.insert(head.size() - 2, more);
  return head + request.body;
}

std::string kube_status(int code, const std::string& headers) {
  return response(code, headers, status_object(code));
}

std::string kube_watch_error(int code) {
  return response(200, {}, R"({"type":"ERROR","object":)" + status_object(code) + "}\n");
}

}  // namespace holdfast::test
