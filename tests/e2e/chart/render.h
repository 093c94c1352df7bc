// What Helm and kubectl make of the chart and of the manifests.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "controller/base/json.h"
#include "controller/config/config.h"
#include "tests/support/kube_world/kube_world.h"
#include "tests/support/program.h"

namespace holdfast::test {

std::string source(const std::string& path);       // below the source tree
std::string source_text(const std::string& path);  // fails the test if there is no such file

using Values = std::vector<std::string>;      // "replicas=3", as for --set
using Objects = std::map<std::string, Json>;  // "Deployment holdfast/holdfast" or "ClusterRole x"

Finished helm(const ClusterAddress& cluster, const std::vector<std::string>& arguments);
// Without a cluster, as of that version of Kubernetes.
Finished helm_template(const std::string& ns, const Values& values, const std::string& kubernetes = "1.35.0");
Finished kustomize(const std::string& folder);

Json yaml(const std::string& text);           // one document
Objects objects_in(const std::string& text);  // several
Objects chart_objects(const std::string& ns, const Values& values);
Objects manifest_objects(const std::string& folder);

// Faults of `holdfast.yaml` in that ConfigMap, as the controller would tell them; empty: none.
std::string faults_of(const Json& config_map);
std::string faults_of(const std::vector<config::LayerText>& layers);

// "1.20.2"
std::string version_of(const ClusterAddress& cluster);

}  // namespace holdfast::test
