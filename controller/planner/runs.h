// The runs of one service, grouped by ordinal.
#pragma once

#include <algorithm>
#include <span>
#include <tuple>
#include <vector>

#include "controller/model/observation.h"

namespace holdfast::planner {

using Runs = std::span<const ObservedInstance>;  // of one ordinal, oldest first

// Refers to the observation; copies it only if an adapter broke the order that is promised: to read two
// groups for one ordinal could mean to start it twice.
class GroupedRuns {
 public:
  explicit GroupedRuns(const Observation* observation) {
    if (observation == nullptr) return;
    runs_ = observation->instances;
    constexpr auto kBefore = [](const ObservedInstance& a, const ObservedInstance& b) {
      return std::tie(a.id.ordinal, a.incarnation) < std::tie(b.id.ordinal, b.incarnation);
    };
    if (std::is_sorted(runs_.begin(), runs_.end(), kBefore)) return;
    sorted_ = observation->instances;
    std::sort(sorted_.begin(), sorted_.end(), kBefore);
    runs_ = sorted_;
  }
  GroupedRuns(const GroupedRuns&) = delete;
  GroupedRuns& operator=(const GroupedRuns&) = delete;

  // The runs of `ordinal`; ordinals must be asked for in ascending order, none left out that next_ordinal()
  // gives.
  Runs take(int ordinal) {
    size_t count = 0;
    while (count < runs_.size() && runs_[count].id.ordinal == ordinal) ++count;
    const Runs group = runs_.first(count);
    runs_ = runs_.subspan(count);
    return group;
  }
  [[nodiscard]] bool empty() const { return runs_.empty(); }
  [[nodiscard]] int next_ordinal() const { return runs_.front().id.ordinal; }

 private:
  std::vector<ObservedInstance> sorted_;
  Runs runs_;
};

}  // namespace holdfast::planner
