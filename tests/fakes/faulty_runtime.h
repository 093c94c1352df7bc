// A runtime that fails now and then, as real ones do: before an action took effect, or after it, when only
// the answer got lost.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "runtimes/decorators.h"
#include "tests/support/random.h"

namespace holdfast::test {

// Thread-safe. Which calls fail depends on the seed and the order of calls alone.
class FaultyRuntime final : public RuntimeDecorator {
 public:
  FaultyRuntime(std::shared_ptr<Runtime> inner, std::uint64_t seed)
      : RuntimeDecorator(std::move(inner)), random_(seed) {}

  // One call in `n` fails; 0: none does.
  void fail_one_in(int n) { one_in_ = n; }
  [[nodiscard]] std::uint64_t failures() const { return failures_; }

  Result<Observation> observe(const std::string& service) override {
    if (fails()) return fail(lost("observe"));
    return RuntimeDecorator::observe(service);
  }
  Result<std::vector<std::string>> list_owned() override {
    if (fails()) return fail(lost("list"));
    return RuntimeDecorator::list_owned();
  }
  Status execute(const Action& action, const ActionContext& context) override {
    if (fails()) return fail(lost("execute"));
    auto done = RuntimeDecorator::execute(action, context);
    if (done && fails()) return fail(lost("answer to execute"));
    return done;
  }

 private:
  bool fails() {
    const std::lock_guard lock(mutex_);
    if (one_in_ == 0 || !random_.one_in(one_in_)) return false;
    ++failures_;
    return true;
  }
  static Error lost(const std::string& what) {
    return Error{ErrorCode::kUnavailable, "the runtime did not answer: " + what, {}, false, {}};
  }

  std::mutex mutex_;
  Random random_;
  std::atomic<int> one_in_{0};
  std::atomic<std::uint64_t> failures_{0};
};

}  // namespace holdfast::test
