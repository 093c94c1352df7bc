#include "runtimes/kubernetes/views.h"

#include <mutex>
#include <utility>

namespace holdfast::kubernetes {

Views::Views(const Clock& clock, std::string controller, ViewHooks hooks)
    : clock_(clock), controller_(std::move(controller)), hooks_(std::move(hooks)) {}

NamespaceView& Views::open(Client& client, const std::string& namespace_) {
  const std::unique_lock lock(mutex_);
  auto& view = views_[namespace_];
  if (!view) view = std::make_unique<NamespaceView>(client, clock_, namespace_, controller_, hooks_);
  return *view;
}

NamespaceView* Views::find(const std::string& namespace_) const {
  const std::shared_lock lock(mutex_);
  const auto found = views_.find(namespace_);
  return found == views_.end() ? nullptr : found->second.get();
}

std::vector<NamespaceView*> Views::all() const {
  const std::shared_lock lock(mutex_);
  std::vector<NamespaceView*> all;
  for (const auto& [name, view] : views_) all.push_back(view.get());
  return all;
}

std::set<std::string> Views::services() const {
  std::set<std::string> names;
  for (auto* view : all()) names.merge(view->services());
  return names;
}

void Views::close_all() {
  std::map<std::string, std::unique_ptr<NamespaceView>> ending;
  {
    const std::unique_lock lock(mutex_);
    ending.swap(views_);
  }
}

}  // namespace holdfast::kubernetes
