// What tells the items of a list apart, as the API server merges them.
// Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/base/json.h"

namespace holdfast::kubernetes {

// Sorted; empty: the list counts as one value. `field` is the list's name.
std::vector<std::string> merge_keys(std::string_view field, const Json& list);
// {"containerPort":80,"protocol":"TCP"}: an item's identity among those keys.
Json identity(const Json& item, const std::vector<std::string>& keys);
const Json* find_item(const Json& list, const Json& identity, const std::vector<std::string>& keys);
Json* find_item(Json& list, const Json& identity, const std::vector<std::string>& keys);

}  // namespace holdfast::kubernetes
