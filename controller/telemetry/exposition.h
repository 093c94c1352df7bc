// The Prometheus text format, as far as names and values go:
// https://prometheus.io/docs/instrumenting/exposition_formats/ (and OpenMetrics, which this part reads
// alike).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"

namespace holdfast::telemetry {

// Reads a text piece by piece and keeps only the samples that are wanted, so that a large page costs no
// memory. Not thread-safe.
class ExpositionParser {
 public:
  // include: shell patterns of metric names; empty: all.
  explicit ExpositionParser(std::vector<std::string> include) : include_(std::move(include)) {}

  void feed(std::string_view piece);
  // "name" or "name{label=\"value\"}" as written -> value; NaN is left out. kInvalid, with the line number,
  // for a text of another kind, a line beyond 64 KiB or more than 1,000 wanted samples.
  Result<std::map<std::string, double>> finish();

 private:
  void take_line(std::string_view line);
  [[nodiscard]] bool wanted(std::string_view name) const;
  void fault(std::string what);

  std::vector<std::string> include_;
  std::string partial_;
  size_t line_ = 0;
  std::string fault_;
  std::map<std::string, double> samples_;
};

}  // namespace holdfast::telemetry
