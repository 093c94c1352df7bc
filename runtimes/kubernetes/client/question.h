// One question to the API server: its path, and its words in messages.
// Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/base/result.h"
#include "runtimes/kubernetes/client/client.h"

namespace holdfast::kubernetes {

struct Question {
  std::string_view verb{};  // as roles name it: "get", "patch"
  Resource resource{};
  std::string namespace_{}, name{};
  std::string_view subresource{};  // "log"

  // "deployments.apps"
  [[nodiscard]] std::string kind() const;
  // "patching deployments.apps "web" in namespace "pipeline""
  [[nodiscard]] std::string what() const;
  // "/apis/apps/v1/namespaces/pipeline/deployments/web". kInvalid for a name that can't be a part of a path,
  // and for one without the namespace that it needs.
  [[nodiscard]] Result<std::string> path() const;
};

using Parameters = std::vector<std::pair<std::string_view, std::string>>;
std::string query_of(const Parameters& parameters);  // "?limit=500&continue=..."; empty values are left out
Parameters parameters_of(const Selection& selection);

}  // namespace holdfast::kubernetes
