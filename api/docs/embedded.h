// What the build put into the program (see embed/main.cc).
#pragma once

#include <string_view>

namespace holdfast::docs {

extern const std::string_view kOpenapiJson;
extern const std::string_view kPage;
extern const std::string_view kStyleHash, kScriptHash;  // as a content security policy writes them

}  // namespace holdfast::docs
