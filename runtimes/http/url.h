// Pieces of URLs.
// Source: RFC 3986
#pragma once

#include <string>
#include <string_view>

namespace holdfast::http_client {

// Percent-encodes all but RFC 3986's unreserved characters and those in `keep`.
std::string url_encode(std::string_view text, std::string_view keep = {});

}  // namespace holdfast::http_client
