#include "cli/paths.h"

#include <ranges>

namespace holdfast::cli {
namespace {

std::string unescaped(std::string_view token) {
  std::string key;
  for (size_t i = 0; i < token.size(); ++i) {
    const bool escape =
        token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1');
    key += escape ? (token[i + 1] == '0' ? '~' : '/') : token[i];
    if (escape) ++i;
  }
  return key;
}

}  // namespace

Result<std::vector<std::string>> parse_path(std::string_view path) {
  std::vector<std::string> keys;
  if (path.empty()) return keys;
  const bool pointer = path.front() == '/';
  const char separator = pointer ? '/' : '.';
  auto rest = pointer ? path.substr(1) : path;
  for (;;) {
    const auto end = rest.find(separator);
    const auto token = rest.substr(0, end);
    if (token.empty()) {
      return fail(ErrorCode::kInvalid, "\"" + std::string(path) + "\" has an empty key",
                  "write a path like services.web.replicas");
    }
    keys.push_back(pointer ? unescaped(token) : std::string(token));
    if (end == std::string_view::npos) return keys;
    rest.remove_prefix(end + 1);
  }
}

Json nested(const std::vector<std::string>& keys, Json value) {
  for (const auto& key : std::views::reverse(keys)) value = Json::object({{key, std::move(value)}});
  return value;
}

const Json* find_at(const Json& document, const std::vector<std::string>& keys) {
  const Json* place = &document;
  for (const auto& key : keys) {
    if (place->is_array()) {
      const bool number =
          !key.empty() && key.size() < 9 && key.find_first_not_of("0123456789") == std::string::npos;
      const size_t index = number ? std::stoul(key) : place->items().size();
      place = index < place->items().size() ? &place->items()[index] : nullptr;
    } else {
      place = place->find(key);
    }
    if (!place) return nullptr;
  }
  return place;
}

Json typed_value(const std::string& text) {
  auto value = parse_json(text);
  return value ? std::move(*value) : Json(text);
}

}  // namespace holdfast::cli
