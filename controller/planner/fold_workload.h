// The part of fold_into() for runtimes that keep whole workloads by themselves.
#pragma once

#include <vector>

#include "controller/planner/planner.h"

namespace holdfast::planner {

bool fold_workload(RestartLedger& ledger, const FoldInput& input, std::vector<FoldNote>* notes);

}  // namespace holdfast::planner
