// One way to a FakeDockerEngine, whose calls fail when told: before they took effect, or after, when only the
// answer got lost.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/fakes/fake_docker_engine.h"

namespace holdfast::test {

// Thread-safe. Calls go by the names of docker::Client's methods: "create", "start" ...
class FakeDockerClient final : public docker::Client {
 public:
  explicit FakeDockerClient(FakeDockerEngine& engine, std::string where = "unix:///fake.sock")
      : engine_(engine), where_(std::move(where)) {}

  void cut(const Error& why);  // every call fails from now on, and the events end
  void mend();
  // The next `times` such calls fail (-1: all of them); done: they take effect nevertheless.
  void fail_next(const std::string& call, Error error, bool done = false, int times = 1);
  void end_events(const Error& why) { engine_.events().end(this, why); }

  [[nodiscard]] int calls(const std::string& call) const;
  [[nodiscard]] int calls() const;                             // of all kinds
  [[nodiscard]] std::vector<std::int64_t> subscribed() const;  // `since_ns` of each subscription
  [[nodiscard]] std::vector<docker::CreateSpec> created() const;

  Result<docker::EngineInfo> ping(Duration timeout) override;
  Result<std::string> identity() override;
  Result<std::vector<docker::ContainerRow>> list(const std::string& label) override;
  Result<std::optional<docker::Container>> inspect(const std::string& container) override;
  Result<std::string> create(const std::string& name, const docker::CreateSpec& spec) override;
  Status start(const std::string& container) override;
  Status signal(const std::string& container, int signal) override;
  Status unpause(const std::string& container) override;
  Status remove(const std::string& container) override;
  Result<std::optional<docker::Image>> image(const std::string& reference) override;
  Status pull(const std::string& reference, const std::function<void(const docker::PullProgress&)>& progress,
              const std::stop_token& stop) override;
  Status upload(const std::string& container, const std::string& directory, const std::string& tar) override;
  // Two lines that tell whom they are of.
  Result<std::vector<LogLine>> logs(const std::string& container, bool tty, const LogQuery& query) override;
  // Prints the words of the command.
  Result<ExecResult> exec(const std::string& container, const std::vector<std::string>& argv,
                          Duration timeout) override;
  std::unique_ptr<docker::Subscription> events(std::int64_t since_ns,
                                               docker::EventHandlers handlers) override;
  // Of the n-th container asked for: n MiB.
  std::vector<ResourceUsage> stats(const std::vector<std::string>& containers) override;

 private:
  struct Fault {
    Error error;
    bool done = false;
    int times = 0;
  };
  std::optional<Fault> count(const std::string& call);
  template <typename Work>
  auto perform(const char* call, const Work& work) -> decltype(work()) {
    const auto fault = count(call);
    if (fault && !fault->done) return fail(fault->error);
    auto result = work();
    if (fault) return fail(fault->error);
    return result;
  }

  FakeDockerEngine& engine_;
  const std::string where_;
  mutable std::mutex mutex_;
  std::optional<Error> cut_;
  std::map<std::string, Fault> faults_;
  std::map<std::string, int> calls_;
  std::vector<std::int64_t> subscribed_;
  std::vector<docker::CreateSpec> created_;
};

}  // namespace holdfast::test
