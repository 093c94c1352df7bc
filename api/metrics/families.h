// Builds metric families out of values: a thin layer over prometheus-cpp's data model.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>

namespace holdfast::metrics {

using Families = std::vector<prometheus::MetricFamily>;
using Labels = std::vector<std::pair<const char*, std::string>>;

// One family under construction. `name` and `help` are this program's own, label values anyone's: they are
// made valid UTF-8.
class Family {
 public:
  Family(std::string name, std::string help, prometheus::MetricType type);
  void add(const Labels& labels, double value);
  void add_histogram(const std::vector<std::pair<double, std::uint64_t>>& cumulative_buckets, double sum,
                     std::uint64_t count);
  void move_to(Families& families);  // unless it is empty

 private:
  prometheus::ClientMetric& labelled(const Labels& labels);
  prometheus::MetricFamily family_;
};

Family gauge(std::string name, std::string help);
Family counter(std::string name, std::string help);

}  // namespace holdfast::metrics
