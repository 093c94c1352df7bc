#include "tests/e2e/harness/controller.h"

#include <filesystem>
#include <fstream>

#include <curl/curl.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "controller/base/unique_fd.h"

namespace holdfast::test {

namespace {

size_t append_body(char* data, size_t, size_t n, void* out) {
  static_cast<std::string*>(out)->append(data, n);
  return n;
}

size_t append_header(char* data, size_t, size_t n, void* out) {
  const std::string line(data, n);
  const auto colon = line.find(": ");
  if (colon != std::string::npos) {
    auto name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    (*static_cast<std::map<std::string, std::string>*>(out))[name] =
        line.substr(colon + 2, line.size() - colon - 4);
  }
  return n;
}

std::string read_proc(pid_t pid, const char* file) {
  std::ifstream stream("/proc/" + std::to_string(pid) + "/" + file, std::ios::binary);
  try {
    return {std::istreambuf_iterator<char>(stream), {}};
  } catch (const std::ios_base::failure&) {
    return {};  // it ended after the file was opened
  }
}

// This process and those that only wait to be reaped are left out.
std::vector<pid_t> live_processes(const std::function<bool(pid_t)>& wanted) {
  std::vector<pid_t> pids;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    if (pid <= 0 || pid == getpid() || !wanted(pid)) continue;
    if (read_proc(pid, "stat").find(") Z ") == std::string::npos) pids.push_back(pid);
  }
  return pids;
}

}  // namespace

Answer http_request(const Target& target, const std::string& method, const std::string& path,
                    const std::string& body, const std::vector<std::string>& headers, long timeout_ms) {
  Answer answer;
  CURL* curl = curl_easy_init();
  curl_slist* list = curl_slist_append(nullptr, "Expect:");
  const bool typed = std::any_of(headers.begin(), headers.end(),
                                 [](const auto& header) { return header.starts_with("Content-Type:"); });
  if (!typed) list = curl_slist_append(list, "Content-Type: application/json");
  for (const auto& header : headers) list = curl_slist_append(list, header.c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  if (!target.socket.empty()) curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, target.socket.c_str());
  if (!target.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, target.ca_file.c_str());
  curl_easy_setopt(curl, CURLOPT_URL, (target.url + path).c_str());
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.text);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, append_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer.headers);
  if (method != "GET") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  }
  const auto outcome = curl_easy_perform(curl);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  // A server that refuses a body may answer and close before it was sent: that is an answer.
  if (outcome == CURLE_OK || outcome == CURLE_SEND_ERROR) {
    answer.status = static_cast<int>(status);
    if (auto json = parse_json(answer.text)) answer.json = std::move(*json);
  }
  curl_slist_free_all(list);
  curl_easy_cleanup(curl);
  return answer;
}

std::string binary(const std::string& name) {
  return std::string(HOLDFAST_BINARY_DIR) + "/bin/" + name;
}

Controller::Controller(const std::string& config_yaml, ControllerSetup setup) : setup_(std::move(setup)) {
  static std::atomic<int> count{0};
  mark_ = "E2E_TEST_MARK=" + std::to_string(getpid()) + "-" + std::to_string(++count);
  write_config(config_yaml);
}

Controller::~Controller() {
  if (pid_ > 0) kill9();
  // The services outlive the controller by design; this test's ones must not.
  wait_until([&] {
    const auto left = live_processes([&](pid_t pid) {
      const auto command = read_proc(pid, "cmdline");
      return read_proc(pid, "environ").find(mark_) != std::string::npos ||
             (command.find("holdfast-shim") != std::string::npos &&
              command.find(dir_.path()) != std::string::npos);
    });
    for (const pid_t pid : left) kill(pid, SIGKILL);
    return left.empty();
  });
}

void Controller::write_config(const std::string& yaml) const {
  const auto written = write_file_atomically(dir_ / "config.yaml", yaml);
  ASSERT_TRUE(written) << written.error().message;
}

