#include "controller/main/runtimes.h"

#include <array>
#include <random>

#include "controller/base/file.h"
#include "runtimes/docker/cli/cli_client.h"
#include "runtimes/docker/docker_runtime.h"
#include "runtimes/docker/engine/engine_client.h"
#include "runtimes/kubernetes/client/access.h"
#include "runtimes/kubernetes/kubernetes_runtime.h"
#include "runtimes/process/process_runtime.h"

namespace holdfast {

namespace {

Result<std::unique_ptr<Runtime>> make_docker(const Clock& clock, const std::string& state_dir) {
  DockerRuntimeOptions options{.state_dir = state_dir};
  std::unique_ptr<docker::Client> engine;
  if (auto endpoint = docker::endpoint_from_environment())
    engine = docker::make_engine_client(std::move(*endpoint), clock);
  else
    options.link.no_engine = endpoint.error();  // the docker command may know the way
  return make_docker_runtime(clock, std::move(options), std::move(engine),
                             docker::make_cli_client({}, clock));
}

// A kubeconfig may lead to a cluster where others work: what is this controller's bears a name that no other
// has.
Result<std::string> own_name(const std::string& state_dir) {
  const auto path = state_dir + "/controller-name";
  if (auto name = read_file(path); name && !name->empty()) return name->substr(0, name->find('\n'));
  std::random_device random;
  std::string name = "holdfast-";
  for (int i = 0; i < 8; ++i) name += "0123456789abcdef"[random() % 16];
  if (auto written = write_file_atomically(path, name + "\n", 0600); !written) return fail(written.error());
  return name;
}

Result<std::unique_ptr<Runtime>> make_kubernetes(const Clock& clock, const RuntimesOptions& options) {
  auto name = options.controller_name.empty() ? own_name(options.state_dir) : options.controller_name;
  if (!name) return fail(name.error());
  return make_kubernetes_runtime(clock,
                                 {.controller_name = std::move(*name),
                                  .state_file = options.state_dir + "/kubernetes.json",
                                  .takes_auto = options.in_cluster},
                                 [&clock]() -> Result<std::unique_ptr<kubernetes::Client>> {
                                   auto access = kubernetes::access_from({});
                                   if (!access) return fail(access.error());
                                   return kubernetes::make_client(std::move(*access), clock);
                                 });
}

}  // namespace

Result<std::vector<std::shared_ptr<Runtime>>> make_runtimes(EventLoop& loop, const Clock& clock,
                                                            const RuntimesOptions& options) {
  std::vector<std::shared_ptr<Runtime>> runtimes;
  std::array made{
      make_process_runtime(loop, clock, {.state_dir = options.state_dir, .shim_path = options.shim_path}),
      make_docker(clock, options.state_dir), make_kubernetes(clock, options)};
  for (auto& runtime : made) {
    if (!runtime) return fail(runtime.error());
    runtimes.emplace_back(std::move(*runtime));
  }
  return runtimes;
}

}  // namespace holdfast
