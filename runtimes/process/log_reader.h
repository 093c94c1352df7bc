// Reads the log files of runtimes/process/shim/log_stream.h from their end.
#pragma once

#include <string>
#include <vector>

#include "runtimes/runtime.h"

namespace holdfast::process {

class FileLogReader final : public LogReader {
 public:
  explicit FileLogReader(std::string run_directory) : run_directory_(std::move(run_directory)) {}
  Result<std::vector<LogLine>> read(const std::string& service, const LogQuery& query) override;

 private:
  const std::string run_directory_;
};

}  // namespace holdfast::process
