// How long to wait before the next start, and what a restart budget still allows.
#pragma once

#include <string>

#include "controller/model/ledger.h"
#include "controller/model/service_spec.h"

namespace holdfast::planner {

// Before the restart after the n-th failure in a row (n >= 1): `initial`, then base * factor^(n-2) up to max,
// each lengthened by a share of `jitter` that is fixed for the streak: so delays never shrink within one.
Duration backoff_delay(const Backoff& policy, int failures, double share);

// In [0, 1), the same for one streak of one instance everywhere and always; spreads services that fail
// together.
double jitter_share(const std::string& service, int ordinal, std::uint64_t streak_start);

// Records a restart at `at` if the budget allows it; false if it is used up.
bool take_from_budget(OrdinalLedger& ledger, const RestartPolicy& policy, MonoTime now, MonoTime at);

}  // namespace holdfast::planner
