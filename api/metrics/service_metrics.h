// What is exported of every service.
#pragma once

#include <vector>

#include "api/metrics/families.h"
#include "controller/model/status.h"

namespace holdfast::metrics {

void add_service_metrics(const std::vector<StatusPtr>& services, Families& families);

}  // namespace holdfast::metrics
