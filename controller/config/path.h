// Paths into the configuration. People see "services.web.env.\"a.b\""; maps of origins use JSON pointers
// (RFC 6901), "/services/web/env/a.b". A segment that is empty or holds a dot, a quote or a blank is quoted,
// with \" and \\ inside; list items are numbered from 0, "args.2".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"

namespace holdfast::config {

// One step of a path, on the stack of whoever walks a tree; written out only when there is an error to
// report.
struct Path {
  const Path* parent = nullptr;  // outlives this
  std::string_view segment{};
  [[nodiscard]] std::string text() const;
};

std::string path_of(const std::vector<std::string>& segments);
std::string pointer_of(const std::vector<std::string>& segments);
// Appends "/segment", escaped.
void append_pointer(std::string& pointer, std::string_view segment);

Result<std::vector<std::string>> parse_path(std::string_view path);        // "" is the whole document
Result<std::vector<std::string>> parse_pointer(std::string_view pointer);  // "" is the whole document

Result<std::string> path_to_pointer(std::string_view path);
Result<std::string> pointer_to_path(std::string_view pointer);

}  // namespace holdfast::config
