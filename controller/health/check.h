// What the checks of a probe have in common: they answer once, later, never on the caller's stack.
#pragma once

#include <functional>

#include "controller/health/fold.h"

namespace holdfast::health {

using CheckDone = std::function<void(CheckResult)>;

}  // namespace holdfast::health
