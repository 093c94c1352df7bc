#include "runtimes/kubernetes/client/command.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string_view>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/base/unique_fd.h"

namespace holdfast::kubernetes {

namespace {

constexpr size_t kMaxErrorText = 4096, kMaxErrorLine = 200;

struct Outlet {
  UniqueFd read, write;
};

Result<Outlet> make_outlet() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail(errno_error("cannot make a pipe", errno));
  Outlet outlet{UniqueFd(ends[0]), UniqueFd(ends[1])};
  fcntl(outlet.read.get(), F_SETFL, O_NONBLOCK);
  return outlet;
}

std::vector<std::string> merged_environment(const std::vector<std::string>& changes) {
  const auto name_of = [](std::string_view entry) { return entry.substr(0, entry.find('=')); };
  auto all = changes;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const bool changed = std::any_of(changes.begin(), changes.end(),
                                     [&](const auto& change) { return name_of(change) == name_of(*entry); });
    if (!changed && name_of(*entry) != "NOTIFY_SOCKET") all.emplace_back(*entry);
  }
  return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// In a group of its own, with signals as at a login, and no descriptor of ours but the two.
int spawn(pid_t& pid, std::vector<std::string> argv, const std::vector<std::string>& changes, int out,
          int err) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  sigset_t set;
  sigfillset(&set);
  posix_spawnattr_setsigdefault(&attributes, &set);
  sigemptyset(&set);
  posix_spawnattr_setsigmask(&attributes, &set);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out, 1);
  posix_spawn_file_actions_adddup2(&actions, err, 2);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  auto environment = merged_environment(changes);
  const int error = posix_spawnp(&pid, argv[0].c_str(), &actions, &attributes, pointers_to(argv).data(),
                                 pointers_to(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return error;
}

// Reads what is there. False at the end.
bool drain(int fd, std::string& into, size_t most) {
  std::array<char, 8192> buffer{};
  for (;;) {
    const auto n = read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN;
    if (n == 0) return false;
    into.append(buffer.data(), std::min(static_cast<size_t>(n), most - std::min(most, into.size())));
  }
}

std::string last_line(std::string text) {
  for (auto& c : text) {
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f) c = ' ';
  }
  while (text.ends_with('\n') || text.ends_with(' ')) text.pop_back();
  if (const auto end = text.rfind('\n'); end != std::string::npos) text.erase(0, end + 1);
  return text.substr(0, kMaxErrorLine);
}

// The process and its group, killed and reaped unless it was.
class Process {
 public:
  explicit Process(pid_t pid) : pid_(pid), pidfd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}
  ~Process() {
    if (pid_ > 0) end();
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] int pidfd() const { return pidfd_.get(); }
  // It isn't reaped before, so the group's number is still its own.
  int end() {
    kill(-pid_, SIGKILL);
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_;
  UniqueFd pidfd_;
};

// Until the process has ended; what others still write then is nobody's business. False: too late.
bool follow(const Process& process, int out, int err, CommandResult& result, std::string& err_text,
            Duration deadline, size_t max_bytes) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  std::array<pollfd, 3> fds{pollfd{process.pidfd(), POLLIN, 0}, pollfd{out, POLLIN, 0},
                            pollfd{err, POLLIN, 0}};
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    if (poll(fds.data(), fds.size(), static_cast<int>(left)) < 0 && errno != EINTR) return false;
    const bool ended = fds[0].revents != 0;
    if (!drain(out, result.out, max_bytes + 1)) fds[1].fd = -1;
    if (!drain(err, err_text, kMaxErrorText)) fds[2].fd = -1;
    if (ended) return true;
  }
}

}  // namespace

Result<CommandResult> run_command(const std::vector<std::string>& argv,
                                  const std::vector<std::string>& environment, Duration deadline,
                                  size_t max_bytes) {
  if (argv.empty() || argv[0].empty()) return fail(ErrorCode::kInvalid, "no command is given");
  auto out = make_outlet();
  if (!out) return fail(out.error());
  auto err = make_outlet();
  if (!err) return fail(err.error());
  pid_t pid = -1;
  if (const int error = spawn(pid, argv, environment, out->write.get(), err->write.get()); error != 0)
    return fail(errno_error("cannot start " + argv[0], error));
  out->write.reset();
  err->write.reset();
  Process process(pid);
  CommandResult result;
  std::string err_text;
  if (!follow(process, out->read.get(), err->read.get(), result, err_text, deadline, max_bytes))
    return fail(ErrorCode::kTimeout, argv[0] + " has told nothing in time");
  result.exit_code = process.end();
  if (result.out.size() > max_bytes) return fail(ErrorCode::kInvalid, argv[0] + " writes too much");
  result.last_error_line = last_line(std::move(err_text));
  return result;
}

}  // namespace holdfast::kubernetes
