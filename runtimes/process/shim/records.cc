#include "runtimes/process/shim/records.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtimes/process/shim/text.h"

namespace holdfast::shim {

namespace {

constexpr size_t kRecordMax = 4096;  // one block of the file system
char record_buffer[kRecordMax];

// Writes <name>.tmp in place and swaps it with name.
int replace(const char* name, std::string_view text) {
  char temporary_buffer[32];
  Text temporary(temporary_buffer, sizeof temporary_buffer);
  temporary.add(name).add(".tmp");
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0) return errno;
  int error = 0;
  const ssize_t n = pwrite(fd, text.data(), text.size(), 0);
  if (n != static_cast<ssize_t>(text.size())) error = n < 0 ? errno : ENOSPC;
  if (error == 0 && ftruncate(fd, n) != 0) error = errno;
  close(fd);
  if (error != 0) return error;
  if (renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, name, RENAME_EXCHANGE) == 0) return 0;
  return rename(temporary.c_str(), name) == 0 ? 0 : errno;
}

Text start_record(const StartBlock& block) {
  Text text(record_buffer, sizeof record_buffer);
  text.add("{\"version\":1,\"service\":").add_json(block.service);
  text.add(",\"ordinal\":").add(std::int64_t{block.header.ordinal});
  text.add(",\"incarnation\":").add(block.header.incarnation);
  return text;
}

int finish_record(const char* name, Text& text) {
  text.add("}\n");
  return text.full() ? EOVERFLOW : replace(name, text.view());
}

void add_exit_reason(Text& text, int wait_status) {
  if (WIFEXITED(wait_status)) {
    text.add("exit code ").add(std::int64_t{WEXITSTATUS(wait_status)});
    return;
  }
  const int signal = WTERMSIG(wait_status);
  const char* name = sigabbrev_np(signal);
  text.add("killed by signal ").add(std::int64_t{signal});
  if (name != nullptr) text.add(" (").add(name).add(")");
}

}  // namespace

int reserve_exit_record() {
  const int fd = open("exit.json.tmp", O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0) return errno;
  struct stat info{};
  int error = 0;
  if (fstat(fd, &info) == 0 && info.st_size == 0 && write(fd, "\n", 1) != 1) error = ENOSPC;
  close(fd);
  return error;
}

int write_identity(const StartBlock& block, const Identity& identity) {
  Text text = start_record(block);
  text.add(",\"spec_hash\":").add_json(block.spec_hash);
  text.add(",\"restart_nonce\":").add(block.header.restart_nonce);
  text.add(",\"boot_id\":").add_json(block.boot_id);
  text.add(",\"invocation\":").add_json(block.invocation);
  text.add(",\"shim_pid\":")
      .add(std::int64_t{identity.shim})
      .add(",\"shim_start\":")
      .add(identity.shim_ticks);
  text.add(",\"child_pid\":").add(std::int64_t{identity.child});
  text.add(",\"child_start\":").add(identity.child_ticks);
  text.add(",\"started_mono_ns\":").add(identity.started_mono);
  text.add(",\"started_wall_ns\":").add(identity.started_wall);
  std::string_view program(block.argv[0]);
  text.add(",\"argv0\":").add_json(program.substr(0, 256));
  text.add(",\"kill_cgroup\":").add_json(block.kill_cgroup);
  text.add(",\"cgroups\":[");
  for (char* const* cgroup = block.cgroups; *cgroup != nullptr; ++cgroup) {
    if (cgroup != block.cgroups) text.add(",");
    text.add_json(*cgroup);
  }
  text.add("]");
  return finish_record("shim.json", text);
}

int write_state(const StartBlock& block, const LiveState& state) {
  Text text = start_record(block);
  text.add(",\"ready\":").add(state.ready ? "true" : "false");
  text.add(",\"watchdog_mono_ns\":").add(state.watchdog_mono);
  text.add(",\"stopping_mono_ns\":").add(state.stopping_mono);
  text.add(",\"stop_signal\":").add(std::int64_t{state.stop_signal});
  text.add(",\"main_pid_refused\":").add(state.main_pid_refused ? "true" : "false");
  text.add(",\"status\":").add_json(state.status);
  return finish_record("state.json", text);
}

int write_ending(const StartBlock& block, const Ending& ending) {
  Text text = start_record(block);
  const int status = ending.wait_status;
  if (!ending.start_failed && WIFEXITED(status))
    text.add(",\"code\":").add(std::int64_t{WEXITSTATUS(status)});
  if (!ending.start_failed && WIFSIGNALED(status))
    text.add(",\"signal\":").add(std::int64_t{WTERMSIG(status)});
  text.add(",\"oom_killed\":").add(ending.oom_killed ? "true" : "false");
  text.add(",\"start_failed\":").add(ending.start_failed ? "true" : "false");
  text.add(",\"at_wall_ns\":").add(ending.at_wall);
  text.add(",\"tree_gone\":").add(ending.tree_gone ? "true" : "false");
  char reason_buffer[1024];
  Text reason(reason_buffer, sizeof reason_buffer);
  if (!ending.start_failed) add_exit_reason(reason, status);
  reason.add(ending.reason);
  text.add(",\"reason\":").add_json(reason.view());
  return finish_record("exit.json", text);
}

}  // namespace holdfast::shim
