#include "tests/support/kube_bench/kube_bench.h"

#include <algorithm>
#include <utility>

namespace holdfast::test {

KubeBench::KubeBench(const std::string& user) {
  world_.emplace();
  kubeconfig_ = world_->cluster().kubeconfig(user);
  namespace_ = world_->ns();
  options.state_file = directory_ / "namespaces";
  make_adapter();
}

KubeBench::KubeBench(std::string kubeconfig, std::string in_namespace)
    : kubeconfig_(std::move(kubeconfig)), namespace_(std::move(in_namespace)) {
  options.state_file = directory_ / "namespaces";
  make_adapter();
}

KubeBench::~KubeBench() = default;

void KubeBench::make_adapter() {
  runtime_ = make_kubernetes_runtime(
      clock_, options, [this, path = kubeconfig_]() -> Result<std::unique_ptr<kubernetes::Client>> {
        auto access = kubernetes::access_from(
            {.kubeconfig = path, .lookup = [](const std::string&) { return std::optional<std::string>(); }});
        if (!access) return fail(access.error());
        access->default_namespace = namespace_;
        return kubernetes::make_client(std::move(*access), clock_);
      });
  heard_.listen_to(*runtime_);
  runtime_->declare(declared_);
}

void KubeBench::replace_adapter() {
  runtime_.reset();
  make_adapter();
}

ServiceSpec KubeBench::spec(const std::string& name, std::vector<std::string> argv) const {
  ServiceSpec spec;
  spec.name = name;
  spec.spec_hash = "hash-1";
  spec.runtime = RuntimeKind::kKubernetes;
  spec.argv = std::move(argv);
  spec.stop.grace_period = std::chrono::seconds{2};
  spec.kubernetes.image = world_ ? world_->image() : "holdfast-test:1";
  spec.kubernetes.pull_policy = "IfNotPresent";
  return spec;
}

SpecPtr KubeBench::declare(ServiceSpec spec) {
  const auto kept = std::make_shared<const ServiceSpec>(std::move(spec));
  declared_[kept->name] = kept;
  runtime_->declare(declared_);
  return kept;
}

void KubeBench::undeclare(const std::string& name) {
  declared_.erase(name);
  runtime_->declare(declared_);
}

Status KubeBench::apply(const ServiceSpec& spec, std::uint64_t nonce) {
  const auto declared = declare(spec);
  // What the loop does: nothing, before it can see.
  if (!wait_until([&] { return runtime_->observe(spec.name).has_value(); })) {
    const auto seen = runtime_->observe(spec.name);
    return seen ? Status{} : fail(seen.error());
  }
  return runtime_->execute(ApplyWorkload{spec.name, "test"}, {declared, nonce});
}

Status KubeBench::scale(const std::string& name, int replicas) {
  return runtime_->execute(ScaleWorkload{name, replicas, "test"}, {declared_[name]});
}
Status KubeBench::revert(const std::string& name, std::uint64_t nonce) {
  return runtime_->execute(RevertWorkload{name, "test"}, {declared_[name], nonce});
}
Status KubeBench::remove(const std::string& name) {
  undeclare(name);
  return runtime_->execute(DeleteWorkload{name, "test"}, {});
}

Observation KubeBench::see(const std::string& name) {
  return runtime_->observe(name).value_or(Observation{});
}

bool KubeBench::settles(const std::string& name, int replicas) {
  return wait_until([&] {
    const auto seen = see(name);
    return seen.workload && !seen.workload->rolling_out &&
           std::ssize(seen.instances) == static_cast<std::ptrdiff_t>(replicas) &&
           std::all_of(seen.instances.begin(), seen.instances.end(), [&](const ObservedInstance& instance) {
             return instance.phase == Phase::kRunning && instance.runtime_ready == true &&
                    instance.spec_hash == seen.workload->spec_hash;
           });
  });
}

std::string KubeBench::last_words(const std::string& name) {
  const auto seen = runtime_->observe(name);
  if (!seen) return seen.error().message;
  std::string words = seen->workload ? seen->workload->stalled : "no workload";
  for (const auto& instance : seen->instances)
    words += "\n" + instance.name + " " + std::string(to_string(instance.phase)) + " " + instance.message;
  return words;
}

bool KubeBench::says(const std::string& name, const std::string& text) {
  return wait_until([&] { return last_words(name).find(text) != std::string::npos; });
}

}  // namespace holdfast::test
