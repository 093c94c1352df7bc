#include "runtimes/process/shim/exec_command.h"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtimes/process/shim/child.h"
#include "runtimes/process/shim/text.h"
#include "runtimes/process/shim/tree.h"

namespace holdfast::shim {

namespace {

class Command {
 public:
  explicit Command(StartBlock& block) : block_(block) {}
  int run();

 private:
  bool start();
  void wait_events();
  void drain();
  void reap();
  void send();

  StartBlock& block_;
  ExecReport report_;
  std::int64_t deadline_ = 0;
  int child_ = -1, signal_fd_ = -1, output_ = -1, failure_ = -1;
  bool running_ = false, children_left_ = true, abandoned_ = false;
  char captured_[kExecOutputMax];
};

bool Command::start() {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  signal_fd_ = signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
  int out[2], go[2], failure[2];
  const int shim = getpid();
  const bool ready = fchdir(kDirectoryFd) == 0 && signal_fd_ >= 0 && pipe2(out, O_CLOEXEC) == 0 &&
                     pipe2(go, O_CLOEXEC) == 0 && pipe2(failure, O_CLOEXEC) == 0;
  if (ready) child_ = fork();
  if (child_ < 0) {
    report_.error = errno;
    report_.step = ready ? Step::kFork : Step::kPrepare;
    return false;
  }
  if (child_ == 0) {
    close(go[1]);
    run_child(
        block_,
        {.output = out[1], .errors = out[1], .go = go[0], .failure = failure[1], .in_kill_cgroup = false},
        shim);
  }
  deadline_ = mono_ns() + block_.header.exec_timeout;
  (void)!write(go[1], "g", 1);
  close(go[0]);
  close(go[1]);
  close(out[1]);
  close(failure[1]);
  output_ = out[0];
  failure_ = failure[0];
  fcntl(output_, F_SETFL, O_NONBLOCK);
  return running_ = true;
}

void Command::drain() {
  static char data[4096];
  for (int round = 0; round < 64 && output_ >= 0; ++round) {
    const ssize_t n = read(output_, data, sizeof data);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      close(output_);
      output_ = -1;
      return;
    }
    const size_t room = sizeof captured_ - report_.output_size;
    const size_t take = static_cast<size_t>(n) < room ? static_cast<size_t>(n) : room;
    std::memcpy(captured_ + report_.output_size, data, take);
    report_.output_size += static_cast<std::uint32_t>(take);
  }
}

void Command::reap() {
  for (;;) {
    int status = 0;
    const pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid < 0) children_left_ = errno != ECHILD;
    if (pid <= 0) return;
    if (pid != child_) continue;
    running_ = false;
    report_.wait_status = status;
    ChildFailure failure;
    if (read(failure_, &failure, sizeof failure) == static_cast<ssize_t>(sizeof failure)) {
      report_.error = failure.error;
      report_.step = failure.step;
    }
  }
}

void Command::wait_events() {
  pollfd fds[3] = {{.fd = signal_fd_, .events = POLLIN, .revents = 0},
                   {.fd = output_, .events = POLLIN, .revents = 0},
                   {.fd = kReportFd, .events = 0, .revents = 0}};
  const std::int64_t left = (deadline_ - mono_ns() + 999'999) / 1'000'000;
  int timeout = left < 0 ? 0 : static_cast<int>(left < 1'000'000 ? left : 1'000'000);
  if (!running_ || report_.timed_out != 0 || abandoned_) timeout = 20;
  poll(fds, 3, timeout);
  if (fds[1].revents != 0) drain();
  signalfd_siginfo info{};
  while (read(signal_fd_, &info, sizeof info) > 0) {
  }
  if ((fds[2].revents & POLLERR) != 0) abandoned_ = true;  // nobody waits for the answer
  if (running_ && mono_ns() >= deadline_) report_.timed_out = 1;
  reap();
}

void Command::send() {
  char message[sizeof(ExecReport) + kExecOutputMax];
  std::memcpy(message, &report_, sizeof report_);
  std::memcpy(message + sizeof report_, captured_, report_.output_size);
  (void)!write(kReportFd, message, sizeof report_ + report_.output_size);
}

int Command::run() {
  if (start()) {
    while (running_ || children_left_) {
      wait_events();
      if (!children_left_) break;
      if (!running_ || report_.timed_out != 0 || abandoned_) kill_descendants("");
    }
    drain();
  }
  send();
  return 0;
}

}  // namespace

int run_command(StartBlock& block) {
  return Command(block).run();
}

}  // namespace holdfast::shim
