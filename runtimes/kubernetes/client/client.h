// What Holdfast asks of a Kubernetes API server.
// Source: https://kubernetes.io/docs/reference/using-api/api-concepts/
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/clock.h"
#include "controller/base/json.h"
#include "controller/base/result.h"

namespace holdfast::kubernetes {

// One kind of object, as the API server's paths name it.
struct Resource {
  std::string_view group{};  // empty: the core group
  std::string_view version{};
  std::string_view plural{};
  std::string_view kind{};
  bool namespaced = true;
};

inline constexpr Resource kDeployments{"apps", "v1", "deployments", "Deployment"};
inline constexpr Resource kReplicaSets{"apps", "v1", "replicasets", "ReplicaSet"};
inline constexpr Resource kPods{"", "v1", "pods", "Pod"};
inline constexpr Resource kServices{"", "v1", "services", "Service"};
inline constexpr Resource kConfigMaps{"", "v1", "configmaps", "ConfigMap"};
inline constexpr Resource kNamespaces{"", "v1", "namespaces", "Namespace", false};
inline constexpr Resource kEvents{"", "v1", "events", "Event"};
inline constexpr Resource kLeases{"coordination.k8s.io", "v1", "leases", "Lease"};
inline constexpr Resource kAutoscalers{"autoscaling", "v1", "horizontalpodautoscalers",
                                       "HorizontalPodAutoscaler"};
inline constexpr Resource kPodMetrics{"metrics.k8s.io", "v1beta1", "pods", "PodMetrics"};
inline constexpr Resource kTokenReviews{"authentication.k8s.io", "v1", "tokenreviews", "TokenReview", false};
inline constexpr Resource kSubjectAccessReviews{"authorization.k8s.io", "v1", "subjectaccessreviews",
                                                "SubjectAccessReview", false};

std::string api_version(const Resource& resource);  // "apps/v1", "v1"

// Which of the objects of a kind; empty: all.
struct Selection {
  std::string namespace_{};  // empty: of all namespaces
  std::string label_selector{}, field_selector{};
};

struct ApplyOptions {
  bool force = true;     // takes over fields that other managers have set
  bool dry_run = false;  // the server checks and answers, and nothing is kept
};
struct DeleteOptions {
  std::string uid{};  // only that very object; kConflict if it is another one
  std::string propagation = "Background";
};

struct LogOptions {
  std::string container{};  // empty: the only one
  std::optional<size_t> tail{};
  std::optional<WallTime> since{};
  bool previous = false;  // of the run before
};

// What a watch tells. `object` of a bookmark has nothing but its resource version.
struct WatchEvent {
  enum class Type { kAdded, kModified, kDeleted, kBookmark };
  Type type = Type::kAdded;
  Json object{};
};
// Called one at a time on a thread of the client's; they must not block, nor end the watch that they belong
// to.
struct WatchHandlers {
  std::function<void()> on_open;  // the server has taken it
  std::function<void(WatchEvent event)> on_event;
  // Once; no call follows. nullopt: the server's time for it was over, or the connection was closed in
  // between two events. An error with status 410 means that the version is too old: list anew.
  std::function<void(std::optional<Error> error, long status)> on_end;
};
// Ends what it stands for when destroyed; no handler runs afterwards. Never destroy it within one.
class Watch {
 public:
  virtual ~Watch() = default;
};

// Thread-safe. Calls block for at most a deadline of the client's own, and not from within its handlers.
//
// Errors: kUnavailable (nobody answers; 500, 502, 503, and 429 after the waits that Retry-After asked for
// went beyond the deadline), kTimeout, kNotFound (404), kConflict (409), kInvalid (400, 422),
// kPermission (401, 403: the message names verb, resource and namespace, the hint the rule that is missing),
// kInternal. Each with the server's own words.
class Client {
 public:
  virtual ~Client() = default;

  // The namespace of the context, or of the service account: for objects that name none. Never blocks.
  [[nodiscard]] virtual const std::string& default_namespace() const = 0;
  [[nodiscard]] virtual const std::string& server() const = 0;  // "https://10.0.0.1:6443", for messages

  // Asks who is there: "v1.20.2".
  virtual Result<std::string> version(Duration timeout) = 0;

  // nullopt: there is no such object.
  virtual Result<std::optional<Json>> get(const Resource& resource, const std::string& namespace_,
                                          const std::string& name) = 0;
  // Every object, in pages; `each` is called on this thread. The resource version of the list. An
  // interrupted list (410 on a continue token) begins anew: `restart` is called before the first page again.
  // `stop` ends it with kUnavailable.
  virtual Result<std::string> list(const Resource& resource, const Selection& selection,
                                   const std::function<void(Json object)>& each,
                                   const std::function<void()>& restart,
                                   const std::stop_token& stop = {}) = 0;
  // From that version on; the server ends it after `timeout` (whole seconds). Never null. Blocks at most for
  // credentials that have to be fetched; if that fails, on_end is called before it returns.
  virtual std::unique_ptr<Watch> watch(const Resource& resource, const Selection& selection,
                                       const std::string& resource_version, Duration timeout,
                                       WatchHandlers handlers) = 0;

  // The object as the server has it now.
  virtual Result<Json> create(const Resource& resource, const std::string& namespace_,
                              const Json& object) = 0;
  // With the resource version that the object has: kConflict if it isn't the newest.
  virtual Result<Json> update(const Resource& resource, const std::string& namespace_,
                              const Json& object) = 0;
  // Server-side apply as the manager "holdfast"; kConflict names the fields and their managers, without
  // force.
  virtual Result<Json> apply(const Resource& resource, const std::string& namespace_, const Json& object,
                             const ApplyOptions& options) = 0;
  // RFC 7396; kConflict if the patch has a resource version that isn't the newest.
  virtual Result<Json> patch(const Resource& resource, const std::string& namespace_, const std::string& name,
                             const Json& patch) = 0;
  // A success if it is gone.
  virtual Status remove(const Resource& resource, const std::string& namespace_, const std::string& name,
                        const DeleteOptions& options) = 0;

  // Text with a time stamp (RFC 3339 with nanoseconds) and a space before each line.
  virtual Result<std::string> logs(const std::string& namespace_, const std::string& pod,
                                   const LogOptions& options) = 0;
};

}  // namespace holdfast::kubernetes
