#include "runtimes/kubernetes/inside/lease.h"

#include <algorithm>
#include <utility>

#include "controller/base/log.h"

namespace holdfast::kubernetes {

LeaseElector::LeaseElector(Client& client, const Clock& clock, std::string in_namespace,
                           const Candidate& candidate, ElectionTimes times)
    : client_(client),
      clock_(clock),
      namespace_(std::move(in_namespace)),
      name_(candidate.lease),
      election_(candidate, times),
      random_(static_cast<unsigned>(std::hash<std::string>{}(candidate.identity))) {}

LeaseElector::~LeaseElector() = default;

void LeaseElector::on_change(std::function<void()> sink) {
  sink_ = std::move(sink);
}

void LeaseElector::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void LeaseElector::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto pause = step();
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, pause, [] { return false; });
  }
}

bool LeaseElector::leads() const {
  const std::lock_guard lock(mutex_);
  return election_.leads(clock_.now());
}

Leader LeaseElector::leader() const {
  const std::lock_guard lock(mutex_);
  return election_.leader(clock_.now());
}

std::optional<Error> LeaseElector::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

Duration LeaseElector::step() {
  tell();  // what time alone has changed, before a call that may block
  if (attempt()) attempt();
  tell();
  const std::lock_guard lock(mutex_);
  std::uniform_real_distribution<double> spread(0, 1);
  return election_.pause(clock_.now(), spread(random_));
}

bool LeaseElector::attempt() {
  bool must_read = false;
  {
    const std::lock_guard lock(mutex_);
    must_read = election_.must_read(clock_.now());
  }
  if (must_read) {
    if (auto seen = read(); !seen) {
      note(std::move(seen.error()));
      return false;
    }
  }
  std::optional<Election::Write> wanted;
  {
    const std::lock_guard lock(mutex_);
    wanted = election_.wanted(clock_.now(), clock_.wall());
  }
  auto written = wanted ? write(*wanted) : Status();
  if (written) {
    note(std::nullopt);
    return false;
  }
  const auto code = written.error().code;
  if (code != ErrorCode::kConflict) note(std::move(written.error()));
  return code == ErrorCode::kConflict || code == ErrorCode::kNotFound;
}

Status LeaseElector::read() {
  const auto found = client_.get(kLeases, namespace_, name_);
  const auto received = clock_.now();
  const std::lock_guard lock(mutex_);
  if (!found) {
    election_.failed();
    return fail(found.error());
  }
  election_.saw(*found, received);
  return {};
}

Status LeaseElector::write(const Election::Write& write) {
  const auto sent = clock_.now();
  const auto written = write.create ? client_.create(kLeases, namespace_, write.lease)
                                    : client_.update(kLeases, namespace_, write.lease);
  const auto received = clock_.now();
  const std::lock_guard lock(mutex_);
  if (!written) {
    election_.failed();
    return fail(written.error());
  }
  election_.wrote(*written, sent, received);
  return {};
}

Status LeaseElector::resign() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
  {
    const std::lock_guard lock(mutex_);
    election_.resigned(clock_.wall());  // leads no longer, before anybody is told
  }
  tell();
  if (auto seen = read(); !seen) return seen;
  std::optional<Election::Write> release;
  {
    const std::lock_guard lock(mutex_);
    release = election_.resigned(clock_.wall());
  }
  if (!release) return {};
  auto released = write(*release);
  tell();
  // Somebody else's by now: so it is free of us all the same.
  if (!released && released.error().code == ErrorCode::kConflict) return {};
  return released;
}

void LeaseElector::note(std::optional<Error> error) {
  const std::lock_guard lock(mutex_);
  if (error && error != error_)
    log::warning("the lease can't be kept or followed",
                 {{"lease", namespace_ + "/" + name_}, {"error", error->message}, {"hint", error->hint}});
  error_ = std::move(error);
}

void LeaseElector::tell() {
  {
    const std::lock_guard lock(mutex_);
    const auto leader = election_.leader(clock_.now());
    Known now{election_.leads(clock_.now()), leader.identity, leader.address};
    if (now == told_) return;
    if (now.leads != told_.leads)
      log::info(now.leads ? "leads now" : "leads no longer", {{"lease", namespace_ + "/" + name_}});
    told_ = std::move(now);
  }
  if (sink_) sink_();
}

}  // namespace holdfast::kubernetes
