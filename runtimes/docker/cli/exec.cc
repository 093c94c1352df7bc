#include "runtimes/docker/cli/exec.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <filesystem>

#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "controller/base/text.h"
#include "runtimes/docker/cli/failure.h"

namespace holdfast::docker {

namespace {

constexpr size_t kOutputMax = 4096;
constexpr int kPasses = 16;  // of looking for processes, each of which may have started another meanwhile
constexpr int kCannotExecute = 126, kNotFound = 127;
constexpr std::string_view kRefusal = "OCI runtime exec failed: ";

std::string fresh_id() {
  std::array<unsigned char, 16> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return {};
  return to_hex(bytes);
}

bool holds_entry(const std::string& environment, const std::string& entry) {
  for (auto at = environment.find(entry); at != std::string::npos; at = environment.find(entry, at + 1)) {
    const auto end = at + entry.size();
    if ((at == 0 || environment[at - 1] == '\0') && (end == environment.size() || environment[end] == '\0'))
      return true;
  }
  return false;
}

bool kill_if_marked(pid_t pid, const std::string& entry) {
  // First a hold on the process, then its environment, so that it is this one which gets killed.
  const UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) return false;
  const auto environment = read_file("/proc/" + std::to_string(pid) + "/environ");
  return environment && holds_entry(*environment, entry) &&
         syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0) == 0;
}

// What the runtime says when there is nothing to execute; docker passes it on as the command's output.
bool refused(int exit_code, const std::string& output) {
  return (exit_code == kCannotExecute || exit_code == kNotFound) && output.starts_with(kRefusal);
}

bool sounds_like_docker(std::string_view err) {
  constexpr std::array<std::string_view, 6> kStarts{
      "Error response from daemon: ", "Error: No such container", "Cannot connect to the Docker daemon",
      "error during connect",         "permission denied while",  "failed to connect to the docker API"};
  return std::any_of(kStarts.begin(), kStarts.end(), [&](auto start) { return err.starts_with(start); }) ||
         err.find("permission denied while trying to connect") != std::string_view::npos;
}

}  // namespace

int kill_marked(const std::string& entry) {
  int killed = 0;
  for (int pass = 0; pass < kPasses; ++pass) {
    const int before = killed;
    std::error_code error;
    for (std::filesystem::directory_iterator at("/proc", error), end; !error && at != end;
         at.increment(error)) {
      const auto name = at->path().filename().string();
      pid_t pid = 0;
      const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
      if (parsed.ec != std::errc{} || parsed.ptr != name.data() + name.size()) continue;
      killed += kill_if_marked(pid, entry) ? 1 : 0;
    }
    if (killed == before) break;
  }
  return killed;
}

Result<ExecResult> exec_in(const Docker& docker, const std::string& container,
                           const std::vector<std::string>& argv, Duration timeout,
                           const std::function<Status()>& check) {
  if (argv.empty() || argv[0].empty()) return fail(ErrorCode::kInvalid, "a command to execute is empty");
  const std::string mark = "HOLDFAST_EXEC_ID=" + fresh_id();
  std::vector<std::string> arguments{"exec", "--env=" + mark, "--", container};
  arguments.insert(arguments.end(), argv.begin(), argv.end());
  std::string output, err;  // all in order of arrival; stderr alone
  const auto code =
      run_streaming(docker.command(arguments), docker.clock(), {.total = timeout, .silence = {}, .stop = {}},
                    [&](Stream stream, std::string_view text) {
                      output += text.substr(0, kOutputMax - std::min(kOutputMax, output.size()));
                      if (stream == Stream::kErr)
                        err += text.substr(0, kOutputMax - std::min(kOutputMax, err.size()));
                    });
  if (!code) {
    if (code.error().code != ErrorCode::kTimeout) return fail(code.error());
    kill_marked(mark);
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
    return fail(ErrorCode::kTimeout, "'" + argv[0] + "' in container " + container + " didn't end within " +
                                         std::to_string(ms) + "ms and was killed");
  }
  if (refused(*code, output))
    return fail(ErrorCode::kInvalid, "cannot execute '" + argv[0] + "' in container " + container + ": " +
                                         words_of(output.substr(kRefusal.size())));
  if (*code != 0 && sounds_like_docker(err)) {
    if (const auto runs = check(); !runs) return fail(runs.error());
  }
  return ExecResult{.exit_code = *code, .output = std::move(output)};
}

}  // namespace holdfast::docker
