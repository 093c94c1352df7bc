#include "controller/reconciler/status_board.h"

#include <utility>

namespace holdfast::reconciler {

namespace {
constexpr size_t kPastUpdates = 512;  // how far back a reader may resume; each holds a status alive
}

StatusBoard::~StatusBoard() {
  for (auto& [service, waiters] : waiters_) {
    for (auto& [id, waiter] : waiters) loop_.cancel(waiter.timer);
  }
}

StatusPtr StatusBoard::get(const std::string& service) const {
  const std::shared_lock lock(slots_mutex_);
  const auto it = slots_.find(service);
  return it == slots_.end() ? nullptr : it->second.status;
}

std::vector<StatusPtr> StatusBoard::all() const {
  const std::shared_lock lock(slots_mutex_);
  std::vector<StatusPtr> statuses;
  statuses.reserve(slots_.size());
  for (const auto& [name, slot] : slots_) statuses.push_back(slot.status);
  return statuses;
}

size_t StatusBoard::size() const {
  const std::shared_lock lock(slots_mutex_);
  return slots_.size();
}

void StatusBoard::publish(const std::string& service, const StatusPtr& status, std::uint64_t version,
                          bool notify) {
  {
    // The slot changes under the hub's lock, so that a new subscriber's snapshot and its first update join
    // exactly.
    const std::lock_guard hub(hub_mutex_);
    {
      const std::unique_lock lock(slots_mutex_);
      slots_[service] = {status, version};
    }
    if (notify) emit({0, "service", service, status, nullptr});
  }
  if (status->settled) settle(service, status, version);
}

void StatusBoard::amend(const std::string& service, const std::function<void(ServiceStatus&)>& change) {
  const std::unique_lock lock(slots_mutex_);
  const auto it = slots_.find(service);
  if (it == slots_.end()) return;
  auto amended = std::make_shared<ServiceStatus>(*it->second.status);
  change(*amended);
  it->second.status = std::move(amended);
}

void StatusBoard::remove(const std::string& service) {
  {
    const std::lock_guard hub(hub_mutex_);
    {
      const std::unique_lock lock(slots_mutex_);
      if (slots_.erase(service) == 0) return;
    }
    emit({0, "service-removed", service, nullptr, nullptr});
  }
  settle(service, nullptr, UINT64_MAX);
}

void StatusBoard::publish_event(const Event& event) {
  const std::lock_guard hub(hub_mutex_);
  emit({0, "event", event.service, nullptr, std::make_shared<const Event>(event)});
}

void StatusBoard::publish_config(std::uint64_t revision) {
  const std::lock_guard hub(hub_mutex_);
  emit({0, "config", std::to_string(revision), nullptr, nullptr});
}

void StatusBoard::emit(Update update) {
  update.sequence = ++sequence_;
  past_.push_back(update);
  if (past_.size() > kPastUpdates) past_.pop_front();
  for (const auto& [id, sink] : sinks_) sink(update);
}

std::optional<std::uint64_t> StatusBoard::subscribe(std::uint64_t after, UpdateSink sink) {
  const std::lock_guard hub(hub_mutex_);
  if (after > 0) {
    const std::uint64_t oldest = sequence_ - past_.size();  // the last one no longer held
    if (after < oldest || after > sequence_) return std::nullopt;
    for (const auto& update : past_) {
      if (update.sequence > after) sink(update);
    }
  } else {
    for (const auto& status : all()) {
      if (status->spec) sink({sequence_, "service", status->spec->name, status, nullptr});
    }
    sink({sequence_, "synced", "", nullptr, nullptr});
  }
  sinks_.emplace(next_subscription_, std::move(sink));
  return next_subscription_++;
}

void StatusBoard::unsubscribe(std::uint64_t subscription) {
  const std::lock_guard hub(hub_mutex_);
  sinks_.erase(subscription);
}

void StatusBoard::when_settled(const std::string& service, std::uint64_t version, Duration within,
                               std::function<void(StatusPtr)> done) {
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(waiters_mutex_);
    id = next_waiter_++;
    const auto timer = loop_.after(within, [this, service, id] {
      std::function<void(StatusPtr)> expired;
      {
        const std::lock_guard relock(waiters_mutex_);
        const auto it = waiters_.find(service);
        if (it == waiters_.end()) return;
        if (auto node = it->second.extract(id)) expired = std::move(node.mapped().done);
      }
      if (expired) expired(get(service));
    });
    waiters_[service].emplace(id, Waiter{version, std::move(done), timer});
  }
  // It may have settled before the waiter was there to be told.
  Slot slot;
  {
    const std::shared_lock lock(slots_mutex_);
    const auto it = slots_.find(service);
    if (it != slots_.end()) slot = it->second;
  }
  if (slot.status && slot.status->settled) settle(service, slot.status, slot.version);
}

void StatusBoard::settle(const std::string& service, const StatusPtr& status, std::uint64_t version) {
  std::vector<Waiter> ready;
  {
    const std::lock_guard lock(waiters_mutex_);
    const auto it = waiters_.find(service);
    if (it == waiters_.end()) return;
    for (auto waiter = it->second.begin(); waiter != it->second.end();) {
      if (waiter->second.version > version) {
        ++waiter;
        continue;
      }
      ready.push_back(std::move(waiter->second));
      waiter = it->second.erase(waiter);
    }
    if (it->second.empty()) waiters_.erase(it);
  }
  for (auto& waiter : ready) {
    loop_.cancel(waiter.timer);
    waiter.done(status);
  }
}

namespace {

bool same_news(const InstanceStatus& a, const InstanceStatus& b) {
  const auto &x = a.observed, &y = b.observed;
  return x.id.ordinal == y.id.ordinal && x.name == y.name && x.incarnation == y.incarnation &&
         x.phase == y.phase && x.pid == y.pid && x.exit == y.exit && x.spec_hash == y.spec_hash &&
         x.notify_ready == y.notify_ready && x.notify_status == y.notify_status && x.message == y.message &&
         x.drift == y.drift && a.health == b.health && a.ready == b.ready &&
         a.health_message == b.health_message;
}

bool same_news(const Condition& a, const Condition& b) {
  return a.type == b.type && a.status == b.status && a.reason == b.reason && a.message == b.message;
}

template <typename T>
bool all_same(const std::vector<T>& a, const std::vector<T>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const T& x, const T& y) { return same_news(x, y); });
}

}  // namespace

bool same_news(const ServiceStatus& a, const ServiceStatus& b) {
  return a.spec == b.spec && a.runtime == b.runtime && a.runtime_mode == b.runtime_mode &&
         a.desired == b.desired && a.phase == b.phase && a.ready == b.ready &&
         a.observed_generation == b.observed_generation && a.restarts == b.restarts &&
         a.restart_nonce == b.restart_nonce && a.settled == b.settled && a.last_exit == b.last_exit &&
         a.last_error == b.last_error && a.waiting_for == b.waiting_for &&
         all_same(a.instances, b.instances) && all_same(a.conditions, b.conditions);
}

}  // namespace holdfast::reconciler
