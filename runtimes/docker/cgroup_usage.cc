#include "runtimes/docker/cgroup_usage.h"

#include <charconv>
#include <cstdlib>
#include <map>
#include <sstream>

#include "controller/base/file.h"

namespace holdfast::docker {

namespace {

// Controller -> directory of the container's group; "" is the unified hierarchy. Empty if the process is in
// none of that container's.
std::map<std::string, std::string> groups_of(const std::string& container, const std::string& text,
                                             const std::string& root) {
  std::map<std::string, std::string> groups;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {  // "4:memory:/docker/<id>"
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const auto path = line.substr(second + 1);
    if (path.find(container) == std::string::npos) continue;
    std::istringstream controllers(line.substr(first + 1, second - first - 1));
    if (first + 1 == second) groups[""] = root + path;
    for (std::string name; std::getline(controllers, name, ',');) groups[name] = root + "/" + name + path;
  }
  return groups;
}

std::optional<std::int64_t> number_in(const std::string& path) {
  const auto text = read_file(path, 4096);
  if (!text) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  return error == std::errc{} && end != text->data() ? std::optional(value) : std::nullopt;
}

// A line "key value" of a file.
std::optional<std::int64_t> value_in(const std::string& path, const std::string& key) {
  std::istringstream lines(read_file(path, 64 << 10).value_or(""));
  for (std::string name, value; lines >> name >> value;) {
    if (name == key) return std::strtoll(value.c_str(), nullptr, 10);
  }
  return std::nullopt;
}

std::optional<std::int64_t> less_cache(std::optional<std::int64_t> usage,
                                       std::optional<std::int64_t> inactive) {
  if (usage && inactive && *inactive < *usage) return *usage - *inactive;
  return usage;
}

ResourceUsage read_v1(const std::map<std::string, std::string>& groups) {
  ResourceUsage usage;
  const auto at = [&](const char* controller) {
    const auto found = groups.find(controller);
    return found == groups.end() ? std::string("/nonexistent") : found->second;
  };
  usage.memory_bytes = less_cache(number_in(at("memory") + "/memory.usage_in_bytes"),
                                  value_in(at("memory") + "/memory.stat", "total_inactive_file"));
  if (const auto nanos = number_in(at("cpuacct") + "/cpuacct.usage"))
    usage.cpu_seconds_total = static_cast<double>(*nanos) / 1e9;
  usage.processes = number_in(at("pids") + "/pids.current");
  return usage;
}

ResourceUsage read_v2(const std::string& group) {
  ResourceUsage usage;
  usage.memory_bytes =
      less_cache(number_in(group + "/memory.current"), value_in(group + "/memory.stat", "inactive_file"));
  if (const auto micros = value_in(group + "/cpu.stat", "usage_usec"))
    usage.cpu_seconds_total = static_cast<double>(*micros) / 1e6;
  usage.processes = number_in(group + "/pids.current");
  return usage;
}

}  // namespace

std::optional<ResourceUsage> cgroup_usage(const std::string& container, std::int64_t pid,
                                          const std::string& proc, const std::string& cgroups) {
  const auto text = read_file(proc + "/" + std::to_string(pid) + "/cgroup", 64 << 10);
  if (!text || container.empty()) return std::nullopt;
  const auto groups = groups_of(container, *text, cgroups);
  if (groups.empty()) return std::nullopt;
  const auto unified = groups.find("");
  auto usage =
      groups.contains("memory") || unified == groups.end() ? read_v1(groups) : read_v2(unified->second);
  if (!usage.memory_bytes && !usage.cpu_seconds_total) return std::nullopt;
  return usage;
}

}  // namespace holdfast::docker
