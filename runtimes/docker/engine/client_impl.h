// The engine client's class, whose methods are spread over files by subject.
#pragma once

#include <string>
#include <vector>

#include "runtimes/docker/engine/engine_client.h"
#include "runtimes/docker/engine/session.h"

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
  std::vector<ResourceUsage> stats(const std::vector<std::string>& containers) override;

 private:
  Result<Json> query(const std::string& target, const std::string& what);
  // A POST without a body to /containers/{container}{action}.
  Status act(const std::string& container, const std::string& action, const std::string& what,
             Duration timeout);

  const Clock& clock_;
  const EngineTimeouts timeouts_;
  const std::string registry_config_;
  Session session_;
};

}  // namespace holdfast::docker
