// Of the fake API server: what can be made to go wrong, and what was asked of it.
#include <algorithm>

#include "tests/fakes/fake_kube_watch.h"

namespace holdfast::test {

namespace {

const Error& unreachable_error() {
  static const Error error{ErrorCode::kUnavailable, "the API server can't be reached", {}};
  return error;
}

}  // namespace

void FakeKube::set_logs(const std::string& namespace_, const std::string& pod, const std::string& text) {
  const std::lock_guard lock(mutex_);
  logs_[namespace_ + "/" + pod] = text;
}

void FakeKube::bookmark() {
  const std::lock_guard lock(mutex_);
  auto metadata = Json::object({{"resourceVersion", std::to_string(version_)}});
  const kubernetes::WatchEvent event{kubernetes::WatchEvent::Type::kBookmark,
                                     Json::object({{"metadata", std::move(metadata)}})};
  for (const auto& watch : watches_) {
    if (watch->over || silent_) continue;
    post(watch, [event](const auto& handlers) {
      if (handlers.on_event) handlers.on_event(event);
    });
  }
}

void FakeKube::compact() {
  const std::lock_guard lock(mutex_);
  oldest_ = version_;
  records_.clear();
}

void FakeKube::fail_next(const std::string& verb, const std::string& plural, Error error, int times,
                         long status) {
  const std::lock_guard lock(mutex_);
  planned_.push_back({verb, plural, std::move(error), times, status});
}

void FakeKube::set_unreachable(bool unreachable) {
  const std::lock_guard lock(mutex_);
  unreachable_ = unreachable;
  if (!unreachable) return;
  for (const auto& watch : watches_) end(watch, unreachable_error(), 0);
}

void FakeKube::end_watches(const std::optional<Error>& error, long status) {
  const std::lock_guard lock(mutex_);
  for (const auto& watch : watches_) end(watch, error, status);
}

void FakeKube::set_silent(bool silent) {
  const std::lock_guard lock(mutex_);
  silent_ = silent;
}

void FakeKube::set_barren(bool barren) {
  const std::lock_guard lock(mutex_);
  barren_ = barren;
}

void FakeKube::hold_lists(bool hold) {
  const std::lock_guard lock(mutex_);
  held_ = hold;
  news_.notify_all();
}

void FakeKube::interrupt_next_list() {
  const std::lock_guard lock(mutex_);
  interrupt_ = true;
}

std::optional<std::pair<Error, long>> FakeKube::fault(const std::string& verb, const Resource& resource,
                                                      const std::string& namespace_,
                                                      const std::string& name) {
  auto call = verb + " " + fake_kind(resource);
  if (!namespace_.empty() || !name.empty()) call += " " + namespace_;
  calls_.push_back(name.empty() ? call : call + "/" + name);
  if (unreachable_) return std::pair(unreachable_error(), 0L);
  const auto planned = std::find_if(planned_.begin(), planned_.end(), [&](const Planned& plan) {
    return plan.verb == verb && (plan.plural.empty() || plan.plural == resource.plural);
  });
  if (planned == planned_.end()) return std::nullopt;
  auto out = std::pair(planned->error, planned->status);
  if (--planned->times <= 0) planned_.erase(planned);
  return out;
}

size_t FakeKube::open_watches() const {
  const std::lock_guard lock(mutex_);
  return static_cast<size_t>(
      std::count_if(watches_.begin(), watches_.end(), [](const auto& watch) { return !watch->over; }));
}

std::vector<std::string> FakeKube::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

size_t FakeKube::count(const std::string& call_prefix) const {
  const std::lock_guard lock(mutex_);
  return static_cast<size_t>(std::count_if(
      calls_.begin(), calls_.end(), [&](const std::string& call) { return call.starts_with(call_prefix); }));
}

}  // namespace holdfast::test
