// Places in a configuration document, as people write them: "services.web.restart.policy", or a JSON pointer
// (RFC 6901) such as "/services/web/labels/app.kubernetes.io~1name". Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/json.h"

namespace holdfast::api {

using Keys = std::vector<std::string>;

// The keys that lead to the place; nullopt: the document has no such place. Keys that hold dots are found
// too. Items of lists are numbered from 0. The empty path is the document itself.
std::optional<Keys> find_path(const Json& document, std::string_view path);

const Json* value_at(const Json& document, const Keys& keys);  // null: no such place
std::string to_pointer(const Keys& keys);
Keys from_pointer(std::string_view pointer);
std::string to_dotted(const Keys& keys);

}  // namespace holdfast::api
