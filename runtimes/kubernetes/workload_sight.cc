#include "runtimes/kubernetes/workload_sight.h"

#include <algorithm>
#include <charconv>

#include "runtimes/kubernetes/drift.h"
#include "runtimes/kubernetes/names.h"
#include "runtimes/kubernetes/pod_sight.h"

namespace holdfast::kubernetes {

namespace {

std::uint64_t nonce_in(const Json& deployment) {
  const auto& text = deployment.at("metadata").at("annotations").at(kNonceNote).as_string();
  std::uint64_t nonce = 0;
  std::from_chars(text.data(), text.data() + text.size(), nonce);
  return nonce;
}

bool is_current(const Json& deployment) {
  return deployment.at("status").at("observedGeneration").as_int() >=
         deployment.at("metadata").at("generation").as_int();
}

std::string stalled_because(const Json& deployment, const std::string& cause) {
  const Json& progressing = condition(deployment, "Progressing");
  if (!is_current(deployment) || progressing.at("status").as_string() != "False" ||
      progressing.at("reason").as_string() != "ProgressDeadlineExceeded")
    return {};
  std::string text =
      "no progress for " + std::to_string(deployment.at("spec").at("progressDeadlineSeconds").as_int()) + "s";
  std::string why = cause;
  const Json& failure = condition(deployment, "ReplicaFailure");
  if (why.empty() && failure.at("status").as_string() == "True")
    why = failure.at("reason").as_string() + ": " + failure.at("message").as_string();
  return why.empty() ? text : text + ": " + why;
}

void put_replicas(Manifest& manifest, std::int64_t replicas) {
  manifest.deployment.find("spec")->set("replicas", replicas);
}

// How an object in force differs, told apart by whether the declaration or somebody else changed since.
class Pending {
 public:
  Pending(const Json& foreign, std::vector<std::string>& out) : foreign_(foreign), out_(out) {}

  // `applied`: null if it isn't known; then all counts as edited by others.
  void compare(Json wanted, Json applied, const Json& actual, const std::string& prefix) {
    for (auto* manifest : {&wanted, &applied}) {
      if (!manifest->is_object()) continue;
      manifest->erase("apiVersion");  // the objects of a list have neither
      manifest->erase("kind");
    }
    const auto edited = applied.is_null() ? std::vector<Difference>{} : differences(applied, actual);
    for (auto& difference : differences(wanted, actual)) {
      const bool by_others =
          applied.is_null() || std::any_of(edited.begin(), edited.end(),
                                           [&](const auto& edit) { return edit.path == difference.path; });
      if (!prefix.empty()) difference.field = prefix + difference.field;
      auto manager = by_others ? manager_of(difference, foreign_) : std::string();
      out_.push_back(sentence(difference, manager));
    }
  }

 private:
  const Json& foreign_;
  std::vector<std::string>& out_;
};

void compare_services(const Sighting& sighting, const Manifest& wanted, const Manifest* applied,
                      std::vector<std::string>& out) {
  if (!sighting.services_seen) return;
  if (!wanted.service) {
    if (sighting.service) out.emplace_back("ports: none is declared, but there is a Service");
    return;
  }
  if (!sighting.service) {
    out.emplace_back("ports: a Service is declared, there is none");
    return;
  }
  const Json none;
  Pending(sighting.service->at("metadata").at("managedFields"), out)
      .compare(*wanted.service, applied != nullptr && applied->service ? *applied->service : none,
               *sighting.service, "service: ");
}

std::vector<std::string> pending(const Sighting& sighting, const Book& book) {
  std::vector<std::string> out;
  const Json& actual = *sighting.deployment;
  const auto& hash = actual.at("metadata").at("annotations").at(kHashNote).as_string();
  const bool is_declared = sighting.declared && sighting.declared->spec_hash == hash;
  if (!is_declared && !book.applied) return out;
  auto wanted = is_declared ? wanted_manifest(sighting, book) : *book.applied;
  const auto in_force = actual.at("spec").at("replicas").as_int();
  // What was stopped is at none on purpose; whether to start it is not for this list to say.
  const bool stopped = in_force == 0 && book.replicas == 0;
  if (stopped || !sighting.scaler.empty()) put_replicas(wanted, in_force);
  auto applied = book.applied;
  if (applied && book.replicas) put_replicas(*applied, *book.replicas);
  Pending(actual.at("metadata").at("managedFields"), out)
      .compare(wanted.deployment, applied ? applied->deployment : Json(), actual, "");
  compare_services(sighting, wanted, applied ? &*applied : nullptr, out);
  if (is_declared && book.rejected && book.rejected->hash != hash)
    out.emplace_back("what was gone back from is not what is declared now");
  return out;
}

}  // namespace

bool is_rolling_out(const Json& deployment) {
  const Json& status = deployment.at("status");
  const auto wanted = deployment.at("spec").at("replicas").as_int();
  return !is_current(deployment) || status.at("updatedReplicas").as_int() < wanted ||
         status.at("replicas").as_int() > status.at("updatedReplicas").as_int() ||
         status.at("availableReplicas").as_int() < wanted;
}

bool is_fully_available(const Json& deployment) {
  return deployment.at("spec").at("replicas").as_int() > 0 && !is_rolling_out(deployment);
}

Manifest wanted_manifest(const Sighting& sighting, const Book& book) {
  auto options = sighting.options;
  if (sighting.deployment) {
    options.selector = sighting.deployment->at("spec").at("selector");
    options.restart_nonce = std::max(options.restart_nonce, nonce_in(*sighting.deployment));
  }
  auto wanted = manifest_of(*sighting.declared, options);
  const auto in_force =
      sighting.deployment ? sighting.deployment->at("spec").at("replicas").as_int() : std::int64_t{0};
  if (!sighting.scaler.empty() && in_force > 0 && book.replicas.value_or(1) != 0)
    put_replicas(wanted, in_force);
  return wanted;
}

ObservedWorkload look_at_workload(const Sighting& sighting, const std::string& cause) {
  const Json& deployment = *sighting.deployment;
  const auto book = read_book(deployment);
  ObservedWorkload out;
  out.spec_hash = deployment.at("metadata").at("annotations").at(kHashNote).as_string();
  out.restart_nonce = nonce_in(deployment);
  out.replicas = static_cast<int>(deployment.at("spec").at("replicas").as_int());
  out.scaler = sighting.scaler;
  out.rolling_out = is_rolling_out(deployment);
  out.stalled = stalled_because(deployment, cause);
  if (is_fully_available(deployment))
    out.stable_hash = out.spec_hash;
  else if (book.stable)
    out.stable_hash = book.stable->hash();
  if (book.rejected) {
    out.rejected_hash = book.rejected->hash;
    out.rejected_because = book.rejected->because;
    out.rejected_nonce = book.rejected->nonce;
  }
  out.pending = pending(sighting, book);
  return out;
}

}  // namespace holdfast::kubernetes
