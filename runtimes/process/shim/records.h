// The files in which a shim tells what it does; formats are read by runtimes/process/records.h.
//
//   shim.json    who runs here: written once, before the program runs
//   state.json   what changed since: notify state, stop request; written whenever something changed
//   exit.json    how the main process ended: written at once, and again when all others are gone too
//
// Every file is replaced atomically. The old version is kept as <name>.tmp and overwritten in place the next
// time, so that a full disk, on which no block can be had, still takes the news of a restart or an exit.
#pragma once

#include <cstdint>
#include <string_view>

#include "runtimes/process/shim/start_block.h"

namespace holdfast::shim {

struct Identity {
  int shim = 0, child = 0;  // pids
  std::uint64_t shim_ticks = 0, child_ticks = 0;
  std::int64_t started_mono = 0, started_wall = 0;
};

struct LiveState {
  bool ready = false;
  std::int64_t watchdog_mono = 0;  // ns; 0: never
  std::int64_t stopping_mono = 0;  // ns; 0: not asked to stop
  int stop_signal = 0;
  bool main_pid_refused = false;
  char status[256] = {};  // of STATUS=, cut
};

struct Ending {
  bool tree_gone = false;  // no process of the run is left
  std::int64_t at_wall = 0;
  bool start_failed = false;
  bool oom_killed = false;
  int wait_status = 0;  // of the main process, unless the start failed
  const char* reason = "";
};

// Each returns 0 or an errno. Files are relative to the current directory.
int reserve_exit_record();  // makes sure that exit.json can be written later
int write_identity(const StartBlock& block, const Identity& identity);
int write_state(const StartBlock& block, const LiveState& state);
int write_ending(const StartBlock& block, const Ending& ending);

}  // namespace holdfast::shim
