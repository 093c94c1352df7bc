#include "runtimes/docker/cli/child.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace holdfast::docker {

namespace {

constexpr int kFirstFreeFd = 3;

// Never 0, 1 or 2, even if the controller runs without those: a dup2 must not overwrite another one's source.
UniqueFd above_stdio(UniqueFd fd) {
  if (!fd || fd.get() >= kFirstFreeFd) return fd;
  return UniqueFd(fcntl(fd.get(), F_DUPFD_CLOEXEC, kFirstFreeFd));
}

// A file in memory rather than a pipe: nobody has to feed it while the output is read, and a command that
// ends without reading it raises no SIGPIPE here. It can be opened again as /dev/stdin.
Result<UniqueFd> input_of(const std::string& content) {
  if (content.empty()) return above_stdio(UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC)));
  UniqueFd fd = above_stdio(UniqueFd(memfd_create("holdfast-input", MFD_CLOEXEC)));
  if (!fd) return fail(errno_error("cannot make a memory file", errno));
  for (size_t done = 0; done < content.size();) {
    const ssize_t n = write(fd.get(), content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(errno_error("cannot fill a memory file", errno));
    done += static_cast<size_t>(n);
  }
  lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

struct Pipe {
  UniqueFd read, write;
};
Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail(errno_error("cannot make a pipe", errno));
  Pipe pipe{above_stdio(UniqueFd(ends[0])), above_stdio(UniqueFd(ends[1]))};
  if (!pipe.read || !pipe.write) return fail(errno_error("cannot duplicate a file descriptor", errno));
  fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK);  // ours alone: the command's end stays as it expects it
  return pipe;
}

std::string_view name_of(std::string_view entry) {
  return entry.substr(0, entry.find('='));
}

// The controller's environment with `changes` in place. Nothing may report readiness in the controller's
// name.
std::vector<std::string> environment_with(const std::vector<std::string>& changes) {
  std::vector<std::string> all = changes;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const auto name = name_of(*entry);
    bool keep = name != "NOTIFY_SOCKET";
    for (const auto& change : changes) keep = keep && name_of(change) != name;
    if (keep) all.emplace_back(*entry);
  }
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

class SpawnPlan {
 public:
  SpawnPlan(int in, int out, int err) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    sigset_t set;
    sigfillset(&set);
    posix_spawnattr_setsigdefault(&attributes_, &set);
    sigemptyset(&set);
    posix_spawnattr_setsigmask(&attributes_, &set);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_adddup2(&actions_, in, 0);
    posix_spawn_file_actions_adddup2(&actions_, out, 1);
    posix_spawn_file_actions_adddup2(&actions_, err, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions_, kFirstFreeFd);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  int run(pid_t* pid, const Command& command) {
    auto arguments = command.argv;
    auto environment = environment_with(command.environment);
    return posix_spawnp(pid, command.argv.at(0).c_str(), &actions_, &attributes_, pointers(arguments).data(),
                        pointers(environment).data());
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

Error cannot_start(const std::string& program, int error) {
  Error failure = errno_error("cannot start the " + program + " command", error);
  if (error == ENOENT || error == ENOTDIR) {
    failure.code = ErrorCode::kUnavailable;
    failure.message = "the " + program + " command is not installed";
    failure.hint = "install Docker's command line client, or give the path of the program";
  } else if (error == E2BIG) {
    failure.code = ErrorCode::kInvalid;
    failure.hint = "a command line and its environment hold about 2 MiB, one value 128 KiB";
  }
  return failure;
}

}  // namespace

Result<Child> Child::start(const Command& command) {
  if (command.argv.empty() || command.argv[0].empty())
    return fail(ErrorCode::kInvalid, "no command is given");
  auto input = input_of(command.input);
  if (!input) return fail(input.error());
  if (!*input) return fail(errno_error("cannot open /dev/null", errno));
  auto out = make_pipe();
  if (!out) return fail(out.error());
  auto err = make_pipe();
  if (!err) return fail(err.error());
  Child child;
  SpawnPlan plan(input->get(), out->write.get(), err->write.get());
  pid_t pid = -1;
  if (const int error = plan.run(&pid, command); error != 0)
    return fail(cannot_start(command.argv[0], error));
  child.pid_ = pid;
  child.out_ = std::move(out->read);
  child.err_ = std::move(err->read);
  // Not reaped yet: the pid is certainly this one.
  child.pidfd_ = UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!child.pidfd_) return fail(errno_error("cannot watch " + command.argv[0], errno));
  return child;
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      out_(std::move(other.out_)),
      err_(std::move(other.err_)),
      pidfd_(std::move(other.pidfd_)) {}

Child::~Child() {
  if (pid_ <= 0) return;
  kill_group();
  reap();
}

void Child::kill_group() const {
  if (pid_ > 0) kill(-pid_, SIGKILL);
}

int Child::reap() {
  int status = 0;
  const pid_t pid = std::exchange(pid_, -1);
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return 128;  // taken by somebody else: how it ended is lost
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace holdfast::docker
