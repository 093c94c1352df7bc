#include "api/v1/config_path.h"

#include <charconv>
#include <utility>

namespace holdfast::api {
namespace {

const Json* child(const Json& value, const std::string& key) {
  if (value.is_object()) return value.find(key);
  if (!value.is_array()) return nullptr;
  size_t index = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
  if (error != std::errc{} || end != key.data() + key.size() || index >= value.items().size()) return nullptr;
  return &value.items()[index];
}

// Tries each prefix of the rest as a key, the shortest first. Bounded by the depth of the document.
bool descend(const Json& value, std::string_view rest, Keys& keys) {
  for (size_t end = rest.find('.');; end = rest.find('.', end + 1)) {
    std::string key(rest.substr(0, end));
    if (const Json* next = child(value, key)) {
      keys.push_back(std::move(key));
      if (end == std::string_view::npos || descend(*next, rest.substr(end + 1), keys)) return true;
      keys.pop_back();
    }
    if (end == std::string_view::npos) return false;
  }
}

}  // namespace

std::optional<Keys> find_path(const Json& document, std::string_view path) {
  if (path.starts_with('/')) {
    Keys keys = from_pointer(path);
    return value_at(document, keys) == nullptr ? std::nullopt : std::optional(std::move(keys));
  }
  Keys keys;
  if (path.empty()) return keys;
  return descend(document, path, keys) ? std::optional(std::move(keys)) : std::nullopt;
}

const Json* value_at(const Json& document, const Keys& keys) {
  const Json* value = &document;
  for (const auto& key : keys) {
    value = child(*value, key);
    if (value == nullptr) return nullptr;
  }
  return value;
}

std::string to_pointer(const Keys& keys) {
  std::string pointer;
  for (const auto& key : keys) {
    pointer += '/';
    for (const char c : key) {
      if (c == '~')
        pointer += "~0";
      else if (c == '/')
        pointer += "~1";
      else
        pointer += c;
    }
  }
  return pointer;
}

Keys from_pointer(std::string_view pointer) {
  Keys keys;
  for (size_t i = 0; i < pointer.size(); ++i) {
    const char c = pointer[i];
    if (c == '/') {
      keys.emplace_back();
    } else if (!keys.empty()) {
      const bool escaped =
          c == '~' && i + 1 < pointer.size() && (pointer[i + 1] == '0' || pointer[i + 1] == '1');
      keys.back() += !escaped ? c : pointer[i + 1] == '0' ? '~' : '/';
      if (escaped) ++i;
    }
  }
  return keys;
}

std::string to_dotted(const Keys& keys) {
  std::string text;
  for (const auto& key : keys) text += (text.empty() ? "" : ".") + key;
  return text;
}

}  // namespace holdfast::api
