#include "tests/e2e/kube_cluster/installation.h"

#include <cstdlib>
#include <sstream>

namespace holdfast::test {

std::string source(const std::string& path) {
  return HOLDFAST_SOURCE "/" + path;
}

void Installation::SetUp() {
  std::map<std::string, std::string> env;
  if (const char* cache = std::getenv("HOLDFAST_CACHE")) env["HOLDFAST_CACHE"] = cache;
  const auto loaded =
      run_program({"sh", "-euc", "archive=$(\"$0\" holdfast); docker --host \"$1\" load -qi \"$archive\"",
                   HOLDFAST_CONTROLLER_IMAGE, "unix://" + world_.cluster().directory() + "/docker.sock"},
                  env);
  ASSERT_EQ(loaded.status, 0) << loaded.output;
}

Finished Installation::helm(const std::vector<std::string>& arguments) const {
  std::vector<std::string> argv{"helm", "--namespace", world_.ns()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return run_program(argv, {{"KUBECONFIG", world_.cluster().kubeconfig()}});
}

Finished Installation::helm_with(const std::vector<std::string>& command, const Values& values) const {
  auto arguments = command;
  arguments.insert(arguments.end(), {"holdfast", source("charts/holdfast")});
  // Without the cluster's DNS the test has to be told the address.
  Values all{"image.tag=latest",
             "image.pullPolicy=Never",
             "tests.server=http://$(HOLDFAST_SERVICE_HOST):8010",
             "config.streaming.service=web",
             "services.web.stop.gracePeriod=1s",
             "services.web.kubernetes.image=" + world_.image(),
             "services.web.kubernetes.pullPolicy=never"};
  all.insert(all.end(), values.begin(), values.end());
  for (const auto& value : all) arguments.insert(arguments.end(), {"--set", value});
  return helm(arguments);
}

void Installation::install(const Values& values) const {
  const auto done = helm_with({"install", "--wait", "--timeout", "90s"}, values);
  ASSERT_EQ(done.status, 0) << done.output << told();
}

std::string Installation::token() const {
  const auto encoded =
      world_.kubectl_ok({"get", "secret", "holdfast-tokens", "-o", "jsonpath={.data.token}"});
  return run_program({"base64", "-d"}, {}, encoded).output;
}

std::string Installation::docker(const std::vector<std::string>& arguments) const {
  std::vector<std::string> argv{"docker", "--host",
                                "unix://" + world_.cluster().directory() + "/docker.sock"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  auto done = run_program(argv);
  EXPECT_EQ(done.status, 0) << done.output;
  while (done.output.ends_with('\n')) done.output.pop_back();
  return done.output;
}

std::vector<std::string> Installation::names(const std::string& kind, const std::string& selector) const {
  std::istringstream lines(world_.kubectl_ok(
      {"get", kind, "-l", selector, "-o",
       R"(go-template={{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}}{{"\n"}}{{end}}{{end}})"}));
  std::vector<std::string> out;
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) out.push_back(line);
  return out;
}

std::vector<std::string> Installation::controllers() const {
  return names("pods", "app.kubernetes.io/component=controller");
}

std::vector<std::string> Installation::pods_of_web() const {
  return names("pods", "app.kubernetes.io/managed-by=holdfast");
}

std::string Installation::holder() const {
  return world_.kubectl_ok({"get", "lease", "holdfast", "-o", "jsonpath={.spec.holderIdentity}"});
}

std::string Installation::pod_of(const std::string& holder) {
  return holder.substr(0, holder.find('_'));
}

std::string Installation::follower() const {
  const auto leader = pod_of(holder());
  for (const auto& pod : controllers())
    if (pod != leader) return pod;
  ADD_FAILURE() << "only " << leader << " is there";
  return {};
}

void Installation::declare(const std::string& yaml) const {
  const auto patch = Json::object({{"data", Json::object({{"site.yaml", yaml}})}});
  world_.kubectl_ok({"patch", "configmap", "holdfast", "--type=merge", "-p", dump_json(patch)});
}

void Installation::expect_pods_of_web(size_t count, const std::string& why) const {
  const auto phases = [&] {
    return world_.kubectl_ok({"get", "pods", "-l", "app.kubernetes.io/managed-by=holdfast",
                              "--field-selector=status.phase=Running", "-o", "name"});
  };
  EXPECT_TRUE(wait_until([&] {
    const auto running = phases();
    const auto lines = running.empty() ? 0 : std::count(running.begin(), running.end(), '\n') + 1;
    return pods_of_web().size() == count && static_cast<size_t>(lines) >= count;
  })) << why
      << ": " << world_.kubectl({"get", "pods"}).output << told();
}

std::string Installation::told() const {
  return "\n" + world_.kubectl({"get", "pods"}).output +
         world_.kubectl({"logs", "-l", "app.kubernetes.io/component=controller", "--tail=60", "--prefix"})
             .output;
}

}  // namespace holdfast::test
