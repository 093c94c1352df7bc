#include "runtimes/kubernetes/namespace_view.h"

#include <algorithm>
#include <utility>

#include "runtimes/kubernetes/names.h"
#include "runtimes/kubernetes/trim.h"

namespace holdfast::kubernetes {

namespace {

const std::string& name_in(const ObjectPtr& object) {
  return object->at("metadata").at("name").as_string();
}
const std::string& service_in(const ObjectPtr& object) {
  return object->at("metadata").at("labels").at(kServiceLabel).as_string();
}
bool is_relevant(const ObjectPtr& before, const ObjectPtr& after) {
  return !before || !after || !is_same(*before, *after);
}

void keep(std::map<std::string, ObjectPtr>& kept, const ObjectPtr& before, const ObjectPtr& after) {
  if (after)
    kept[name_in(after)] = after;
  else
    kept.erase(name_in(before));
}

Error being_read(const std::string& namespace_) {
  return {ErrorCode::kUnavailable, "namespace " + namespace_ + " is being read", {}, false, {}};
}

Status state_of(const Informer& informer, const std::string& namespace_) {
  if (informer.synced()) return {};
  return fail(informer.error().value_or(being_read(namespace_)));
}

}  // namespace

NamespaceView::NamespaceView(Client& client, const Clock& clock, std::string name,
                             const std::string& controller, ViewHooks hooks)
    : client_(client), clock_(clock), name_(std::move(name)), hooks_(std::move(hooks)), notes_(clock.wall()) {
  const Selection ours{
      .namespace_ = name_,
      .label_selector = std::string(kServiceLabel) + "," + kControllerLabel + "=" + controller};
  const std::lock_guard lock(mutex_);  // holds back their handlers until all of them are there
  pods_ = follow(kPods, ours, trim_pod, &NamespaceView::take_pod);
  deployments_ = follow(kDeployments, ours, trim_owned, &NamespaceView::take_deployment);
  services_ = follow(kServices, ours, trim_owned, &NamespaceView::take_service);
  scalers_ = follow(kAutoscalers, {.namespace_ = name_}, trim_autoscaler, &NamespaceView::take_scaler);
  events_ = follow(kEvents, {.namespace_ = name_, .field_selector = "type=Warning,involvedObject.kind=Pod"},
                   trim_event, &NamespaceView::take_event);
}

std::unique_ptr<Informer> NamespaceView::follow(const Resource& resource, Selection selection,
                                                std::function<void(Json&)> trim,
                                                void (NamespaceView::*take)(const ObjectPtr&,
                                                                            const ObjectPtr&)) {
  return make_informer(client_, clock_,
                       {.resource = resource, .selection = std::move(selection), .trim = std::move(trim)},
                       {.on_change = [this, take](const ObjectPtr& before,
                                                  const ObjectPtr& after) { (this->*take)(before, after); },
                        .on_state =
                            [this] {
                              {
                                const std::lock_guard lock(mutex_);
                              }
                              if (hooks_.on_state) hooks_.on_state();
                              tell_all();
                            }});
}

void NamespaceView::tell(const std::string& service) const {
  if (!service.empty() && hooks_.on_change) hooks_.on_change(service);
}

void NamespaceView::tell_all() {
  for (const auto& service : services()) tell(service);
}

// ---- what the informers tell

void NamespaceView::take_deployment(const ObjectPtr& before, const ObjectPtr& after) {
  {
    const std::lock_guard lock(mutex_);
    keep(kept_.deployments, before, after);
    if (!after) own_deployments_.is_gone(name_in(before), before);
  }
  if (is_relevant(before, after)) tell(name_in(after ? after : before));
}

void NamespaceView::take_service(const ObjectPtr& before, const ObjectPtr& after) {
  {
    const std::lock_guard lock(mutex_);
    keep(kept_.services, before, after);
    if (!after) own_services_.is_gone(name_in(before), before);
  }
  if (is_relevant(before, after)) tell(name_in(after ? after : before));
}

void NamespaceView::take_pod(const ObjectPtr& before, const ObjectPtr& after) {
  const auto& pod = name_in(after ? after : before);
  const auto service = service_in(after ? after : before);
  {
    const std::lock_guard lock(mutex_);
    if (before && service_in(before) != service) kept_.pods[service_in(before)].erase(pod);
    keep(kept_.pods[service], before, after);
    if (after) {
      kept_.service_of_pod[pod] = service;
    } else {
      kept_.service_of_pod.erase(pod);
      kept_.news.erase(pod);
      if (kept_.pods[service].empty()) kept_.pods.erase(service);
    }
  }
  if (is_relevant(before, after)) tell(service);
}

void NamespaceView::take_scaler(const ObjectPtr& before, const ObjectPtr& after) {
  const auto target = [](const ObjectPtr& scaler) {
    if (!scaler) return std::string();
    const Json& ref = scaler->at("spec").at("scaleTargetRef");
    return ref.at("kind").as_string() == kDeployments.kind ? ref.at("name").as_string() : std::string();
  };
  {
    const std::lock_guard lock(mutex_);
    if (after)
      kept_.scalers[name_in(after)] = target(after);
    else
      kept_.scalers.erase(name_in(before));
  }
  if (target(before) == target(after)) return;
  tell(target(before));
  tell(target(after));
}

void NamespaceView::take_event(const ObjectPtr& /*before*/, const ObjectPtr& after) {
  if (!after) return;
  const auto& pod = after->at("involvedObject").at("name").as_string();
  std::string service;
  std::optional<RuntimeNote> note;
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = kept_.service_of_pod.find(pod);
    if (found == kept_.service_of_pod.end()) return;
    service = found->second;
    note = notes_.take(*after, service);
    news = take_news(kept_.news[pod], *after);
  }
  if (news) tell(service);
  if (note && hooks_.on_note) hooks_.on_note(*note);
}

