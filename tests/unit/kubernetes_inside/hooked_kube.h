// The fake API server, and what happens on the way to it.
#pragma once

#include <functional>

#include "tests/fakes/fake_kube_client.h"

namespace holdfast::test {

class HookedKube final : public kubernetes::Client {
 public:
  using Resource = kubernetes::Resource;
  explicit HookedKube(FakeKube& server) : server_(server) {}

  std::function<void()> before, after;  // each get, create and update; may block or move a clock
  bool loses_answers = false;           // what is asked is done, and nobody hears of it
  // Answers a create instead of the server, where it gives something.
  std::function<std::optional<Result<Json>>(const Resource&, const Json&)> on_create;

  [[nodiscard]] const std::string& default_namespace() const override { return server_.default_namespace(); }
  [[nodiscard]] const std::string& server() const override { return server_.server(); }
  Result<std::string> version(Duration timeout) override { return server_.version(timeout); }
  Result<std::optional<Json>> get(const Resource& resource, const std::string& in,
                                  const std::string& name) override {
    return hooked<std::optional<Json>>([&] { return server_.get(resource, in, name); });
  }
  Result<std::string> list(const Resource& resource, const kubernetes::Selection& selection,
                           const std::function<void(Json object)>& each, const std::function<void()>& restart,
                           const std::stop_token& stop) override {
    return server_.list(resource, selection, each, restart, stop);
  }
  std::unique_ptr<kubernetes::Watch> watch(const Resource& resource, const kubernetes::Selection& selection,
                                           const std::string& version, Duration timeout,
                                           kubernetes::WatchHandlers handlers) override {
    return server_.watch(resource, selection, version, timeout, std::move(handlers));
  }
  Result<Json> create(const Resource& resource, const std::string& in, const Json& object) override {
    return hooked<Json>([&]() -> Result<Json> {
      if (on_create)
        if (auto answer = on_create(resource, object)) return *answer;
      return server_.create(resource, in, object);
    });
  }
  Result<Json> update(const Resource& resource, const std::string& in, const Json& object) override {
    return hooked<Json>([&] { return server_.update(resource, in, object); });
  }
  Result<Json> apply(const Resource& resource, const std::string& in, const Json& object,
                     const kubernetes::ApplyOptions& options) override {
    return server_.apply(resource, in, object, options);
  }
  Result<Json> patch(const Resource& resource, const std::string& in, const std::string& name,
                     const Json& patch) override {
    return server_.patch(resource, in, name, patch);
  }
  Status remove(const Resource& resource, const std::string& in, const std::string& name,
                const kubernetes::DeleteOptions& options) override {
    return server_.remove(resource, in, name, options);
  }
  Result<std::string> logs(const std::string& in, const std::string& pod,
                           const kubernetes::LogOptions& options) override {
    return server_.logs(in, pod, options);
  }

 private:
  template <typename T>
  Result<T> hooked(const std::function<Result<T>()>& call) {
    if (before) before();
    auto answer = call();
    if (after) after();
    if (loses_answers) return fail(ErrorCode::kTimeout, "no answer came");
    return answer;
  }

  FakeKube& server_;
};

}  // namespace holdfast::test
