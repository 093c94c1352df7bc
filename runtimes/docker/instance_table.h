// All instances that this controller has, or had a container for.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "runtimes/docker/instance.h"

namespace holdfast::docker {

using InstancePtr = std::shared_ptr<Instance>;

std::optional<int> ordinal_of(const std::string& text);  // nullopt: it isn't the number of one

// Thread-safe. What is in it once stays: an instance without a record and a container costs nothing.
class InstanceTable {
 public:
  explicit InstanceTable(Host& host) : host_(host) {}

  bool read_records();  // one instance for each record that an earlier controller left; false: there was none
  InstancePtr find_or_make(const InstanceId& id);
  [[nodiscard]] InstancePtr find(const InstanceId& id) const;
  [[nodiscard]] std::vector<std::pair<InstanceId, InstancePtr>> all() const;  // by id
  [[nodiscard]] std::vector<std::pair<int, InstancePtr>> all_of(const std::string& service) const;
  [[nodiscard]] std::set<std::string> services() const;

 private:
  Host& host_;
  mutable std::shared_mutex mutex_;
  std::map<InstanceId, InstancePtr> instances_;
};

}  // namespace holdfast::docker
