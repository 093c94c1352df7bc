// What a candidate does about a Lease, as a function of what it has seen of it: nothing here asks a server,
// sleeps or reads a clock.
//
//   follower: read, read, ... -> nobody holds it, or its record hasn't changed for its duration: take it
//   leader:   renew, renew, ... -> a renewal failed: read it again -> still ours: renew; another's: follower
//
// A leader may act until renew_deadline after it *sent* its last successful renewal. Others count the whole
// lease duration from when they have *received* what that renewal wrote, or later. So as long as the deadline
// is shorter than the duration, and clocks run at nearly the same speed, no two may act at once; what clocks
// show doesn't matter, and neither do delays.
//
// A Lease that somebody deletes under its leader counts as held for as long as one that isn't renewed, except
// for that leader, who makes a new one. (A candidate that begins just then can't know of it.)
//
// Sources: https://kubernetes.io/docs/concepts/architecture/leases/
//          https://pkg.go.dev/k8s.io/client-go/tools/leaderelection
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "controller/base/clock.h"
#include "controller/base/json.h"
#include "controller/base/result.h"
#include "controller/model/leadership.h"

namespace holdfast::kubernetes {

struct ElectionTimes {
  Duration lease = std::chrono::seconds{15};  // whole seconds: others wait that long
  Duration renew_deadline = std::chrono::seconds{10};
  Duration retry = std::chrono::seconds{2};
};
// kInvalid unless retry < renew_deadline < lease.
Status check(const ElectionTimes& times);

// Who stands for election. The identity names one process, not a pod: see unique_identity().
struct Candidate {
  std::string lease{};  // name of the Lease
  std::string identity{};
  std::string address{};  // of its API, for the others; may be empty
};

// Not thread-safe.
class Election {
 public:
  struct Write {
    bool create = false;  // otherwise an update of the version last seen
    Json lease{};
  };

  Election(Candidate candidate, ElectionTimes times) : candidate_(std::move(candidate)), times_(times) {}

  // An attempt is: read if it must be, write what is wanted; if somebody else was faster, the same once more.
  // Another's Lease is known by looking alone; ours changes through nobody else, or the renewal fails.
  [[nodiscard]] bool must_read(MonoTime now) const { return must_read_ || !leads(now); }
  // What a read has given; nullopt: there is no Lease.
  void saw(const std::optional<Json>& lease, MonoTime received);
  // What to write now, if anything.
  [[nodiscard]] std::optional<Write> wanted(MonoTime now, WallTime wall) const;
  void wrote(const Json& lease, MonoTime sent, MonoTime received);
  // A read or write failed; what became of it is not known.
  void failed() { must_read_ = true; }

  // What gives the Lease back, if it is ours; nothing is led from then on.
  std::optional<Write> resigned(WallTime wall);

  [[nodiscard]] bool leads(MonoTime now) const { return leads_until_ && now < *leads_until_; }
  // Nobody, if whoever holds the Lease should have renewed it.
  [[nodiscard]] Leader leader(MonoTime now) const;
  // Until the next attempt; `spread` is from 0 to 1 and keeps candidates apart.
  [[nodiscard]] Duration pause(MonoTime now, double spread) const;

 private:
  [[nodiscard]] const std::string& holder() const;
  [[nodiscard]] bool ours() const { return holder() == candidate_.identity; }
  // When the holder's time is over, as far as is known; nullopt: nobody has any.
  [[nodiscard]] std::optional<MonoTime> expiry() const;
  [[nodiscard]] bool may_take(MonoTime now) const;
  [[nodiscard]] Json renewed(WallTime wall) const;
  [[nodiscard]] Json fresh_time(WallTime wall) const;

  const Candidate candidate_;
  const ElectionTimes times_;
  Json lease_;                // as last seen; null: never
  bool exists_ = false;       // false with a lease_: it was deleted since
  bool was_leading_ = false;  // when it was found deleted
  bool must_read_ = true;
  bool resigned_ = false;
  MonoTime changed_at_{};  // when its current version was seen first, or that it was deleted
  std::optional<MonoTime> leads_until_;
};

// "NAME_4f1c…": two processes never share one, nor a process and its successor of the same name.
std::string unique_identity(const std::string& name);

}  // namespace holdfast::kubernetes
