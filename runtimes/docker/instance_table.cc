#include "runtimes/docker/instance_table.h"

#include <charconv>
#include <filesystem>

namespace holdfast::docker {

std::optional<int> ordinal_of(const std::string& text) {
  int ordinal = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ordinal);
  if (error != std::errc{} || end != text.data() + text.size() || ordinal < 0) return std::nullopt;
  return ordinal;
}

bool InstanceTable::read_records() {
  std::error_code error, inner;
  bool any = false;
  for (std::filesystem::directory_iterator services(host_.directory, error), end; !error && services != end;
       services.increment(error)) {
    for (std::filesystem::directory_iterator it(services->path(), inner); !inner && it != end;
         it.increment(inner)) {
      const auto ordinal =
          it->path().extension() == ".json" ? ordinal_of(it->path().stem().string()) : std::nullopt;
      if (!ordinal) continue;
      find_or_make({services->path().filename().string(), *ordinal});
      any = true;
    }
    inner.clear();
  }
  return any;
}

InstancePtr InstanceTable::find(const InstanceId& id) const {
  const std::shared_lock lock(mutex_);
  const auto found = instances_.find(id);
  return found == instances_.end() ? nullptr : found->second;
}

InstancePtr InstanceTable::find_or_make(const InstanceId& id) {
  if (auto instance = find(id)) return instance;
  const std::unique_lock lock(mutex_);
  auto& slot = instances_[id];
  if (!slot) slot = std::make_shared<Instance>(host_, id);
  return slot;
}

std::vector<std::pair<InstanceId, InstancePtr>> InstanceTable::all() const {
  const std::shared_lock lock(mutex_);
  return {instances_.begin(), instances_.end()};
}

std::vector<std::pair<int, InstancePtr>> InstanceTable::all_of(const std::string& service) const {
  const std::shared_lock lock(mutex_);
  std::vector<std::pair<int, InstancePtr>> found;
  for (auto it = instances_.lower_bound({service, 0}); it != instances_.end() && it->first.service == service;
       ++it)
    found.emplace_back(it->first.ordinal, it->second);
  return found;
}

std::set<std::string> InstanceTable::services() const {
  const std::shared_lock lock(mutex_);
  std::set<std::string> names;
  for (const auto& [id, instance] : instances_) names.insert(id.service);
  return names;
}

}  // namespace holdfast::docker
