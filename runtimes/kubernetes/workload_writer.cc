#include "runtimes/kubernetes/workload_writer.h"

#include <algorithm>
#include <utility>

#include "runtimes/kubernetes/names.h"
#include "runtimes/kubernetes/removal.h"
#include "runtimes/kubernetes/takeover.h"
#include "runtimes/kubernetes/trim.h"

namespace holdfast::kubernetes {

namespace {

const std::string& hash_in(const Json& deployment) {
  return deployment.at("metadata").at("annotations").at(kHashNote).as_string();
}
int replicas_in(const Json& deployment) {
  return static_cast<int>(deployment.at("spec").at("replicas").as_int());
}
void put_replicas(Manifest& manifest, int replicas) {
  manifest.deployment.find("spec")->set("replicas", replicas);
}

// What can be gone back to once something else is applied.
std::optional<Manifest> stable_after(const ObjectPtr& deployment, const Book& book) {
  if (deployment && book.applied && book.applied->hash() == hash_in(*deployment) &&
      is_fully_available(*deployment))
    return book.applied;
  return book.stable;
}

bool is_in_force(const std::optional<Rejection>& rejected, const Json& deployment) {
  return rejected && rejected->hash != hash_in(deployment);
}

// As asked for, or as the scaler has it; one that was stopped gets what `otherwise` says.
int replicas_to_keep(const Seen& seen, const Book& book, int otherwise) {
  const int in_force = replicas_in(*seen.deployment);
  if (!seen.scaler.empty() && in_force > 0) return in_force;
  const int asked = book.replicas.value_or(in_force);
  return asked > 0 ? asked : otherwise;
}

}  // namespace

Result<ObjectPtr> WorkloadWriter::current(const Resource& resource, const std::string& name,
                                          const ObjectPtr& seen, bool adopt) {
  if (seen) return seen;
  auto found = client_.get(resource, view_.name(), name);
  if (!found) return fail(found.error());
  if (!*found) return nullptr;
  if (!is_ours(**found, controller_)) {
    if (!adopt) return fail(not_ours(resource, **found));
    auto taken = take_over(client_, resource, **found);
    if (!taken) return fail(taken.error());
    *found = std::move(*taken);
  }
  trim_owned(**found);
  return std::make_shared<const Json>(std::move(**found));
}

Status WorkloadWriter::apply(const SpecPtr& spec, std::uint64_t restart_nonce) {
  auto seen = view_.look(spec->name);
  const bool adopt = spec->kubernetes.adopt;
  const auto deployment = current(kDeployments, spec->name, seen.deployment, adopt);
  if (!deployment) return fail(deployment.error());
  seen.deployment = *deployment;
  // Also before anything is written: whether its Service may be.
  if (!spec->kubernetes.ports.empty()) {
    const auto service = current(kServices, spec->name, seen.service, adopt);
    if (!service) return fail(service.error());
    seen.service = *service;
  }
  auto book = seen.deployment ? read_book(*seen.deployment) : Book{};
  const bool rejected = seen.deployment && is_in_force(book.rejected, *seen.deployment) &&
                        book.rejected->hash == spec->spec_hash && book.rejected->nonce >= restart_nonce;
  if (rejected && book.applied) {  // it was gone back from: what is stable is made to be in force
    auto manifest = *book.applied;
    put_replicas(manifest, replicas_to_keep(seen, book, spec->replicas));
    return write(manifest, book, seen);
  }
  const auto manifest = wanted_manifest({.deployment = seen.deployment,
                                         .scaler = seen.scaler,
                                         .declared = spec,
                                         .options = {.namespace_ = view_.name(),
                                                     .controller = controller_,
                                                     .restart_nonce = restart_nonce,
                                                     .selector = {}}},
                                        book);
  book.stable = stable_after(seen.deployment, book);
  book.rejected.reset();
  return write(manifest, book, seen);
}

Status WorkloadWriter::write(const Manifest& manifest, const Book& book, const Seen& seen) {
  auto kept = book;
  kept.applied = manifest;
  kept.replicas = replicas_in(manifest.deployment);
  auto object = write_book(manifest.deployment, kept);
  // The number that a scaler decides is written as it was seen: only if nothing has changed since.
  if (!seen.scaler.empty() && seen.deployment)
    object.find("metadata")->set("resourceVersion", seen.deployment->at("metadata").at("resourceVersion"));
  auto applied = client_.apply(kDeployments, view_.name(), object, {});
  if (!applied && applied.error().code == ErrorCode::kInvalid && book.applied) {
    const auto cleared = clear(*book.applied, manifest);
    if (!cleared) return fail(cleared.error());
    if (*cleared) applied = client_.apply(kDeployments, view_.name(), object, {});
  }
  if (!applied) return fail(applied.error());
  view_.wrote(kDeployments, std::move(*applied));
  return write_service(manifest, seen.service);
}

Result<bool> WorkloadWriter::clear(const Manifest& before, const Manifest& manifest) {
  const auto& name = manifest.deployment.at("metadata").at("name").as_string();
  auto live = client_.get(kDeployments, view_.name(), name);
  if (!live) return fail(live.error());
  if (!*live) return false;
  Json* spec = (**live).find("spec");
  if (spec == nullptr || !take_out(*spec, before.deployment.at("spec"), manifest.deployment.at("spec")))
    return false;
  auto updated = client_.update(kDeployments, view_.name(), **live);
  if (!updated) return fail(updated.error());
  return true;
}

Status WorkloadWriter::write_service(const Manifest& manifest, const ObjectPtr& service) {
  const auto& name = manifest.deployment.at("metadata").at("name").as_string();
  if (!manifest.service) return service ? remove_one(kServices, name, service) : Status{};
  auto applied = client_.apply(kServices, view_.name(), *manifest.service, {});
  if (!applied) return fail(applied.error());
  view_.wrote(kServices, std::move(*applied));
  return {};
}

Status WorkloadWriter::scale(const std::string& service, int replicas) {
  const auto seen = view_.look(service);
  if (!seen.deployment) return {};
  const auto patch = Json::object(
      {{"metadata",
        Json::object({{"annotations", Json::object({{kReplicasNote, std::to_string(replicas)}})}})},
       {"spec", Json::object({{"replicas", replicas}})}});
  auto patched = client_.patch(kDeployments, view_.name(), service, patch);
  if (!patched) return patched.error().code == ErrorCode::kNotFound ? Status{} : fail(patched.error());
  view_.wrote(kDeployments, std::move(*patched));
  return {};
}

Status WorkloadWriter::revert(const std::string& service, std::uint64_t restart_nonce,
                              const std::string& because) {
  const auto seen = view_.look(service);
  auto book = seen.deployment ? read_book(*seen.deployment) : Book{};
  const bool done = seen.deployment && is_in_force(book.rejected, *seen.deployment) && book.applied;
  if (!done && !book.stable)
    return fail_terminal(ErrorCode::kConflict, "service " + service + " has no spec that ran well before");
  auto manifest = done ? *book.applied : *book.stable;
  if (!done) {
    auto nonce = restart_nonce;
    if (book.applied) nonce = std::max(nonce, book.applied->restart_nonce());
    book.rejected = Rejection{.hash = hash_in(*seen.deployment), .because = because, .nonce = nonce};
  }
  put_replicas(manifest, replicas_to_keep(seen, book, replicas_in(manifest.deployment)));
  return write(manifest, book, seen);
}

Status WorkloadWriter::remove_one(const Resource& resource, const std::string& name, const ObjectPtr& seen) {
  if (!seen) return {};
  const auto& uid = uid_of(*seen);
  if (auto gone = client_.remove(resource, view_.name(), name, {.uid = uid}); !gone) return gone;
  view_.removed(resource, name, uid);
  return {};
}

// The Deployment last: while it is there, so is the work.
Status WorkloadWriter::remove(const std::string& service) {
  const auto seen = view_.look(service);
  if (auto gone = remove_one(kServices, service, seen.service); !gone) return gone;
  return remove_one(kDeployments, service, seen.deployment);
}

}  // namespace holdfast::kubernetes
