// What the controller hands to a shim and hears back. Both sides come from one build at the moment of a
// start; a shim never reads it again afterwards, so a later controller of another version can adopt a running
// shim.
//
// The controller starts the shim with these file descriptors:
//   0 1 2  /dev/null
//   3      the start block, a memory file: environment and argv may hold secrets and never touch a disk
//   4      the report pipe (write end)
//   5      the instance's lock file, already flocked: held until the shim dies, whoever started it
//   6      the instance's directory
#pragma once

#include <cstdint>

namespace holdfast::shim {

inline constexpr int kBlockFd = 3;
inline constexpr int kReportFd = 4;
inline constexpr int kLockFd = 5;
inline constexpr int kDirectoryFd = 6;
inline constexpr int kFirstFreeFd = 7;

inline constexpr std::uint32_t kMagic = 0x48465331;  // "HFS1": changes with the layout

enum class Mode : std::uint32_t { kService = 0, kExec = 1 };

// The start block: this header, limit_count LimitEntry, group_count uint32, padding to 8 bytes, then
// NUL-terminated strings in this order: service, spec_hash, boot_id, invocation, program, working_dir,
// notify_address, kill_cgroup, oom_file, cgroups..., argv..., environment...
struct StartHeader {
  std::uint32_t magic = kMagic;
  Mode mode = Mode::kService;
  std::uint64_t total_size = 0;
  std::uint64_t incarnation = 0;
  std::uint64_t restart_nonce = 0;
  std::int64_t log_max_size = 0;   // bytes per file
  std::int64_t exec_timeout = 0;   // ns; Mode::kExec only
  std::int64_t oom_baseline = 0;   // oom_kill counter of oom_file at the start
  std::int32_t log_max_files = 1;  // per stream, the current one included
  std::int32_t ordinal = 0;
  std::int32_t nice = 0;  // added to the controller's own
  std::uint32_t switch_user = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t limit_count = 0;
  std::uint32_t group_count = 0;
  std::uint32_t cgroup_count = 0;
  std::uint32_t argc = 0;
  std::uint32_t envc = 0;
  std::uint32_t program_missing = 0;  // program is a bare name that no directory of PATH holds
};
static_assert(sizeof(StartHeader) % 8 == 0);

struct LimitEntry {
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
  std::uint32_t resource = 0;   // RLIMIT_*
  std::uint32_t keep_hard = 0;  // 1: only lower the soft limit
};
static_assert(sizeof(LimitEntry) == 24);

// What the shim was doing when it failed.
enum class Step : std::uint32_t {
  kNone = 0,
  kBlock,      // reading the start block
  kLock,       // another shim of this instance lives
  kLogs,       // opening a log file
  kPrepare,    // pipes, signals
  kNotify,     // the notify socket
  kFork,       //
  kRecord,     // writing shim.json
  kCgroup,     // from here on in the child: the start has failed, the shim writes exit.json
  kLimit,      // detail: RLIMIT_*
  kNice,       //
  kUser,       //
  kDirectory,  // changing to the working directory
  kLookup,     // finding the program
  kExec,       //
};

enum class Stage : std::uint32_t {
  kStarted = 1,      // shim.json is written and the program runs
  kStartFailed = 2,  // shim.json and exit.json are written, the program never ran
  kFailed = 3,       // nothing was started and nothing is recorded
};

// One message over the report pipe in Mode::kService.
struct Report {
  std::uint32_t magic = kMagic;
  Stage stage = Stage::kFailed;
  Step step = Step::kNone;
  std::int32_t error = 0;  // errno
  std::int32_t detail = 0;
  std::int32_t child = 0;         // pid
  std::uint64_t child_ticks = 0;  // start time, field 22 of /proc/<pid>/stat
  std::uint64_t shim_ticks = 0;   //
  std::int64_t started_mono = 0;  // ns, CLOCK_MONOTONIC
  std::int64_t started_wall = 0;  // ns, CLOCK_REALTIME
};

inline constexpr std::uint32_t kExecOutputMax = 4096;

// The message over the report pipe in Mode::kExec, followed by output_size bytes.
struct ExecReport {
  std::uint32_t magic = kMagic;
  std::int32_t error = 0;   // errno of a command that never ran
  Step step = Step::kNone;  //
  std::uint32_t timed_out = 0;
  std::int32_t wait_status = 0;  // as of waitpid
  std::uint32_t output_size = 0;
};

// Requests to a running shim, sent as signals to its pidfd. Each is harmless when sent twice.
//   SIGUSR1                     kill the whole tree
//   SIGRTMIN with a value n     send signal n to the main process and note the time, once per n

}  // namespace holdfast::shim
