// Kubeconfig files, merged and taken apart.
// Source:
// https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#merging-kubeconfig-files
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/json.h"
#include "controller/base/result.h"
#include "runtimes/kubernetes/client/access.h"

namespace holdfast::kubernetes {

// Of several files the first that names a cluster, user or context tells all of it, and the first that sets
// the current context sets it.
class Kubeconfig {
 public:
  // Adds what the file says. kInvalid, with the path.
  Status add(const std::string& path, std::string_view text);

  // Relative paths are taken from the folder of the file that says them. An empty context: the current one.
  [[nodiscard]] Result<Access> access(const std::string& context) const;
  [[nodiscard]] bool empty() const { return files_.empty(); }

 private:
  struct Entry {
    std::string file{};
    Json value{};
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

  static Status collect(const Json& root, std::string_view list, std::string_view member,
                        const std::string& file, Entries& out);
  [[nodiscard]] Result<Entry> named(const Entries& entries, const std::string& kind, const std::string& name,
                                    const std::string& wanted_by) const;
  static Status read_cluster(const Entry& cluster, const std::string& name, Access& out);
  static Status read_user(const Entry& user, const std::string& name, Access& out);

  std::vector<std::string> files_;
  std::string current_;
  Entries clusters_, users_, contexts_;
};

}  // namespace holdfast::kubernetes
