#include "runtimes/process/shim/child.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtimes/process/shim/text.h"

namespace holdfast::shim {

namespace {

ChildFailure join_cgroups(const StartBlock& block, bool in_kill_cgroup) {
  for (int i = 0; block.cgroups[i] != nullptr; ++i) {
    if (in_kill_cgroup && std::strcmp(block.cgroups[i], block.kill_cgroup) == 0) continue;
    char path_buffer[1024];
    Text path(path_buffer, sizeof path_buffer);
    path.add(block.cgroups[i]).add("/cgroup.procs");
    const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    const bool joined = fd >= 0 && write(fd, "0", 1) == 1;  // 0: the writer itself
    if (!joined) return {Step::kCgroup, errno, i};
    close(fd);
  }
  return {};
}

ChildFailure set_limits(const StartBlock& block) {
  for (std::uint32_t i = 0; i < block.header.limit_count; ++i) {
    const LimitEntry& entry = block.limits[i];
    const auto resource = static_cast<__rlimit_resource>(entry.resource);
    rlimit limit{.rlim_cur = entry.soft, .rlim_max = entry.hard};
    if (entry.keep_hard != 0) {
      rlimit current{};
      if (getrlimit(resource, &current) == 0) limit.rlim_max = current.rlim_max;
      if (limit.rlim_cur > limit.rlim_max) limit.rlim_cur = limit.rlim_max;
    }
    if (setrlimit(resource, &limit) != 0) return {Step::kLimit, errno, static_cast<int>(entry.resource)};
  }
  return {};
}

ChildFailure set_nice(int nice_value) {
  if (nice_value == 0) return {};
  errno = 0;
  const int current = getpriority(PRIO_PROCESS, 0);
  if (setpriority(PRIO_PROCESS, 0, current + nice_value) != 0) return {Step::kNice, errno, nice_value};
  return {};
}

ChildFailure switch_user(const StartBlock& block) {
  const StartHeader& header = block.header;
  if (header.switch_user == 0) return {};
  if (setgroups(header.group_count, block.groups) != 0 ||
      setresgid(header.gid, header.gid, header.gid) != 0 ||
      setresuid(header.uid, header.uid, header.uid) != 0) {
    return {Step::kUser, errno, static_cast<int>(header.uid)};
  }
  return {};
}

ChildFailure prepare(const StartBlock& block, const ChildStart& start, int shim) {
  setsid();
  if (dup2(start.output, STDOUT_FILENO) < 0 || dup2(start.errors, STDERR_FILENO) < 0)
    return {Step::kPrepare, errno, 0};
  if (ChildFailure failure = join_cgroups(block, start.in_kill_cgroup); failure.error != 0) return failure;
  if (ChildFailure failure = set_limits(block); failure.error != 0) return failure;
  if (ChildFailure failure = set_nice(block.header.nice); failure.error != 0) return failure;
  if (ChildFailure failure = switch_user(block); failure.error != 0) return failure;
  // After the change of user, which clears it. A shim that is killed takes its main process along.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return {Step::kPrepare, errno, 0};
  if (getppid() != shim) _exit(127);
  if (block.working_dir[0] != '\0' && chdir(block.working_dir) != 0) return {Step::kDirectory, errno, 0};
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  return {};
}

}  // namespace

int fork_into_cgroup(const char* directory, bool* born_there) {
  *born_there = false;
  const int fd = directory[0] != '\0' ? open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
  if (fd < 0) return fork();
  clone_args arguments{};
  arguments.flags = CLONE_INTO_CGROUP;
  arguments.exit_signal = SIGCHLD;
  arguments.cgroup = static_cast<std::uint64_t>(fd);
  *born_there = true;  // before the call: the child returns from it as well
  const auto pid = static_cast<int>(syscall(SYS_clone3, &arguments, sizeof arguments));
  if (pid == 0) return 0;
  close(fd);
  if (pid > 0) return pid;
  *born_there = false;
  return fork();
}

void run_child(const StartBlock& block, const ChildStart& start, int shim) {
  close(kLockFd);  // the lock tells whether the shim lives
  close(kReportFd);
  ChildFailure failure = prepare(block, start, shim);
  char go = 0;
  ssize_t n = 0;
  do n = read(start.go, &go, 1);
  while (n < 0 && errno == EINTR);
  if (n != 1) _exit(127);  // the shim died or couldn't record this run: it must not exist
  if (failure.error == 0 && block.header.program_missing != 0) failure = {Step::kLookup, ENOENT, 0};
  if (failure.error == 0) {
    execve(block.program, block.argv, block.environment);
    failure = {Step::kExec, errno, 0};
  }
  (void)!write(start.failure, &failure, sizeof failure);
  _exit(127);
}

namespace {

void explain_exec(const StartBlock& block, int error, Text* out) {
  out->add("cannot execute ").add(block.program).add(": ");
  if (error == ENOENT && access(block.program, F_OK) == 0) {
    out->add("the interpreter that its first line (or its format) names doesn't exist");
  } else if (error == ENOEXEC) {
    out->add("not a program that this machine can run (a script needs a first line like #!/bin/sh)");
  } else if (error == EACCES && access(block.program, X_OK) == 0) {
    out->add("permission denied for this user (or for the interpreter, or a file system mounted noexec)");
  } else {
    const char* text = strerrordesc_np(error);
    out->add(text != nullptr ? text : "unknown error");
  }
}

const char* step_text(Step step) {
  switch (step) {
    case Step::kCgroup:
      return "cannot join the cgroup";
    case Step::kLimit:
      return "cannot set a resource limit (process.limits, resources)";
    case Step::kNice:
      return "cannot set process.nice";
    case Step::kUser:
      return "cannot become the user";
    case Step::kDirectory:
      return "cannot change to the working directory";
    default:
      return "cannot prepare the start";
  }
}

}  // namespace

void explain_failure(const StartBlock& block, const ChildFailure& failure, Text* out) {
  if (failure.step == Step::kExec) {
    explain_exec(block, failure.error, out);
    return;
  }
  if (failure.step == Step::kLookup) {
    out->add("cannot execute ").add(block.program).add(": no such program in the service's PATH");
    return;
  }
  out->add(step_text(failure.step));
  if (failure.step == Step::kCgroup) out->add(" ").add(block.cgroups[failure.detail]);
  if (failure.step == Step::kDirectory) out->add(" ").add(block.working_dir);
  if (failure.step == Step::kUser) out->add(" with uid ").add(std::int64_t{failure.detail});
  if (failure.step == Step::kLimit) out->add(", number ").add(std::int64_t{failure.detail});
  if (failure.step == Step::kNice) out->add(" ").add(std::int64_t{failure.detail});
  const char* text = strerrordesc_np(failure.error);
  out->add(": ").add(text != nullptr ? text : "unknown error");
}

}  // namespace holdfast::shim
