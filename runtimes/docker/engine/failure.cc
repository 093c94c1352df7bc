#include "runtimes/docker/engine/failure.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <vector>

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "controller/base/json.h"
#include "controller/base/unique_fd.h"
#include "runtimes/docker/client/client.h"

namespace holdfast::docker {

namespace {

constexpr size_t kMaxWords = 512;

// What connecting to the socket says; 0: it works now.
int try_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return ENAMETOOLONG;
  std::memcpy(address.sun_path, path.data(), path.size());
  const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno;
  return connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

std::string user_name(uid_t uid) {
  std::vector<char> buffer(16384);
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found) return found->pw_name;
  return std::to_string(uid);
}

std::string group_name(gid_t gid) {
  std::vector<char> buffer(65536);
  group entry{};
  group* found = nullptr;
  if (getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found) == 0 && found) return found->gr_name;
  return std::to_string(gid);
}

Error forbidden(const std::string& path) {
  const auto user = user_name(geteuid());
  struct stat status{};
  const bool known = stat(path.c_str(), &status) == 0;
  const auto group = known ? group_name(status.st_gid) : std::string("docker");
  return {ErrorCode::kPermission,
          "user '" + user + "' may not use Docker's socket " + path +
              (known ? " (group '" + group + "')" : std::string()),
          "Add the user to the group (usermod -aG " + group + " " + user +
              ", then log in again), or use a rootless engine with DOCKER_HOST=unix:///run/user/" +
              std::to_string(geteuid()) + "/docker.sock"};
}

// One line of the engine's, without what a terminal would take for commands.
std::string words_of(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kMaxWords)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7f ? ' ' : c;
  }
  while (!out.empty() && (out.back() == ' ' || out.back() == '.')) out.pop_back();
  return out;
}

ErrorCode code_of(long status) {
  switch (status) {
    case 400:
    case 422:
      return ErrorCode::kInvalid;
    case 401:
    case 403:
      return ErrorCode::kPermission;
    case 404:
      return ErrorCode::kNotFound;
    case 409:
      return ErrorCode::kConflict;
    default:
      return ErrorCode::kInternal;
  }
}

}  // namespace

Error unreachable(const Endpoint& endpoint, int os_errno, const std::string& detail) {
  const bool socket = !endpoint.socket_path.empty();
  if (socket && os_errno == 0) os_errno = try_socket(endpoint.socket_path);
  if (socket && (os_errno == EACCES || os_errno == EPERM)) return forbidden(endpoint.socket_path);
  const auto why = socket && os_errno != 0 ? std::generic_category().message(os_errno) : detail;
  return {ErrorCode::kUnavailable, "Docker can't be reached at " + endpoint.where + ": " + words_of(why),
          endpoint.ca_file.empty() && endpoint.base_url.starts_with("http:")
              ? "Is the engine running, and is DOCKER_HOST what it should be?"
              : "Is the engine running, and do DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH fit it?"};
}

Error error_of(const Endpoint& endpoint, const http_client::Fault& fault) {
  using Kind = http_client::Fault::Kind;
  if (fault.kind == Kind::kUnreachable) return unreachable(endpoint, fault.os_errno, fault.detail);
  if (fault.kind == Kind::kNotHttp) {
    return {ErrorCode::kUnavailable,
            fault.what + ": what answers at " + endpoint.where + " doesn't speak HTTP (" + fault.detail + ")",
            "Is it a container engine?"};
  }
  return http_client::plain_words(fault, "Docker");
}

Error timed_out(const std::string& what, Duration after) {
  return {ErrorCode::kTimeout, what + ": no answer from Docker within " + seconds_of(after), {}};
}

Error http_error(const std::string& what, long status, std::string_view body) {
  std::string words;
  if (const auto json = parse_json(body)) words = words_of(json->at("message").as_string());
  if (words.empty()) words = words_of(body);
  if (words.empty()) words = "status " + std::to_string(status);
  auto code = code_of(status);
  // Podman's word for what Docker calls a conflict: the container runs, or doesn't.
  if (status == 500 && mentions(body, "container state improper")) code = ErrorCode::kConflict;
  if (status >= 500 && tells_of_shutdown(words))
    return {ErrorCode::kUnavailable, what + ": the engine is shutting down (" + words + ")",
            "it goes on when the engine is back"};
  return {code, what + ": " + words, {}};
}

bool mentions(std::string_view message, std::string_view text) {
  const auto same = [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); };
  return std::search(message.begin(), message.end(), text.begin(), text.end(), same) != message.end();
}

bool mentions(const Error& error, std::string_view text) {
  return mentions(error.message, text);
}

}  // namespace holdfast::docker
