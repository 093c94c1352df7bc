// Runtimes around runtimes: adapters stay plain, and what is wanted of all of them is written once.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "runtimes/runtime.h"

namespace holdfast {

// Hands every call on. Base of the others, as thread-safe as what it wraps.
class RuntimeDecorator : public Runtime {
 public:
  explicit RuntimeDecorator(std::shared_ptr<Runtime> inner) : inner_(std::move(inner)) {}
  [[nodiscard]] RuntimeKind kind() const override { return inner_->kind(); }
  [[nodiscard]] Capabilities capabilities() const override { return inner_->capabilities(); }
  [[nodiscard]] Availability availability() const override { return inner_->availability(); }
  Status validate(const ServiceSpec& spec) override { return inner_->validate(spec); }
  void declare(const std::map<std::string, SpecPtr>& services) override { inner_->declare(services); }
  Result<Preparation> prepare(const ActionContext& context) override { return inner_->prepare(context); }
  Result<Observation> observe(const std::string& service) override { return inner_->observe(service); }
  Result<std::vector<std::string>> list_owned() override { return inner_->list_owned(); }
  Status execute(const Action& action, const ActionContext& context) override {
    return inner_->execute(action, context);
  }
  void on_change(std::function<void(const std::string& service)> sink) override {
    inner_->on_change(std::move(sink));
  }
  void on_availability(const std::function<void()>& sink) override { inner_->on_availability(sink); }
  void on_note(const std::function<void(const RuntimeNote&)>& sink) override { inner_->on_note(sink); }
  std::vector<ResourceUsage> usage(const std::vector<ObservedInstance>& instances) override {
    return inner_->usage(instances);
  }
  LogReader* logs() override { return inner_->logs(); }
  ExecRunner* exec() override { return inner_->exec(); }

 protected:
  [[nodiscard]] Runtime& inner() const { return *inner_; }

 private:
  std::shared_ptr<Runtime> inner_;
};

// Sees the real world and changes nothing in it: what would have been done is kept for the asker.
class DryRunRuntime final : public RuntimeDecorator {
 public:
  using RuntimeDecorator::RuntimeDecorator;
  Status execute(const Action& action, const ActionContext& context) override;
  [[nodiscard]] std::vector<Action> would_do() const;  // the newest kMaxKept, oldest first

  static constexpr size_t kMaxKept = 10'000;

 private:
  mutable std::mutex mutex_;
  std::deque<Action> actions_;
};

}  // namespace holdfast