std::vector<std::string> Controller::serve_command(const std::vector<std::string>& more_args) const {
  std::vector<std::string> argv = {setup_.program.empty() ? binary("holdfast") : setup_.program,
                                   "serve",
                                   "--config",
                                   dir_ / "config.yaml",
                                   "--state-dir",
                                   state_dir(),
                                   "--listen",
                                   setup_.listen.empty() ? "unix:" + socket() : setup_.listen,
                                   "--metrics-listen",
                                   "unix:" + (dir_ / "metrics.sock")};
  argv.insert(argv.begin(), setup_.launcher.begin(), setup_.launcher.end());
  argv.insert(argv.end(), more_args.begin(), more_args.end());
  return argv;
}

std::map<std::string, std::string> Controller::environment() const {
  auto env = setup_.env;
  const auto equals = mark_.find('=');
  env[mark_.substr(0, equals)] = mark_.substr(equals + 1);
  return env;
}

void Controller::start(const std::vector<std::string>& more_args) {
  const auto log_before = log().size();
  const UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const UniqueFd output(
      open((dir_ / "controller.log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  pid_ = spawn(serve_command(more_args), environment(), null.get(), output.get());
  ASSERT_GT(pid_, 0);
  const bool ready = wait_until([&] {
    if (find_target(log_before) && get("/readyz").status == 200) return true;
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) != pid_) return false;
    pid_ = -1;
    return true;
  });
  ASSERT_TRUE(ready && pid_ > 0) << "the controller did not become ready:\n" << log();
}

void Controller::kill9() {
  ASSERT_TRUE(signal_process(pid_, SIGKILL)) << "no controller runs";
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

int Controller::end(int signal) {
  if (!signal_process(pid_, signal)) return -1;
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Answer Controller::request(const std::string& method, const std::string& path, const std::string& body,
                           const std::vector<std::string>& headers, long timeout_ms) const {
  return http_request(target_, method, path, body, headers, timeout_ms);
}

std::string Controller::metrics() const {
  return http_request({.socket = dir_ / "metrics.sock"}, "GET", "/metrics").text;
}

Finished Controller::cli(const std::vector<std::string>& arguments,
                         const std::map<std::string, std::string>& env) const {
  std::vector<std::string> argv = {binary("holdfast"), "--server",
                                   target_.socket.empty() ? target_.url : "unix:" + target_.socket};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return run_program(argv, env);
}

// The address that a listener of port 0 got; false: not told yet.
bool Controller::find_target(size_t log_before) {
  if (setup_.listen.empty()) {
    target_ = {.socket = socket()};
    return true;
  }
  constexpr std::string_view kTold = "the API is served address=";
  const auto text = log();
  const auto told = text.find(kTold, log_before);
  const auto end = text.find('\n', told);
  if (told == std::string::npos || end == std::string::npos) return false;
  const auto address = text.substr(told + kTold.size(), end - told - kTold.size());
  target_ = {.url = (setup_.ca_file.empty() ? "http://" : "https://") + address, .ca_file = setup_.ca_file};
  return true;
}

std::optional<Json> Controller::wait_service(const std::string& name,
                                             const std::function<bool(const Json&)>& condition) const {
  Json last;
  const bool met = wait_until([&] {
    last = service(name);
    return condition(last);
  });
  EXPECT_TRUE(met) << name << ": " << dump_json_pretty(last) << log();
  return met ? std::optional(last) : std::nullopt;
}

std::string Controller::log() const {
  return read_file(dir_ / "controller.log").value_or("");
}

std::vector<pid_t> Controller::marked_processes() const {
  return live_processes([this](pid_t pid) {
    return pid != pid_ && read_proc(pid, "environ").find(mark_) != std::string::npos &&
           !read_proc(pid, "comm").starts_with("holdfast-shim");
  });
}

}  // namespace holdfast::test
