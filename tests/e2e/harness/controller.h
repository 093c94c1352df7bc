// Drives the real `holdfast` program from a test: its own state dir, an API on a unix socket, requests, and
// signals.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <signal.h>
#include <sys/types.h>

#include "controller/base/json.h"
#include "tests/support/program.h"
#include "tests/support/support.h"

namespace holdfast::test {

struct Answer {
  int status = 0;  // 0: no answer (connection refused, cut)
  std::string text;
  Json json;                                   // null when the body is no JSON
  std::map<std::string, std::string> headers;  // names in lower case
};

// Where requests go.
struct Target {
  std::string url = "http://localhost";
  std::string socket{};   // of a unix listener; empty: url's own host and port
  std::string ca_file{};  // to trust, for https
};
Answer http_request(const Target& target, const std::string& method, const std::string& path,
                    const std::string& body = {}, const std::vector<std::string>& headers = {},
                    long timeout_ms = 60'000);

// How a controller is run; what isn't set is the harness' own choice.
struct ControllerSetup {
  std::map<std::string, std::string> env{};
  std::string program{};                // default: of this build
  std::vector<std::string> launcher{};  // what runs the program, which must become it: {"setpriv", ...}
  std::string listen{};                 // default: a unix socket. With port 0 the target's port is found out
  std::string ca_file{};                // to trust; the controller's configuration has TLS
};

// Not thread-safe, but for request(), which any thread may call. The destructor stops the controller and
// every service.
class Controller {
 public:
  explicit Controller(const std::string& config_yaml, ControllerSetup setup = {});
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  // The command line of `serve`.
  [[nodiscard]] std::vector<std::string> serve_command(const std::vector<std::string>& more_args = {}) const;
  [[nodiscard]] std::map<std::string, std::string> environment() const;  // added to the test's own
  void start(const std::vector<std::string>& more_args =
                 {});   // waits for readyz; fails the test with its output otherwise
  void kill9();         // and reaps
  int end(int signal);  // the exit status
  int terminate() { return end(SIGTERM); }
  [[nodiscard]] pid_t pid() const { return pid_; }
  void write_config(const std::string& yaml) const;  // replaces the base file by rename

  Answer request(const std::string& method, const std::string& path, const std::string& body = {},
                 const std::vector<std::string>& headers = {}, long timeout_ms = 60'000) const;
  Answer get(const std::string& path) const { return request("GET", path); }
  Answer post(const std::string& path, const std::string& body = {}) const {
    return request("POST", path, body);
  }
  [[nodiscard]] std::string metrics() const;  // the text of /metrics
  // `holdfast` against this one.
  [[nodiscard]] Finished cli(const std::vector<std::string>& arguments,
                             const std::map<std::string, std::string>& env = {}) const;
  [[nodiscard]] const Target& target() const { return target_; }
  ControllerSetup& setup() { return setup_; }  // for the next start
  [[nodiscard]] Json service(const std::string& name) const { return get("/api/v1/services/" + name).json; }
  // Waits until the named service's JSON satisfies the condition; the last JSON either way.
  std::optional<Json> wait_service(const std::string& name,
                                   const std::function<bool(const Json&)>& condition) const;

  [[nodiscard]] const TempDir& dir() const { return dir_; }
  [[nodiscard]] std::string state_dir() const { return dir_ / "state"; }
  [[nodiscard]] std::string socket() const { return dir_ / "api.sock"; }
  [[nodiscard]] std::string log() const;  // what the controllers wrote to stderr so far
  // Pids of live processes that carry this controller's mark in their environment, shims left out.
  [[nodiscard]] std::vector<pid_t> marked_processes() const;
  [[nodiscard]] const std::string& mark() const { return mark_; }

 private:
  bool find_target(size_t log_before);

  TempDir dir_;
  ControllerSetup setup_;
  Target target_;
  std::string mark_;
  pid_t pid_ = -1;
};

std::string binary(const std::string& name);  // of this build: "holdfast"

}  // namespace holdfast::test
