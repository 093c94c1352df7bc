// Makes observations: smooth spectra with a little noise, the same for the same timestamp.
#pragma once

#include <string>

#include "controller/base/result.h"
#include "examples/common/subband.h"
#include "examples/subband-feeder/options.h"

namespace holdfast::examples {

// The band, 1.28 to 1.53 GHz, is split evenly among the subbands; sb00 is the lowest.
Subband synthesize(const FeederOptions& options, const SubbandName& name);

// One step after the newest group of the directory, whole or not: a restart never uses a group id again.
Result<std::string> next_group(const FeederOptions& options);

// Each file is written under a hidden name and renamed, so that a subband's name never shows a part of one.
Status write_group(const FeederOptions& options, const std::string& group);

Status run_feeder(const FeederOptions& options, int stop_fd);  // until stop_fd is readable or all are written

}  // namespace holdfast::examples
