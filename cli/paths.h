// Places in a configuration document, as they are typed: "services.web.replicas", or a JSON pointer (RFC
// 6901) such as "/services/web/labels/app.kubernetes.io~1name" where a key holds a dot.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/base/json.h"
#include "controller/base/result.h"

namespace holdfast::cli {

Result<std::vector<std::string>> parse_path(std::string_view path);  // kInvalid: an empty key

// {"services": {"web": {"replicas": value}}}
Json nested(const std::vector<std::string>& keys, Json value);

const Json* find_at(const Json& document, const std::vector<std::string>& keys);

// What someone typed as a value: JSON if it is JSON, otherwise the text itself.
Json typed_value(const std::string& text);

}  // namespace holdfast::cli
