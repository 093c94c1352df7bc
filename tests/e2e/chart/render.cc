#include "tests/e2e/chart/render.h"

#include <gmock/gmock.h>

#include "controller/base/file.h"
#include "controller/config/node.h"
#include "controller/config/parse.h"

namespace holdfast::test {
namespace {

const std::string kChart = "charts/holdfast";

Objects rendered(const Finished& done) {
  EXPECT_EQ(done.status, 0) << done.output;
  return done.status == 0 ? objects_in(done.output) : Objects{};
}

}  // namespace

std::string source(const std::string& path) {
  return HOLDFAST_SOURCE "/" + path;
}

std::string source_text(const std::string& path) {
  const auto text = read_file(source(path));
  EXPECT_TRUE(text) << path;
  return text.value_or("");
}

Finished helm(const ClusterAddress& cluster, const std::vector<std::string>& arguments) {
  std::vector<std::string> argv{"helm"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return run_program(argv, {{"KUBECONFIG", cluster.kubeconfig()}});
}

Finished helm_template(const std::string& ns, const Values& values, const std::string& kubernetes) {
  std::vector<std::string> argv{"helm", "template", "holdfast",       source(kChart),
                                "-n",   ns,         "--kube-version", kubernetes};
  for (const auto& value : values) argv.insert(argv.end(), {"--set", value});
  return run_program(argv);
}

Finished kustomize(const std::string& folder) {
  return run_program({"kubectl", "kustomize", source("manifests/" + folder)});
}

Json yaml(const std::string& text) {
  const auto node = config::parse_yaml(text);
  if (node) return config::to_json(*node);
  ADD_FAILURE() << node.error().message << " in line " << node.error().mark.line << " of\n" << text;
  return {};
}

Objects objects_in(const std::string& text) {
  Objects out;
  size_t from = 0;
  while (from < text.size()) {
    const auto end = text.find("\n---", from);
    const auto document = text.substr(from, end == std::string::npos ? end : end - from + 1);
    from = end == std::string::npos ? text.size() : text.find('\n', end + 1) + 1;
    if (document.find("kind:") == std::string::npos) continue;
    auto object = yaml(document.starts_with("---") ? document.substr(document.find('\n') + 1) : document);
    const auto& metadata = object.at("metadata");
    const auto& ns = metadata.at("namespace").as_string();
    const auto name =
        object.at("kind").as_string() + " " + (ns.empty() ? "" : ns + "/") + metadata.at("name").as_string();
    EXPECT_FALSE(out.contains(name)) << name << " is there twice";
    out.emplace(name, std::move(object));
  }
  return out;
}

Objects chart_objects(const std::string& ns, const Values& values) {
  return rendered(helm_template(ns, values));
}

Objects manifest_objects(const std::string& folder) {
  return rendered(kustomize(folder));
}

std::string faults_of(const std::vector<config::LayerText>& layers) {
  std::string out;
  for (const auto& error : config::load(layers).errors)
    out += error.origin.file + " " + error.path + ": " + error.message + "\n";
  return out;
}

std::string faults_of(const Json& config_map) {
  const auto& text = config_map.at("data").at("holdfast.yaml").as_string();
  if (text.empty()) return "there is no holdfast.yaml";
  return faults_of(std::vector<config::LayerText>{{"base", "holdfast.yaml", text}});
}

std::string version_of(const ClusterAddress& cluster) {
  const auto answer = parse_json(cluster.kubectl_ok({"get", "--raw", "/version"}));
  EXPECT_TRUE(answer);
  return answer ? answer->at("gitVersion").as_string().substr(1) : "";
}

}  // namespace holdfast::test
