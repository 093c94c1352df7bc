#include "runtimes/kubernetes/informer/course.h"

#include <algorithm>
#include <utility>

namespace holdfast::kubernetes {

namespace {

constexpr Duration kOpening = std::chrono::seconds{30};  // for the head of the answer
constexpr int kMostBarren = 3;
constexpr long kGone = 410, kBadRequest = 400, kTooLargeVersion = 504;

// Servers are asked for whole seconds, and take a moment to end a watch.
Duration slack(Duration watch_time) {
  return std::max<Duration>(std::chrono::seconds{2}, watch_time / 10);
}

}  // namespace

Course::Course(Options options, std::function<double()> random)
    : options_(options), random_(std::move(random)) {}

Course::Step Course::next(MonoTime now) {
  if (phase_ == Phase::kWatching && now >= silent_until_) {
    ++stalls_;
    fail_with(now, {ErrorCode::kUnavailable, "the watch has told nothing for too long", {}});
    not_before_ = now;  // it has waited long enough
  }
  if (phase_ == Phase::kListing || phase_ == Phase::kWatching || now < not_before_) return Step::kWait;
  if (down_since_ && now - *down_since_ > options_.watch_time) phase_ = Phase::kToList;
  if (phase_ == Phase::kToList) {
    phase_ = Phase::kListing;
    return Step::kList;
  }
  phase_ = Phase::kWatching;
  asked_ = options_.watch_time + std::chrono::duration_cast<Duration>(options_.watch_time * random_());
  silent_until_ = now + std::min(kOpening, asked_ + slack(options_.watch_time));
  opened_at_.reset();
  told_ = false;
  return Step::kWatch;
}

MonoTime Course::wake_at() const {
  if (phase_ == Phase::kWatching) return silent_until_;
  return phase_ == Phase::kListing ? MonoTime::max() : not_before_;
}

Duration Course::watch_time() {
  return asked_;
}

void Course::restored() {
  synced_ = true;
  error_.reset();
  down_since_.reset();
}

void Course::fail_with(MonoTime now, Error error) {
  synced_ = false;
  error_ = std::move(error);
  if (!down_since_) down_since_ = now;
  retry(now, Phase::kToWatch);
}

// Half of the time at least, so that many who lost the same server don't come back together.
void Course::retry(MonoTime now, Phase phase) {
  phase_ = phase;
  Duration delay = options_.retry_initial;
  for (int i = 0; i < failures_ && delay < options_.retry_max; ++i) delay *= 2;
  delay = std::min(delay, options_.retry_max);
  ++failures_;
  not_before_ = now + std::chrono::duration_cast<Duration>(delay * (0.5 + 0.5 * random_()));
}

void Course::listed(MonoTime now, const std::string& version) {
  version_ = version;
  restored();
  phase_ = Phase::kToWatch;
  not_before_ = now;
}

void Course::list_failed(MonoTime now, Error error) {
  fail_with(now, std::move(error));
  phase_ = Phase::kToList;
}

void Course::opened(MonoTime now) {
  opened_at_ = now;
  silent_until_ = now + asked_ + slack(options_.watch_time);
  restored();
}

void Course::heard(MonoTime now, const std::string& version) {
  if (!version.empty()) version_ = version;
  told_ = true;
  failures_ = 0;
  barren_ = 0;
  silent_until_ = now + asked_ + slack(options_.watch_time);
}

bool Course::lively(MonoTime now) const {
  const auto enough = std::min<Duration>(std::chrono::seconds{1}, options_.watch_time / 2);
  return told_ || (opened_at_ && now - *opened_at_ >= enough);
}

void Course::ended(MonoTime now, std::optional<Error> error, long status) {
  if (phase_ != Phase::kWatching) return;
  const bool was_lively = lively(now);
  if (was_lively) failures_ = barren_ = 0;
  if (status == kGone) {
    // Once at once; but not if what was just listed is too old already.
    const bool again = failures_ > 0;
    retry(now, Phase::kToList);
    if (!again) not_before_ = now;
    return;
  }
  if (error) {
    fail_with(now, std::move(*error));
    if (status == kBadRequest || status == kTooLargeVersion) phase_ = Phase::kToList;
    return;
  }
  phase_ = Phase::kToWatch;
  not_before_ = now;
  if (was_lively) return;
  // As kubernetes#104171: a server that answers each watch with nothing must not be asked without a pause.
  retry(now, ++barren_ >= kMostBarren ? Phase::kToList : Phase::kToWatch);
}

}  // namespace holdfast::kubernetes
