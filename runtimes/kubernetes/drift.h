// How an object of the cluster differs from what is declared, and who made it so.
#pragma once

#include <string>
#include <vector>

#include "controller/base/json.h"

namespace holdfast::kubernetes {

struct Difference {
  // As in managedFields: "f:spec", "f:replicas"; an item of a list: "k:{"name":"web"}".
  // Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
  std::vector<std::string> path{};
  std::string field{};               // for people: "replicas", "env LEVEL"
  std::string declared{}, actual{};  // for people; both empty: values that nobody is shown
};

// Only what is declared counts: what is there beside it is the cluster's or somebody else's. Quantities,
// defaults and the order of named items make no difference.
std::vector<Difference> differences(const Json& declared, const Json& actual);

// "replicas: 2 is declared, 5 is in force (by kubectl-scale)"; without a manager if it is empty.
std::string sentence(const Difference& difference, const std::string& manager);

// managedFields without those of Holdfast and those of status: who else has set what. null: nobody.
Json foreign_fields(const Json& managed_fields);
// Who set that field; empty: nobody that is known.
std::string manager_of(const Difference& difference, const Json& foreign_fields);

}  // namespace holdfast::kubernetes
