// All that is Holdfast's in one namespace, by service, kept up to date by informers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "controller/base/clock.h"
#include "controller/base/result.h"
#include "runtimes/kubernetes/client/client.h"
#include "runtimes/kubernetes/event_notes.h"
#include "runtimes/kubernetes/informer/informer.h"
#include "runtimes/kubernetes/own_writes.h"
#include "runtimes/kubernetes/pod_sight.h"
#include "runtimes/runtime.h"

namespace holdfast::kubernetes {

// What there is of one service.
struct Seen {
  ObjectPtr deployment{}, service{};  // null: there is none
  bool services_seen = false;         // whether a missing Service is known to be missing
  std::string scaler{};               // "HorizontalPodAutoscaler web"; empty: nobody
  std::vector<ObjectPtr> pods{};
  std::map<std::string, PodNews> news{};  // by pod
  [[nodiscard]] bool empty() const { return !deployment && !service && pods.empty(); }
};

// Called on threads of the informers', without a lock held; must not block.
struct ViewHooks {
  std::function<void(const std::string& service)> on_change{};
  std::function<void(const RuntimeNote&)> on_note{};
  std::function<void()> on_state{};  // ready() may have changed
};

// Thread-safe.
class NamespaceView {
 public:
  // Begins at once. `client` and `clock` must outlive it.
  NamespaceView(Client& client, const Clock& clock, std::string name, const std::string& controller,
                ViewHooks hooks);

  [[nodiscard]] const std::string& name() const { return name_; }
  // Whether what it tells is what there is; an error says why not.
  [[nodiscard]] Status ready() const;
  // Nobody has had time to read it yet: it isn't ready, and nothing is wrong.
  [[nodiscard]] bool is_being_read() const;
  [[nodiscard]] Seen look(const std::string& service);
  [[nodiscard]] std::set<std::string> services();  // that have anything here
  // What the server answered to a write; `object` as the server has it now.
  void wrote(const Resource& resource, Json object);
  void removed(const Resource& resource, const std::string& name, const std::string& uid);

 private:
  struct Kept {
    std::map<std::string, ObjectPtr> deployments{}, services{};
    std::map<std::string, std::map<std::string, ObjectPtr>> pods{};  // service -> name
    std::map<std::string, std::string> service_of_pod{};
    std::map<std::string, std::string> scalers{};  // autoscaler -> Deployment
    std::map<std::string, PodNews> news{};         // by pod
  };

  std::unique_ptr<Informer> follow(const Resource& resource, Selection selection,
                                   std::function<void(Json&)> trim,
                                   void (NamespaceView::*take)(const ObjectPtr&, const ObjectPtr&));
  void take_deployment(const ObjectPtr& before, const ObjectPtr& after);
  void take_service(const ObjectPtr& before, const ObjectPtr& after);
  void take_pod(const ObjectPtr& before, const ObjectPtr& after);
  void take_scaler(const ObjectPtr& before, const ObjectPtr& after);
  void take_event(const ObjectPtr& before, const ObjectPtr& after);
  void tell(const std::string& service) const;
  void tell_all();

  Client& client_;
  const Clock& clock_;
  const std::string name_;
  const ViewHooks hooks_;

  mutable std::mutex mutex_;
  Kept kept_;
  OwnWrites own_deployments_, own_services_;
  EventNotes notes_;

  // They end first, and last of them the one that look() asks.
  std::unique_ptr<Informer> services_, deployments_, pods_, scalers_, events_;
};

}  // namespace holdfast::kubernetes
