// The views of all namespaces that a controller looks at.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <shared_mutex>
#include <string>
#include <vector>

#include "runtimes/kubernetes/namespace_view.h"

namespace holdfast::kubernetes {

// Thread-safe. A view stays once it is made.
class Views {
 public:
  Views(const Clock& clock, std::string controller, ViewHooks hooks);

  NamespaceView& open(Client& client, const std::string& namespace_);
  [[nodiscard]] NamespaceView* find(const std::string& namespace_) const;
  [[nodiscard]] std::vector<NamespaceView*> all() const;
  [[nodiscard]] std::set<std::string> services() const;
  void close_all();  // no hook runs afterwards

 private:
  const Clock& clock_;
  const std::string controller_;
  const ViewHooks hooks_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::unique_ptr<NamespaceView>> views_;
};

}  // namespace holdfast::kubernetes
