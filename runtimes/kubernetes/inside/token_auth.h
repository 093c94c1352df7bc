// Who is calling, by the cluster's own tokens and rules. A TokenReview tells whose token it is;
// SubjectAccessReviews tell what they may do with the resource `services` of the group `holdfast.dev` in the
// controller's namespace. (There need not be such a resource: RBAC rules name what they like.)
//
//   verb get     viewer
//   verb update  operator
//   verb *       admin: a rule with all verbs, such as cluster-admin's
//
// Each includes those before. A ClusterRole for operators is
//   rules: [{apiGroups: [holdfast.dev], resources: [services], verbs: [get, update]}]
//
// Sources: https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/
//          https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/subject-access-review-v1/
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/clock.h"
#include "controller/base/json.h"
#include "controller/base/result.h"
#include "runtimes/kubernetes/client/client.h"

namespace holdfast::kubernetes {

enum class AccessLevel { kNone, kViewer, kOperator, kAdmin };  // kNone: known, but allowed nothing

struct TokenIdentity {
  std::string name{};  // "system:serviceaccount:ci:deployer"
  AccessLevel level = AccessLevel::kNone;
};

// Thread-safe. Tokens are kept as SHA-256 only.
class TokenAuth {
 public:
  struct Options {
    std::string namespace_{};              // the controller's
    std::vector<std::string> audiences{};  // empty: the API server's own
    // How long an answer counts: so long a token may outlive its end, or a rule its change.
    Duration keep_known = std::chrono::seconds{60}, keep_unknown = std::chrono::seconds{10};
    size_t remembered = 1024;
    size_t at_once = 8;  // tokens that are being asked about
  };

  // `client` and `clock` must outlive it. The controller's account needs to create tokenreviews and
  // subjectaccessreviews: the ClusterRole system:auth-delegator.
  TokenAuth(Client& client, const Clock& clock, Options options);

  // kPermission: not a valid token. kUnavailable: nobody can tell now, also when too many ask at once or the
  // controller may not ask. Blocks for up to four calls of the client's when the token isn't remembered; who
  // comes with the same token meanwhile waits for the same answer.
  Result<TokenIdentity> authenticate(const std::string& token);

 private:
  struct Entry {
    std::optional<Result<TokenIdentity>> answer{};  // nullopt: being asked
    MonoTime until{};
  };
  using EntryPtr = std::shared_ptr<Entry>;

  Result<TokenIdentity> ask(const std::string& token);
  Result<Json> create(const Resource& resource, const Json& object);
  Result<AccessLevel> level_of(const Json& user);
  Result<bool> allowed(const Json& user, std::string_view verb);
  void make_room(MonoTime now);

  Client& client_;
  const Clock& clock_;
  const Options options_;
  std::mutex mutex_;
  std::condition_variable answered_;
  std::map<std::string, EntryPtr> entries_;  // by hash
  size_t asking_ = 0;
};

}  // namespace holdfast::kubernetes