// ---- what is asked

Status NamespaceView::ready() const {
  for (const auto* informer : {deployments_.get(), pods_.get()}) {
    if (auto state = state_of(*informer, name_); !state) return state;
  }
  // Who may not see autoscalers has to do without; who can't yet, would undo what they did.
  auto scalers = state_of(*scalers_, name_);
  const auto forgivable = [](const Error& error) {
    return error.code == ErrorCode::kPermission || error.code == ErrorCode::kNotFound;
  };
  return scalers || forgivable(scalers.error()) ? Status{} : scalers;
}

bool NamespaceView::is_being_read() const {
  const auto reads = [](const Informer& informer) { return !informer.synced() && !informer.error(); };
  return reads(*deployments_) || reads(*pods_) || reads(*scalers_);
}

Seen NamespaceView::look(const std::string& service) {
  Seen seen;
  seen.services_seen = services_->synced();
  const auto now = clock_.now();
  const std::lock_guard lock(mutex_);
  const auto cached = [&](const std::map<std::string, ObjectPtr>& kept) {
    const auto found = kept.find(service);
    return found == kept.end() ? nullptr : found->second;
  };
  seen.deployment = own_deployments_.newest(service, cached(kept_.deployments), now);
  seen.service = own_services_.newest(service, cached(kept_.services), now);
  for (const auto& [scaler, target] : kept_.scalers) {
    if (target == service) seen.scaler = std::string(kAutoscalers.kind) + " " + scaler;
  }
  if (const auto pods = kept_.pods.find(service); pods != kept_.pods.end()) {
    for (const auto& [pod, object] : pods->second) {
      seen.pods.push_back(object);
      if (const auto said = kept_.news.find(pod); said != kept_.news.end()) seen.news.insert(*said);
    }
  }
  return seen;
}

std::set<std::string> NamespaceView::services() {
  std::set<std::string> candidates, names;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, object] : kept_.deployments) candidates.insert(name);
    for (const auto& [name, object] : kept_.services) candidates.insert(name);
    for (const auto& [name, pods] : kept_.pods) candidates.insert(name);
    for (const auto& [name, entry] : own_deployments_.entries()) candidates.insert(name);
  }
  for (const auto& name : candidates) {
    if (!look(name).empty()) names.insert(name);
  }
  return names;
}

void NamespaceView::wrote(const Resource& resource, Json object) {
  trim_owned(object);
  const auto kept = std::make_shared<const Json>(std::move(object));
  const std::lock_guard lock(mutex_);
  auto& own = resource.kind == kServices.kind ? own_services_ : own_deployments_;
  own.wrote(name_in(kept), kept, clock_.now());
}

void NamespaceView::removed(const Resource& resource, const std::string& name, const std::string& uid) {
  const std::lock_guard lock(mutex_);
  auto& own = resource.kind == kServices.kind ? own_services_ : own_deployments_;
  own.removed(name, uid, clock_.now());
}

}  // namespace holdfast::kubernetes
