#include "examples/subband-feeder/options.h"

#include <map>
#include <sstream>

#include <CLI/CLI.hpp>

#include "examples/common/subband.h"

namespace holdfast::examples {

namespace {

constexpr int kUsageError = 2;

Duration from_seconds(double value) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(value));
}

CLI::AsNumberWithUnit time_units() {
  return CLI::AsNumberWithUnit(std::map<std::string, double>{{"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}},
                               CLI::AsNumberWithUnit::Options(CLI::AsNumberWithUnit::UNIT_OPTIONAL |
                                                              CLI::AsNumberWithUnit::CASE_SENSITIVE),
                               "DURATION");
}

void add_sizes(CLI::App& app, FeederOptions& o) {
  app.add_option("--output-dir", o.output_dir, "Where subband files are put")->required();
  app.add_option("--subbands", o.subbands, "Files per group")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--channels", o.channels, "Channels per subband")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--baselines", o.baselines, "Rows per subband")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--groups", o.groups, "Groups to write, 0: until stopped")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--keep", o.keep, "Groups to keep in the directory, the oldest go first; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--start", o.start,
                 "First timestamp of an empty directory, as 2026-01-01T00:00:00; default now")
      ->check([](const std::string& text) {
        return is_group_id(text) ? "" : text + " is not a timestamp like 2026-01-01T00:00:00";
      });
}

}  // namespace

std::variant<FeederOptions, FeederExit> parse_feeder_options(int argc, const char* const* argv) {
  FeederOptions options;
  double interval = 2, rate = 0, step = 300;
  CLI::App app("Writes subband files as a correlator would", "subband-feeder");
  add_sizes(app, options);
  auto* pace = app.add_option("--interval", interval, "Time between groups: 250ms, 2s, 5m; 0: no pause")
                   ->transform(time_units())
                   ->check(CLI::Range(0.0, 1e6));
  auto* per_minute =
      app.add_option("--rate", rate, "Groups per minute")->check(CLI::Range(1e-3, 1e6))->excludes(pace);
  app.add_option("--step", step, "Time between the timestamps of groups (default 5m)")
      ->transform(time_units())
      ->check(CLI::Range(1.0, 1e6));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    std::ostringstream text;
    const int code = app.exit(e, text, text);
    return FeederExit{code == 0 ? 0 : kUsageError, text.str()};
  }
  options.interval = from_seconds(per_minute->count() > 0 ? 60 / rate : interval);
  options.step = from_seconds(step);
  return options;
}

}  // namespace holdfast::examples
