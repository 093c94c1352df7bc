// What is exported of the controller itself: its loop, its runtimes, its process.
#pragma once

#include <string>

#include "api/metrics/families.h"
#include "controller/model/control_plane.h"

namespace holdfast::metrics {

void add_build_info(const std::string& version, const std::string& revision, Families& families);
// Named like controller-runtime's, under our prefix.
void add_reconciler_metrics(const ReconcilerStats& stats, Families& families);
void add_runtime_metrics(const std::vector<RuntimeInfo>& runtimes, const ReadyReport& ready,
                         Families& families);
// The process_* metrics that Prometheus client libraries agree on, from /proc/self (proc(5)).
void add_process_metrics(Families& families);

}  // namespace holdfast::metrics
