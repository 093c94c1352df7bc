#include "tests/fakes/fake_docker_client.h"

namespace holdfast::test {

void FakeDockerClient::cut(const Error& why) {
  {
    const std::lock_guard lock(mutex_);
    cut_ = why;
  }
  end_events(why);
}

void FakeDockerClient::mend() {
  const std::lock_guard lock(mutex_);
  cut_.reset();
}

void FakeDockerClient::fail_next(const std::string& call, Error error, bool done, int times) {
  const std::lock_guard lock(mutex_);
  faults_[call] = {.error = std::move(error), .done = done, .times = times};
}

int FakeDockerClient::calls(const std::string& call) const {
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(call);
  return found == calls_.end() ? 0 : found->second;
}

int FakeDockerClient::calls() const {
  const std::lock_guard lock(mutex_);
  int all = 0;
  for (const auto& [call, count] : calls_) all += count;
  return all;
}

std::vector<std::int64_t> FakeDockerClient::subscribed() const {
  const std::lock_guard lock(mutex_);
  return subscribed_;
}

std::vector<docker::CreateSpec> FakeDockerClient::created() const {
  const std::lock_guard lock(mutex_);
  return created_;
}

std::optional<FakeDockerClient::Fault> FakeDockerClient::count(const std::string& call) {
  const std::lock_guard lock(mutex_);
  ++calls_[call];
  if (cut_) return Fault{.error = *cut_};
  const auto found = faults_.find(call);
  if (found == faults_.end()) return std::nullopt;
  auto fault = found->second;
  if (--found->second.times == 0) faults_.erase(found);
  return fault;
}

Result<docker::EngineInfo> FakeDockerClient::ping(Duration /*timeout*/) {
  return perform("ping", [&]() -> Result<docker::EngineInfo> {
    return docker::EngineInfo{.name = "Fake Engine 1", .api_version = "1.41", .where = where_};
  });
}

Result<std::string> FakeDockerClient::identity() {
  return perform("identity", [&]() -> Result<std::string> { return engine_.identity(); });
}

Result<std::vector<docker::ContainerRow>> FakeDockerClient::list(const std::string& label) {
  return perform("list", [&] { return engine_.list(label); });
}

Result<std::optional<docker::Container>> FakeDockerClient::inspect(const std::string& container) {
  return perform("inspect", [&] { return engine_.inspect(container); });
}

Result<std::string> FakeDockerClient::create(const std::string& name, const docker::CreateSpec& spec) {
  return perform("create", [&] {
    {
      const std::lock_guard lock(mutex_);
      created_.push_back(spec);
    }
    return engine_.create(name, spec);
  });
}

Status FakeDockerClient::start(const std::string& container) {
  return perform("start", [&] { return engine_.start(container); });
}

Status FakeDockerClient::signal(const std::string& container, int signal) {
  return perform("signal", [&] { return engine_.signal(container, signal); });
}

Status FakeDockerClient::unpause(const std::string& container) {
  return perform("unpause", [&] { return engine_.unpause(container); });
}

Status FakeDockerClient::remove(const std::string& container) {
  return perform("remove", [&] { return engine_.remove(container); });
}

Result<std::optional<docker::Image>> FakeDockerClient::image(const std::string& reference) {
  return perform("image", [&]() -> Result<std::optional<docker::Image>> {
    const auto id = engine_.images().id_of(reference);
    return id ? std::optional(docker::Image{.id = *id}) : std::optional<docker::Image>();
  });
}

Status FakeDockerClient::pull(const std::string& reference,
                              const std::function<void(const docker::PullProgress&)>& progress,
                              const std::stop_token& stop) {
  return perform("pull", [&] { return engine_.images().pull(reference, progress, stop); });
}

Status FakeDockerClient::upload(const std::string& container, const std::string& directory,
                                const std::string& tar) {
  return perform("upload", [&] { return engine_.upload(container, directory, tar); });
}

Result<std::vector<LogLine>> FakeDockerClient::logs(const std::string& container, bool /*tty*/,
                                                    const LogQuery& /*query*/) {
  return perform("logs", [&]() -> Result<std::vector<LogLine>> {
    const auto found = engine_.look(container);
    if (found.id.empty()) return fail(ErrorCode::kNotFound, "No such container: " + container);
    const auto at = parse_rfc3339(found.started_at).value_or(WallTime{});
    using std::chrono::seconds;
    return std::vector<LogLine>{{.at = at, .stream = "stdout", .text = found.name + " begins"},
                                {.at = at + seconds{1}, .stream = "stderr", .text = found.name + " goes on"}};
  });
}

Result<ExecResult> FakeDockerClient::exec(const std::string& /*container*/,
                                          const std::vector<std::string>& argv, Duration /*timeout*/) {
  return perform("exec", [&]() -> Result<ExecResult> {
    ExecResult result;
    for (const auto& word : argv) result.output += word + "\n";
    return result;
  });
}

std::unique_ptr<docker::Subscription> FakeDockerClient::events(std::int64_t since_ns,
                                                               docker::EventHandlers handlers) {
  const auto fault = count("events");
  {
    const std::lock_guard lock(mutex_);
    subscribed_.push_back(since_ns);
  }
  if (!fault) {
    auto followed = engine_.events().follow(since_ns, std::move(handlers), this);
    const std::lock_guard lock(mutex_);
    if (cut_) end_events(*cut_);  // it was cut meanwhile
    return followed;
  }
  handlers.on_end(fault->error);
  return std::make_unique<docker::Subscription>();
}

std::vector<ResourceUsage> FakeDockerClient::stats(const std::vector<std::string>& containers) {
  std::vector<ResourceUsage> figures(containers.size());
  if (count("stats")) return figures;
  for (size_t i = 0; i < figures.size(); ++i)
    figures[i].memory_bytes = static_cast<std::int64_t>(i + 1) << 20;
  return figures;
}

}  // namespace holdfast::test
