#include "runtimes/kubernetes/pod_usage.h"

#include <utility>

#include "runtimes/kubernetes/quantity.h"

namespace holdfast::kubernetes {

ResourceUsage usage_of(const Json& pod_metrics) {
  ResourceUsage usage;
  for (const auto& container : pod_metrics.at("containers").items()) {
    if (const auto cores = parse_quantity(container.at("usage").at("cpu")))
      usage.cpu_percent = usage.cpu_percent.value_or(0) + *cores * 100;
    if (const auto bytes = parse_quantity(container.at("usage").at("memory")))
      usage.memory_bytes = usage.memory_bytes.value_or(0) + static_cast<std::int64_t>(*bytes);
  }
  return usage;
}

PodUsage::PodUsage(const Clock& clock, std::string selector, UsageOptions options)
    : clock_(clock), selector_(std::move(selector)), options_(options) {}

ResourceUsage PodUsage::of(Client& client, const std::string& namespace_, const std::string& pod) {
  const std::lock_guard lock(mutex_);
  auto& figures = by_namespace_[namespace_];
  const bool fresh = figures.read_at && clock_.now() - *figures.read_at < figures.keep;
  if (!fresh && !figures.asked) {
    figures.asked = true;
    client_ = &client;
    if (!thread_.joinable()) thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    wake_.notify_all();
  }
  const auto found = figures.pods.find(pod);
  return found == figures.pods.end() ? ResourceUsage{} : found->second;
}

void PodUsage::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::set<std::string> asked;
    Client* client = nullptr;
    {
      std::unique_lock lock(mutex_);
      const auto any = [&] {
        for (const auto& [name, figures] : by_namespace_)
          if (figures.asked) asked.insert(name);
        return !asked.empty();
      };
      if (!wake_.wait(lock, stop, any)) return;
      client = client_;
    }
    for (const auto& name : asked) read(*client, name, stop);
  }
}

void PodUsage::read(Client& client, const std::string& namespace_, const std::stop_token& stop) {
  std::map<std::string, ResourceUsage> pods;
  const auto listed = client.list(
      kPodMetrics, {.namespace_ = namespace_, .label_selector = selector_},
      [&](const Json& pod) { pods[pod.at("metadata").at("name").as_string()] = usage_of(pod); },
      [&] { pods.clear(); }, stop);
  const std::lock_guard lock(mutex_);
  auto& figures = by_namespace_[namespace_];
  figures.asked = false;
  figures.read_at = clock_.now();
  figures.keep = listed ? options_.interval : options_.without_metrics;
  figures.pods = std::move(pods);
}

}  // namespace holdfast::kubernetes
