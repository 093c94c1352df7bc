// The engine client's class, whose methods are spread over files by subject.
#pragma once

#include <string>
#include <vector>

#include "runtimes/docker/engine/engine_client.h"
#include "runtimes/docker/engine/session.h"
#include "runtimes/docker/engine/stats.h"

namespace holdfast::docker {

class EngineClient final : public Client {
 public:
  EngineClient(Endpoint endpoint, const Clock& clock, EngineTimeouts timeouts);

  Result<EngineInfo> ping(Duration timeout) override { return session_.ping(timeout); }
  Result<std::string> identity() override;
  Result<std::vector<ContainerRow>> list(const std::string& label) override;
  Result<std::optional<Container>> inspect(const std::string& container) override;
  Result<std::string> create(const std::string& name, const CreateSpec& spec) override;
  Status start(const std::string& container) override;
  Status signal(const std::string& container, int signal) override;
  Status unpause(const std::string& container) override;
  Status remove(const std::string& container) override;
  Result<std::optional<Image>> image(const std::string& reference) override;
  Status pull(const std::string& reference, const std::function<void(const PullProgress&)>& progress,
              const std::stop_token& stop) override;
  Status upload(const std::string& container, const std::string& directory, const std::string& tar) override;
  Result<std::vector<LogLine>> logs(const std::string& container, bool tty, const LogQuery& query) override;
  Result<ExecResult> exec(const std::string& container, const std::vector<std::string>& argv,
                          Duration timeout) override;
  std::unique_ptr<Subscription> events(std::int64_t since_ns, EventHandlers handlers) override;
  std::vector<ResourceUsage> stats(const std::vector<std::string>& containers) override {
    return stats_.read(containers);
  }

 private:
  Result<Json> query(const std::string& target, const std::string& what);
  // A POST without a body to /containers/{container}{action}.
  Status act(const std::string& container, const std::string& action, const std::string& what,
             Duration timeout);
  // `all`: not only the newest. `seen` counts the lines of both streams.
  Result<std::vector<LogLine>> read_logs(const std::string& container, bool tty, const LogQuery& query,
                                         bool all, size_t& seen);
  Result<std::string> create_exec(const std::string& container, const std::vector<std::string>& argv,
                                  const std::string& what, Duration timeout);
  Result<int> exec_exit_code(const std::string& id, const std::string& what, MonoTime deadline);
  void kill_exec(const std::string& id);
  Result<Response> unpack(const std::string& container, const std::string& directory, const std::string& tar);
  Status make_directory(const std::string& container, const std::string& directory);

  const Clock& clock_;
  const EngineTimeouts timeouts_;
  const std::string registry_config_;
  Session session_;
  StatsStreams stats_{session_};
};

}  // namespace holdfast::docker
