#include "runtimes/kubernetes/inside/event_recorder.h"

#include <algorithm>
#include <array>
#include <utility>

#include "controller/base/log.h"

namespace holdfast::kubernetes {

namespace {

constexpr Duration kUidFor = std::chrono::minutes{1};  // a Deployment may be made anew under its name
constexpr size_t kMaxUids = 4096;

const Resource* resource_of(const EventObject& object) {
  static constexpr std::array<const Resource*, 3> kKnown{&kDeployments, &kPods, &kServices};
  for (const auto* resource : kKnown)
    if (resource->kind == object.kind && api_version(*resource) == object.api_version) return resource;
  return nullptr;
}

EventText text_of_event(const Event& event) {
  auto message = event.message;
  if (event.ordinal) message = "instance " + std::to_string(*event.ordinal) + ": " + message;
  return {.reason = event.type,
          .message = std::move(message),
          .warning = event.severity == "warning" || event.severity == "error",
          .at = event.at};
}

bool may_pass(const Error& error) {
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimeout;
}

}  // namespace

EventRecorder::EventRecorder(Client& client, const Clock& clock, Options options)
    : client_(client),
      clock_(clock),
      options_(std::move(options)),
      series_(options_.instance, options_.limits),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

EventRecorder::~EventRecorder() = default;

void EventRecorder::record(const Event& event) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= options_.queue) {
      ++stats_.dropped;
      return;
    }
    queue_.push_back(event);
  }
  wake_.notify_all();
}

bool EventRecorder::flush(Duration timeout) {
  std::unique_lock lock(mutex_);
  return wake_.wait_for(lock, timeout, [this] { return queue_.empty(); });
}

EventRecorder::Stats EventRecorder::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

std::optional<Error> EventRecorder::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

void EventRecorder::run(const std::stop_token& stop) {
  auto delay = options_.retry_initial;
  int attempts = 0;
  std::unique_lock lock(mutex_);
  while (wake_.wait(lock, stop, [this] { return !queue_.empty(); }) && !stop.stop_requested()) {
    const auto event = queue_.front();
    lock.unlock();
    // What fails for that long may fail for a reason of its own, and others wait.
    const bool finished = handle(event) || (++attempts >= options_.attempts && done(&Stats::failed, error()));
    lock.lock();
    if (finished) {
      queue_.pop_front();
      delay = options_.retry_initial;
      attempts = 0;
      wake_.notify_all();
      continue;
    }
    wake_.wait_for(lock, stop, delay, [] { return false; });
    delay = std::min(delay * 2, options_.retry_max);
  }
}

bool EventRecorder::handle(const Event& event) {
  if (!unsent_) {
    auto object = options_.locate ? options_.locate(event.service) : std::nullopt;
    if (!object) return true;
    if (object->uid.empty()) {
      auto uid = uid_of(*object);
      if (!uid) return later(uid.error());
      object->uid = std::move(*uid);
    }
    auto write = series_.next(*object, text_of_event(event), clock_.now());
    if (!write) return done(&Stats::dropped, error());
    unsent_.emplace(std::move(*object), std::move(*write));
  }
  return send(unsent_->first, unsent_->second);
}

// Empty: there is no such object, or it may not be read: an Event about it is still shown in lists.
Result<std::string> EventRecorder::uid_of(const EventObject& object) {
  const auto* resource = resource_of(object);
  if (!resource) return std::string();
  const auto key = object.kind + "/" + object.namespace_ + "/" + object.name;
  const auto now = clock_.now();
  if (const auto it = uids_.find(key); it != uids_.end() && now - it->second.asked_at < kUidFor)
    return it->second.uid;
  const auto found = client_.get(*resource, object.namespace_, object.name);
  if (!found && may_pass(found.error())) return fail(found.error());
  if (uids_.size() >= kMaxUids) uids_.clear();
  auto& known = uids_[key];
  known = {found && *found ? (*found)->at("metadata").at("uid").as_string() : std::string(), now};
  return known.uid;
}

bool EventRecorder::send(const EventObject& object, const EventSeries::Write& write) {
  const auto sent = write.patch ? client_.patch(kEvents, object.namespace_, write.name, write.body)
                                : client_.create(kEvents, object.namespace_, write.body);
  if (!sent && may_pass(sent.error())) return later(sent.error());
  if (sent) return done(&Stats::written, std::nullopt);
  series_.forget(write);
  // The name is taken: the write before was taken too, only its answer was lost.
  if (!write.patch && sent.error().code == ErrorCode::kConflict) return done(&Stats::written, std::nullopt);
  // Kubernetes keeps Events for an hour: a new one.
  if (write.patch && sent.error().code == ErrorCode::kNotFound) {
    unsent_.reset();
    return false;
  }
  return done(&Stats::failed, sent.error());
}

bool EventRecorder::later(const Error& error) {
  tell(error);
  return false;
}

bool EventRecorder::done(std::uint64_t Stats::* counter, const std::optional<Error>& error) {
  unsent_.reset();
  tell(error);
  const std::lock_guard lock(mutex_);
  ++(stats_.*counter);
  return true;
}

void EventRecorder::tell(const std::optional<Error>& error) {
  const std::lock_guard lock(mutex_);
  if (error && error != error_)
    log::warning("Kubernetes was not told of an event", {{"error", error->message}, {"hint", error->hint}});
  error_ = error;
}

}  // namespace holdfast::kubernetes
