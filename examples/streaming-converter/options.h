// The command line of streaming-converter.
#pragma once

#include <chrono>
#include <string>
#include <variant>

#include "controller/base/clock.h"
#include "controller/base/log.h"

namespace holdfast::examples {

struct Options {
  std::string input_dir = "/data/incoming";
  std::string output_dir = "/stage/dsa110-contimg/ms";
  std::string queue_db;     // default: db/ingest.sqlite3 below the state directory
  std::string registry_db;  // default: db/cal_registry.sqlite3 below the state directory
  std::string scratch_dir = "/stage/dsa110-contimg";
  std::string tmpfs_path = "/dev/shm";
  std::string log_level = "INFO";
  int expected_subbands = 16;
  int max_workers = 4;
  double chunk_duration = 5.0;     // minutes
  double monitor_interval = 60.0;  // seconds, like the two below
  double poll_interval = 5.0;
  double worker_poll_interval = 5.0;
  bool use_subprocess = false;
  bool monitoring = false;
  bool stage_to_tmpfs = false;
};

inline Duration seconds(double value) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(value));
}
log::Level log_level_of(const Options& options);

// Nothing to run: help was asked for (0), or the command line is wrong (2).
struct EarlyExit {
  int code = 0;
  std::string text;
};

// Defaults come from CONTIMG_INPUT_DIR, CONTIMG_OUTPUT_DIR, CONTIMG_QUEUE_DB, CONTIMG_REGISTRY_DB,
// CONTIMG_SCRATCH_DIR, CONTIMG_EXPECTED_SUBBANDS, CONTIMG_CHUNK_MINUTES, CONTIMG_LOG_LEVEL and
// CONTIMG_MONITOR_INTERVAL where set; PIPELINE_STATE_DIR moves the state directory.
std::variant<Options, EarlyExit> parse_options(int argc, const char* const* argv);

}  // namespace holdfast::examples
