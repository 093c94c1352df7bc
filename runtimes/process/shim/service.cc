// One run of a service instance:
//
//   fork ---- shim.json ---- go ----> running --(main process ends)--> killing --(no child left)--> done
//               |                       | SIGUSR1: kill the tree, stay here until the main process ends
//               | can't be written      | SIGRTMIN n: signal n to the main process
//               v                       | pipes, notify socket: drained and recorded at any time
//             nothing was started       v
//                                     exit.json is written at once, and again when the tree is gone
#include "runtimes/process/shim/service.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtimes/process/shim/child.h"
#include "runtimes/process/shim/log_stream.h"
#include "runtimes/process/shim/notify.h"
#include "runtimes/process/shim/records.h"
#include "runtimes/process/shim/text.h"
#include "runtimes/process/shim/tree.h"

namespace holdfast::shim {

namespace {

constexpr std::int64_t kStateInterval = 100'000'000;  // ns: state.json is written at most this often
constexpr int kKillInterval = 20;                     // ms between two passes over a tree that resists

class Service {
 public:
  explicit Service(StartBlock& block) : block_(block) {}
  int run();

 private:
  bool prepare();
  bool start();
  void report(Stage stage, Step step, int error, int detail = 0);
  bool fail(Step step) {
    report(Stage::kFailed, step, errno);
    return false;
  }
  void wait_events();
  void take_signals();
  void take_start_result();
  void drain(int* fd, LogStream* log);
  void reap();
  void main_ended(int status);
  void record_ending();
  void record_state(bool now);
  [[nodiscard]] bool out_of_memory(int status) const;
  [[nodiscard]] int poll_timeout() const;
  void clean_up();

  StartBlock& block_;
  Identity identity_;
  LiveState state_;
  bool state_dirty_ = false;
  std::int64_t state_written_ = 0;
  LogStream out_log_, err_log_;
  int signal_fd_ = -1, notify_fd_ = -1;
  int out_ = -1, err_ = -1;  // read ends of the service's pipes
  int start_result_ = -1;    // read end: ChildFailure, or end of file once the program runs
  Ending ending_;
  bool ending_recorded_ = false;  // with the tree_gone that is true now
  bool main_running_ = false;
  bool children_left_ = true;
  char failure_text_[600] = {};
};

bool Service::prepare() {
  if (fchdir(kDirectoryFd) != 0) return fail(Step::kPrepare);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);  // TERM, HUP, INT ... of a session or a shutdown don't concern it
  signal_fd_ = signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
  if (signal_fd_ < 0) return fail(Step::kPrepare);
  const StartHeader& header = block_.header;
  errno = out_log_.open("stdout.log", header.log_max_size, header.log_max_files);
  if (errno == 0) errno = err_log_.open("stderr.log", header.log_max_size, header.log_max_files);
  if (errno != 0) return fail(Step::kLogs);
  if (block_.notify_address[0] != '\0') {
    notify_fd_ = open_notify_socket(block_.notify_address);
    if (notify_fd_ < 0) return fail(Step::kNotify);
  }
  reserve_exit_record();  // a full disk is no reason not to start
  return true;
}

bool Service::start() {
  int out[2], err[2], go[2], result[2];
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0 || pipe2(go, O_CLOEXEC) != 0 ||
      pipe2(result, O_CLOEXEC) != 0) {
    return fail(Step::kPrepare);
  }
  identity_.shim = getpid();
  int parent = 0;
  read_stat(identity_.shim, &identity_.shim_ticks, &parent);
  identity_.started_mono = mono_ns();
  identity_.started_wall = wall_ns();
  bool born_there = false;
  identity_.child = fork_into_cgroup(block_.kill_cgroup, &born_there);
  if (identity_.child < 0) return fail(Step::kFork);
  if (identity_.child == 0) {
    close(go[1]);  // else it would wait for itself once the shim is gone
    run_child(
        block_,
        {.output = out[1], .errors = err[1], .go = go[0], .failure = result[1], .in_kill_cgroup = born_there},
        identity_.shim);
  }
  main_running_ = true;
  close(out[1]);
  close(err[1]);
  close(go[0]);
  close(result[1]);
  out_ = out[0];
  err_ = err[0];
  start_result_ = result[0];
  fcntl(out_, F_SETFL, O_NONBLOCK);
  fcntl(err_, F_SETFL, O_NONBLOCK);
  read_stat(identity_.child, &identity_.child_ticks, &parent);
  if (const int error = write_identity(block_, identity_); error != 0) {
    errno = error;
    return fail(Step::kRecord);  // go[1] closes with the shim: the child ends without having run
  }
  drop_start_block(&block_);
  (void)!write(go[1], "g", 1);
  close(go[1]);
  return true;
}

void Service::report(Stage stage, Step step, int error, int detail) {
  Report message;
  message.stage = stage;
  message.step = step;
  message.error = error;
  message.detail = detail;
  message.child = identity_.child;
  message.child_ticks = identity_.child_ticks;
  message.shim_ticks = identity_.shim_ticks;
  message.started_mono = identity_.started_mono;
  message.started_wall = identity_.started_wall;
  (void)!write(kReportFd, &message, sizeof message);  // the controller may be gone: it will adopt
  close(kReportFd);
}

