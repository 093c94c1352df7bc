#include "runtimes/docker/container_io.h"

#include <algorithm>

#include "runtimes/docker/cgroup_usage.h"

namespace holdfast::docker {

std::vector<ResourceUsage> ContainerIo::usage(const std::vector<ObservedInstance>& instances) {
  std::vector<ResourceUsage> result(instances.size());
  std::vector<std::string> unread;
  std::vector<size_t> places;
  for (size_t i = 0; i < instances.size(); ++i) {
    const auto instance = instances_.find(instances[i].id);
    const auto handle = instance ? instance->handle() : std::nullopt;
    if (!handle || !handle->pid || handle->incarnation != instances[i].incarnation) continue;
    if (auto measured = cgroup_usage(handle->id, *handle->pid)) {
      result[i] = *measured;
      continue;
    }
    unread.push_back(handle->id);
    places.push_back(i);
  }
  if (unread.empty()) return result;
  const auto figures =
      link_.call([&](Client& client) -> Result<std::vector<ResourceUsage>> { return client.stats(unread); });
  if (!figures) return result;
  for (size_t i = 0; i < std::min(places.size(), figures->size()); ++i) result[places[i]] = (*figures)[i];
  return result;
}

Result<std::vector<LogLine>> ContainerIo::read(const std::string& service, const LogQuery& query) {
  std::vector<LogLine> all;
  for (const auto& [ordinal, instance] : instances_.all_of(service)) {
    if (query.ordinal && *query.ordinal != ordinal) continue;
    auto handle = instance->handle();
    if (!handle && instance->has_record()) {
      if (const auto seen = instance->observe(declared_(service)); !seen) return fail(seen.error());
      handle = instance->handle();
    }
    if (!handle) continue;
    auto lines = link_.call([&](Client& client) { return client.logs(handle->id, handle->tty, query); });
    if (!lines && lines.error().code == ErrorCode::kNotFound) continue;
    if (!lines) return fail(lines.error());
    for (auto& line : *lines) {
      line.ordinal = ordinal;
      all.push_back(std::move(line));
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const LogLine& a, const LogLine& b) { return a.at < b.at; });
  if (all.size() > query.tail) all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(query.tail));
  return all;
}

Result<ExecResult> ContainerIo::run(const InstanceId& id, const std::vector<std::string>& argv,
                                    Duration timeout) {
  const auto instance = instances_.find(id);
  const auto handle = instance ? instance->handle() : std::nullopt;
  if (!handle || !handle->pid)
    return fail(ErrorCode::kNotFound, id.service + "/" + std::to_string(id.ordinal) + " isn't running");
  return link_.call([&](Client& client) { return client.exec(handle->id, argv, timeout); });
}

}  // namespace holdfast::docker
