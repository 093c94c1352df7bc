#include "runtimes/docker/engine/client_impl.h"
namespace holdfast::docker {
Status EngineClient::pull(const std::string&, const std::function<void(const PullProgress&)>&,
                          const std::stop_token&) {
  return fail(ErrorCode::kUnavailable, "not yet");
}
Status EngineClient::upload(const std::string&, const std::string&, const std::string&) {
  return fail(ErrorCode::kUnavailable, "not yet");
}
Result<std::vector<LogLine>> EngineClient::logs(const std::string&, bool, const LogQuery&) {
  return fail(ErrorCode::kUnavailable, "not yet");
}
Result<ExecResult> EngineClient::exec(const std::string&, const std::vector<std::string>&, Duration) {
  return fail(ErrorCode::kUnavailable, "not yet");
}
std::vector<ResourceUsage> EngineClient::stats(const std::vector<std::string>& c) {
  return std::vector<ResourceUsage>(c.size());
}
}  // namespace holdfast::docker
