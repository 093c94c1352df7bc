// What the pods of a service wrote.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "controller/base/result.h"
#include "runtimes/kubernetes/client/client.h"
#include "runtimes/kubernetes/informer/informer.h"
#include "runtimes/runtime.h"

namespace holdfast::kubernetes {

struct PodsOfService {
  Client* client = nullptr;
  std::string namespace_{};
  std::map<int, ObjectPtr> pods{};  // by ordinal
};

// Thread-safe. A cluster doesn't tell stderr from stdout: all is stdout.
class PodLogs final : public LogReader {
 public:
  using Find = std::function<Result<PodsOfService>(const std::string& service)>;
  explicit PodLogs(Find find) : find_(std::move(find)) {}
  // Of a container that was restarted also what the run before it wrote, as far as it is asked for.
  Result<std::vector<LogLine>> read(const std::string& service, const LogQuery& query) override;

 private:
  const Find find_;
};

// "2026-01-01T00:00:00.000000000Z text" each.
std::vector<LogLine> parse_log(const std::string& text, int ordinal);

}  // namespace holdfast::kubernetes
