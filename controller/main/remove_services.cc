#include "controller/main/remove_services.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "controller/main/cluster.h"
#include "runtimes/kubernetes/client/access.h"
#include "runtimes/kubernetes/inside/lease.h"
#include "runtimes/kubernetes/names.h"

namespace holdfast {

namespace {

using kubernetes::Client;
using kubernetes::Resource;

constexpr auto kTakeoverPatience = std::chrono::minutes{2};

// Until this process leads in its place.
Status take_over(Client& client, const Clock& clock, kubernetes::LeaseElector& elector) {
  const auto changed =
      std::make_shared<std::condition_variable>();  // the elector tells on, after this returns
  elector.on_change([changed] { changed->notify_all(); });
  elector.start();
  std::mutex mutex;
  std::unique_lock lock(mutex);
  const auto deadline = clock.now() + kTakeoverPatience;
  while (!elector.leads() && clock.now() < deadline) changed->wait_for(lock, std::chrono::seconds{1});
  if (elector.leads()) return {};
  if (const auto error = elector.error()) return fail(*error);
  return fail(ErrorCode::kTimeout,
              "the controller " + elector.leader().identity + " still leads at " + client.server(),
              "end it first: kubectl scale deployment NAME --replicas=0, or helm uninstall");
}

Status remove_all(Client& client, const Resource& resource, const std::string& in_namespace,
                  const std::string& controller, const std::function<void(const std::string&)>& tell) {
  const auto label = std::string(kubernetes::kManagedByLabel) + "=" + kubernetes::kManager + "," +
                     kubernetes::kControllerLabel + "=" + controller;
  std::vector<Json> found;
  const auto listed = client.list(
      resource, {.namespace_ = in_namespace, .label_selector = label},
      [&](const Json& object) { found.push_back(object.at("metadata")); }, [&] { found.clear(); });
  if (!listed) return fail(listed.error());
  for (const auto& metadata : found) {
    const auto& where = metadata.at("namespace").as_string();
    const auto& name = metadata.at("name").as_string();
    auto removed = client.remove(resource, where, name, {.uid = metadata.at("uid").as_string()});
    if (!removed) return removed;
    tell(std::string(resource.kind) + " " + where + "/" + name);
  }
  return {};
}

}  // namespace

Result<size_t> remove_services(const cli::RemoveServicesOptions& options,
                               const std::function<void(const std::string& object)>& tell) {
  const auto map = parse_config_map_name(options.config_map);
  if (!map) return fail(map.error());
  auto access = kubernetes::access_from({});
  if (!access) return fail(access.error());
  const SystemClock clock;
  const auto client = kubernetes::make_client(std::move(*access), clock);
  kubernetes::LeaseElector elector(
      *client, clock, map->namespace_,
      {.lease = map->name, .identity = kubernetes::unique_identity("remove-services"), .address = {}});
  if (auto leads = take_over(*client, clock, elector); !leads) return fail(leads.error());
  auto namespaces = options.namespaces;
  if (options.all_namespaces)
    namespaces = {""};
  else if (namespaces.empty())
    namespaces = {map->namespace_};
  size_t count = 0;
  Status removed;
  for (const auto& in_namespace : namespaces) {
    for (const auto& resource : {kubernetes::kDeployments, kubernetes::kServices}) {
      if (removed)
        removed = remove_all(*client, resource, in_namespace, map->name, [&](const std::string& object) {
          ++count;
          tell(object);
        });
    }
  }
  static_cast<void>(elector.resign());  // it expires by itself otherwise
  if (!removed) return fail(removed.error());
  return count;
}

}  // namespace holdfast
