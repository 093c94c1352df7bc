// What is read of running containers and run in them, beside the loop: logs, commands and figures.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "runtimes/docker/engine_link.h"
#include "runtimes/docker/instance_table.h"
#include "runtimes/runtime.h"

namespace holdfast::docker {

// Thread-safe. Finds containers as the loop saw them last, so that a question costs one call of the engine.
class ContainerIo final : public LogReader, public ExecRunner {
 public:
  using Declared = std::function<SpecPtr(const std::string& service)>;
  ContainerIo(EngineLink& link, InstanceTable& instances, Declared declared)
      : link_(link), instances_(instances), declared_(std::move(declared)) {}

  Result<std::vector<LogLine>> read(const std::string& service, const LogQuery& query) override;
  Result<ExecResult> run(const InstanceId& id, const std::vector<std::string>& argv,
                         Duration timeout) override;
  // As Runtime::usage: from their cgroups where those can be read, otherwise from the engine.
  std::vector<ResourceUsage> usage(const std::vector<ObservedInstance>& instances);

 private:
  EngineLink& link_;
  InstanceTable& instances_;
  Declared declared_;
};

}  // namespace holdfast::docker
