// Reads the log files of runtimes/process/shim/log_stream.h from their end.
#pragma once

#include <string>
#include <vector>

#include "controller/base/clock.h"
#include "runtimes/runtime.h"

namespace holdfast::process {

class FileLogReader final : public LogReader {
 public:
  FileLogReader(std::string run_directory, const Clock& clock)
      : run_directory_(std::move(run_directory)), clock_(clock) {}
  Result<std::vector<LogLine>> read(const std::string& service, const LogQuery& query) override;

 private:
  const std::string run_directory_;
  const Clock& clock_;
};

}  // namespace holdfast::process
