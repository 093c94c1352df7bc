#include "api/metrics/families.h"

#include <algorithm>

#include "controller/base/json.h"

namespace holdfast::metrics {
namespace {

std::string valid_text(std::string text) {
  if (!is_valid_utf8(text)) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  }
  return text;
}

}  // namespace

Family::Family(std::string name, std::string help, prometheus::MetricType type) {
  family_.name = std::move(name);
  family_.help = std::move(help);
  family_.type = type;
}

prometheus::ClientMetric& Family::labelled(const Labels& labels) {
  auto& metric = family_.metric.emplace_back();
  metric.label.reserve(labels.size());
  for (const auto& [name, value] : labels) metric.label.push_back({name, valid_text(value)});
  return metric;
}

void Family::add(const Labels& labels, double value) {
  auto& metric = labelled(labels);
  if (family_.type == prometheus::MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
}

void Family::add_histogram(const std::vector<std::pair<double, std::uint64_t>>& cumulative_buckets,
                           double sum, std::uint64_t count) {
  auto& histogram = labelled({}).histogram;
  for (const auto& [bound, cumulative] : cumulative_buckets) histogram.bucket.push_back({cumulative, bound});
  histogram.sample_sum = sum;
  histogram.sample_count = count;
}

void Family::move_to(Families& families) {
  if (!family_.metric.empty()) families.push_back(std::move(family_));
}

Family gauge(std::string name, std::string help) {
  return {std::move(name), std::move(help), prometheus::MetricType::Gauge};
}

Family counter(std::string name, std::string help) {
  return {std::move(name), std::move(help), prometheus::MetricType::Counter};
}

}  // namespace holdfast::metrics
