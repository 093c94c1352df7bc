// One reading of one source of numbers. Both block for at most the deadline.
#pragma once

#include <map>
#include <string>

#include "controller/base/clock.h"
#include "controller/base/result.h"
#include "controller/model/service_spec.h"

namespace holdfast::telemetry {

using Values = std::map<std::string, double>;

// Thread-safe. Opens the database read-only, runs the query, and takes its rows as label and number (a NULL
// number is left out). The writer is never blocked, and waited for only a moment. kNotFound (no such file),
// kUnavailable (locked, not a database), kInvalid (the query, its columns or more than 1,000 rows), kTimeout.
Result<Values> read_sqlite(const SqliteCollector& source, const std::string& path, Duration deadline);

// Thread-safe. GET of a Prometheus text page of at most 8 MiB; proxies and redirects are not used. Keys as
// ExpositionParser gives them.
Result<Values> scrape(const PrometheusCollector& source, Duration deadline);

}  // namespace holdfast::telemetry
