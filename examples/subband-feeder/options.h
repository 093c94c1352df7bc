// The command line of subband-feeder.
#pragma once

#include <string>
#include <variant>

#include "controller/base/clock.h"

namespace holdfast::examples {

struct FeederOptions {
  std::string output_dir;
  int subbands = 16;
  int channels = 48;   // per subband
  int baselines = 16;  // rows
  int groups = 0;      // 0: until stopped
  int keep = 0;        // groups to keep in the directory; 0: all
  Duration interval = std::chrono::seconds(2);
  Duration step = std::chrono::minutes(5);  // between the timestamps of two groups
  std::string start;                        // first timestamp of an empty directory; empty: now
};

struct FeederExit {
  int code = 0;  // 0: help was asked for; 2: the command line is wrong
  std::string text;
};

std::variant<FeederOptions, FeederExit> parse_feeder_options(int argc, const char* const* argv);

}  // namespace holdfast::examples
