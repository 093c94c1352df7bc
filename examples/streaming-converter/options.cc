#include "examples/streaming-converter/options.h"

#include <cstdlib>
#include <limits>
#include <sstream>

#include <CLI/CLI.hpp>

namespace holdfast::examples {

namespace {

constexpr int kUsageError = 2;

void add_paths(CLI::App& app, Options& o) {
  app.add_option("--input-dir", o.input_dir, "Where subband files arrive")
      ->envname("CONTIMG_INPUT_DIR")
      ->capture_default_str();
  app.add_option("--output-dir", o.output_dir, "Where joined files go")
      ->envname("CONTIMG_OUTPUT_DIR")
      ->capture_default_str();
  app.add_option("--queue-db", o.queue_db, "SQLite queue")
      ->envname("CONTIMG_QUEUE_DB")
      ->capture_default_str();
  app.add_option("--registry-db", o.registry_db, "SQLite registry of products")
      ->envname("CONTIMG_REGISTRY_DB")
      ->capture_default_str();
  app.add_option("--scratch-dir", o.scratch_dir, "Where files are assembled")
      ->envname("CONTIMG_SCRATCH_DIR")
      ->capture_default_str();
  app.add_option("--tmpfs-path", o.tmpfs_path, "Where files are assembled with --stage-to-tmpfs")
      ->capture_default_str();
}

void add_tuning(CLI::App& app, Options& o) {
  // A year is more than enough, and keeps later sums of durations far from overflow.
  const CLI::Validator positive(
      [](const std::string& text) {
        double value = 0;
        return CLI::detail::lexical_cast(text, value) && value >= 1e-3 && value <= 3.2e7  // false for NaN
                   ? std::string()
                   : "Value " + text + " not in range 0.001 to 3.2e7";
      },
      "0.001 to 3.2e7");
  app.add_option("--log-level", o.log_level, "DEBUG, INFO, WARNING or ERROR")
      ->envname("CONTIMG_LOG_LEVEL")
      ->check(CLI::IsMember({"DEBUG", "INFO", "WARNING", "ERROR"}))
      ->capture_default_str();
  app.add_option("--expected-subbands", o.expected_subbands, "Files that make a group, 1 to 64")
      ->envname("CONTIMG_EXPECTED_SUBBANDS")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--chunk-duration", o.chunk_duration, "Minutes of data in a group")
      ->envname("CONTIMG_CHUNK_MINUTES")
      ->check(positive)
      ->capture_default_str();
  app.add_option("--monitor-interval", o.monitor_interval, "Seconds between status lines")
      ->envname("CONTIMG_MONITOR_INTERVAL")
      ->check(positive)
      ->capture_default_str();
  app.add_option("--poll-interval", o.poll_interval, "Seconds between scans of the input directory")
      ->check(positive)
      ->capture_default_str();
  app.add_option("--worker-poll-interval", o.worker_poll_interval,
                 "Seconds between looks of an idle worker at the queue, and before a failed group is retried")
      ->check(positive)
      ->capture_default_str();
  app.add_option("--max-workers", o.max_workers, "Groups converted at once, 1 to 32")
      ->check(CLI::Range(1, 32))
      ->capture_default_str();
}

void add_flags(CLI::App& app, Options& o) {
  app.add_flag("--use-subprocess", o.use_subprocess, "Convert each group in a process of its own");
  app.add_flag("--monitoring", o.monitoring, "Log a status line every monitor interval");
  app.add_flag("--stage-to-tmpfs", o.stage_to_tmpfs, "Assemble files in memory");
}

}  // namespace

log::Level log_level_of(const Options& options) {
  if (options.log_level == "DEBUG") return log::Level::kDebug;
  if (options.log_level == "WARNING") return log::Level::kWarning;
  if (options.log_level == "ERROR") return log::Level::kError;
  return log::Level::kInfo;
}

std::variant<Options, EarlyExit> parse_options(int argc, const char* const* argv) {
  Options options;
  const char* state = std::getenv("PIPELINE_STATE_DIR");
  const std::string state_dir = state && *state ? state : "state";
  options.queue_db = state_dir + "/db/ingest.sqlite3";
  options.registry_db = state_dir + "/db/cal_registry.sqlite3";
  CLI::App app("Joins the subband files of each observation into one file", "streaming-converter");
  add_paths(app, options);
  add_tuning(app, options);
  add_flags(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    std::ostringstream text;
    const int code = app.exit(e, text, text);
    return EarlyExit{code == 0 ? 0 : kUsageError, text.str()};
  }
  return options;
}

}  // namespace holdfast::examples
