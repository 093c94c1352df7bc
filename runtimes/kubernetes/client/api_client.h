// The client's class.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "runtimes/http/transport.h"
#include "runtimes/kubernetes/client/access.h"
#include "runtimes/kubernetes/client/client.h"
#include "runtimes/kubernetes/client/credentials.h"
#include "runtimes/kubernetes/client/question.h"

namespace holdfast::kubernetes {

class ApiClient final : public Client {
 public:
  ApiClient(Access access, const Clock& clock, ClientTimeouts timeouts);

  [[nodiscard]] const std::string& default_namespace() const override { return access_.default_namespace; }
  [[nodiscard]] const std::string& server() const override { return access_.server; }
  Result<std::string> version(Duration timeout) override;
  Result<std::optional<Json>> get(const Resource& resource, const std::string& namespace_,
                                  const std::string& name) override;
  Result<std::string> list(const Resource& resource, const Selection& selection,
                           const std::function<void(Json object)>& each, const std::function<void()>& restart,
                           const std::stop_token& stop) override;
  std::unique_ptr<Watch> watch(const Resource& resource, const Selection& selection,
                               const std::string& resource_version, Duration timeout,
                               WatchHandlers handlers) override;
  Result<Json> create(const Resource& resource, const std::string& namespace_, const Json& object) override;
  Result<Json> update(const Resource& resource, const std::string& namespace_, const Json& object) override;
  Result<Json> apply(const Resource& resource, const std::string& namespace_, const Json& object,
                     const ApplyOptions& options) override;
  Result<Json> patch(const Resource& resource, const std::string& namespace_, const std::string& name,
                     const Json& patch) override;
  Status remove(const Resource& resource, const std::string& namespace_, const std::string& name,
                const DeleteOptions& options) override;
  Result<std::string> logs(const std::string& namespace_, const std::string& pod,
                           const LogOptions& options) override;

 private:
  struct Attempt {
    http_client::Request request{};
    MonoTime deadline{};
    std::stop_token stop{};
  };
  // The answer with any status, after waits that the server asked for and one renewal of credentials.
  Result<http_client::Response> ask(Attempt attempt);
  // The same, once; the deadline moves by what it takes to come by credentials.
  Result<http_client::Response> ask_once(Attempt& attempt, Grant& used);
  // A call whose failures are errors.
  Result<http_client::Response> call(const Question& question, const Parameters& parameters,
                                     http_client::Request request);
  Result<Json> call_json(const Question& question, const Parameters& parameters,
                         http_client::Request request);
  // One page; `next` is the token of the one after it, empty after the last. nullopt: the token has expired.
  Result<std::optional<Json>> page(const Question& question, const Selection& selection,
                                   const std::string& next, MonoTime deadline, const std::stop_token& stop);
  Result<Grant> grant();
  [[nodiscard]] http_client::Endpoint endpoint_for(const Grant& grant) const;

  const Access access_;
  const Clock& clock_;
  const ClientTimeouts timeouts_;
  Credentials credentials_;
  std::mutex mutex_;
  Grant shown_;  // whose certificates the transport uses
  http_client::Transport transport_;
};

}  // namespace holdfast::kubernetes
