#include "controller/config/path.h"

#include <utility>

namespace holdfast::config {

namespace {

void append_segment(std::string& path, std::string_view segment) {
  if (!path.empty()) path += '.';
  if (!segment.empty() && segment.find_first_of(". \t\n\r\"\\") == std::string_view::npos) {
    path += segment;
    return;
  }
  path += '"';
  for (const char c : segment) {
    if (c == '"' || c == '\\') path += '\\';
    path += c;
  }
  path += '"';
}

tl::unexpected<Error> bad_path(std::string_view path, const std::string& why) {
  return fail(ErrorCode::kInvalid, "'" + std::string(path) + "' is not a path: " + why,
              R"(write it as services.web.restart, names with dots in quotes: services.web.env."a.b")");
}

// Reads a quoted segment that begins at path[i], and leaves i behind the closing quote.
Result<std::string> quoted_segment(std::string_view path, size_t& i) {
  std::string segment;
  for (++i; i < path.size(); ++i) {
    if (path[i] == '"') {
      ++i;
      return segment;
    }
    if (path[i] == '\\' && i + 1 < path.size()) ++i;
    segment += path[i];
  }
  return bad_path(path, "a quote is not closed");
}

}  // namespace

std::string Path::text() const {
  std::vector<std::string_view> segments;
  for (const Path* step = this; step; step = step->parent) {
    if (step->parent || !step->segment.empty()) segments.push_back(step->segment);
  }
  std::string out;
  for (auto it = segments.rbegin(); it != segments.rend(); ++it) append_segment(out, *it);
  return out;
}

std::string path_of(const std::vector<std::string>& segments) {
  std::string out;
  for (const auto& segment : segments) append_segment(out, segment);
  return out;
}

void append_pointer(std::string& pointer, std::string_view segment) {
  pointer += '/';
  for (const char c : segment) {
    if (c == '~')
      pointer += "~0";
    else if (c == '/')
      pointer += "~1";
    else
      pointer += c;
  }
}

std::string pointer_of(const std::vector<std::string>& segments) {
  std::string out;
  for (const auto& segment : segments) append_pointer(out, segment);
  return out;
}

Result<std::vector<std::string>> parse_path(std::string_view path) {
  std::vector<std::string> segments;
  if (path.empty()) return segments;
  for (size_t i = 0;;) {
    if (i < path.size() && path[i] == '"') {
      auto segment = quoted_segment(path, i);
      if (!segment) return fail(segment.error());
      segments.push_back(std::move(*segment));
    } else {
      const size_t end = std::min(path.find('.', i), path.size());
      if (end == i) return bad_path(path, "a name is missing");
      segments.emplace_back(path.substr(i, end - i));
      i = end;
    }
    if (i == path.size()) return segments;
    if (path[i] != '.') return bad_path(path, "a dot is missing after a quote");
    ++i;
  }
}

Result<std::vector<std::string>> parse_pointer(std::string_view pointer) {
  std::vector<std::string> segments;
  if (pointer.empty()) return segments;
  if (pointer.front() != '/')
    return fail(ErrorCode::kInvalid, "a JSON pointer begins with '/'", "see RFC 6901");
  for (const char c : pointer) {
    if (c == '/')
      segments.emplace_back();
    else
      segments.back() += c;
  }
  for (auto& segment : segments) {
    std::string plain;
    for (size_t i = 0; i < segment.size(); ++i) {
      if (segment[i] != '~') {
        plain += segment[i];
        continue;
      }
      const char next = ++i < segment.size() ? segment[i] : '\0';
      if (next != '0' && next != '1')
        return fail(ErrorCode::kInvalid, "'~' in a JSON pointer is followed by 0 or 1", "see RFC 6901");
      plain += next == '0' ? '~' : '/';
    }
    segment = std::move(plain);
  }
  return segments;
}

Result<std::string> path_to_pointer(std::string_view path) {
  return parse_path(path).map(pointer_of);
}

Result<std::string> pointer_to_path(std::string_view pointer) {
  return parse_pointer(pointer).map(path_of);
}

}  // namespace holdfast::config