void Service::take_start_result() {
  ChildFailure failure;
  const ssize_t n = read(start_result_, &failure, sizeof failure);
  close(start_result_);
  start_result_ = -1;
  if (n != static_cast<ssize_t>(sizeof failure)) {
    report(Stage::kStarted, Step::kNone, 0);
    return;
  }
  Text text(failure_text_, sizeof failure_text_);
  explain_failure(block_, failure, &text);
  text.c_str();
  main_ended(0);
  record_ending();
  report(Stage::kStartFailed, failure.step, failure.error, failure.detail);
}

void Service::take_signals() {
  signalfd_siginfo info{};
  while (read(signal_fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo == SIGUSR1) kill_descendants(block_.kill_cgroup);
    if (info.ssi_signo != static_cast<std::uint32_t>(SIGRTMIN) || info.ssi_code != SI_QUEUE) continue;
    if (!main_running_ || state_.stop_signal == info.ssi_int) continue;
    if (state_.stopping_mono == 0) state_.stopping_mono = mono_ns();
    state_.stop_signal = info.ssi_int;
    record_state(true);
    kill(identity_.child, info.ssi_int);
  }
}

void Service::drain(int* fd, LogStream* log) {
  if (*fd < 0) return;
  static char data[16384];
  for (int round = 0; round < 64;
       ++round) {  // more than a pipe holds, and bounded: the other pipe and the signals have their turn
    const ssize_t n = read(*fd, data, sizeof data);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      close(*fd);
      *fd = -1;
      return;
    }
    log->feed({data, static_cast<size_t>(n)}, wall_ns());
    if (static_cast<size_t>(n) < sizeof data) return;
  }
}

bool Service::out_of_memory(int status) const {
  if (block_.oom_file[0] == '\0' || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) return false;
  char buffer[512];
  const std::string_view text = read_small(block_.oom_file, buffer, sizeof buffer);
  const size_t at = text.find("oom_kill ");
  return at != std::string_view::npos &&
         std::strtoll(buffer + at + 9, nullptr, 10) > block_.header.oom_baseline;
}

void Service::main_ended(int status) {
  main_running_ = false;
  ending_.wait_status = status;
  ending_.at_wall = wall_ns();
  ending_.start_failed = failure_text_[0] != '\0';
  ending_.oom_killed = !ending_.start_failed && out_of_memory(status);
  ending_.reason = ending_.oom_killed ? " for want of memory (resources.memory)" : failure_text_;
}

void Service::reap() {
  pid_t pid = 0;
  do {
    int status = 0;
    pid = waitpid(-1, &status, WNOHANG);
    if (pid < 0) children_left_ = errno != ECHILD;
    if (pid <= 0 || pid != identity_.child || !main_running_) continue;
    if (start_result_ >= 0) take_start_result();  // a failed start speaks first
    if (main_running_) main_ended(status);
  } while (pid > 0);
  if (!main_running_) record_ending();
}

// At once, for the case that this shim is killed while it brings down the rest of the tree.
void Service::record_ending() {
  if (ending_recorded_ && ending_.tree_gone == !children_left_) return;
  ending_.tree_gone = !children_left_;
  ending_recorded_ = write_ending(block_, ending_) == 0;
}

void Service::record_state(bool now) {
  const std::int64_t at = mono_ns();
  state_dirty_ = true;
  if (!now && at - state_written_ < kStateInterval) return;
  state_written_ = at;
  state_dirty_ = write_state(block_, state_) != 0;  // tried again later
}

int Service::poll_timeout() const {
  if (!main_running_) return kKillInterval;
  return state_dirty_ ? static_cast<int>(kStateInterval / 1'000'000) : -1;
}

void Service::wait_events() {
  pollfd fds[5] = {{.fd = signal_fd_, .events = POLLIN, .revents = 0},
                   {.fd = out_, .events = POLLIN, .revents = 0},
                   {.fd = err_, .events = POLLIN, .revents = 0},
                   {.fd = notify_fd_, .events = POLLIN, .revents = 0},
                   {.fd = start_result_, .events = POLLIN, .revents = 0}};
  if (poll(fds, 5, poll_timeout()) < 0) return;
  if (fds[1].revents != 0) drain(&out_, &out_log_);
  if (fds[2].revents != 0) drain(&err_, &err_log_);
  if (fds[4].revents != 0) take_start_result();
  if (fds[3].revents != 0) {
    const LiveState before = state_;
    if (read_notifications(notify_fd_, identity_.shim, &state_)) record_state(before.ready != state_.ready);
    if (state_.main_pid_refused && !before.main_pid_refused) {
      err_log_.note(
          "MAINPID= over the notify socket is refused: the main process is the one that was started",
          wall_ns());
    }
  }
  if (fds[0].revents != 0) take_signals();
  if (state_dirty_) record_state(false);
  reap();
}

void Service::clean_up() {
  // Nobody of the tree writes any more; what an outsider with a copy of the pipe writes is not waited for.
  drain(&out_, &out_log_);
  drain(&err_, &err_log_);
  out_log_.finish();
  err_log_.finish();
  for (char* const* cgroup = block_.cgroups; *cgroup != nullptr; ++cgroup) rmdir(*cgroup);
  if (notify_fd_ >= 0 && block_.notify_address[0] != '@') unlink(block_.notify_address);
}

int Service::run() {
  if (!prepare() || !start()) return 1;
  while (main_running_ || children_left_) {
    wait_events();
    if (!main_running_ && children_left_) {
      kill_descendants(block_.kill_cgroup);
      reap();
    }
  }
  clean_up();
  return 0;
}

}  // namespace

int run_service(StartBlock& block) {
  return Service(block).run();
}

}  // namespace holdfast::shim
