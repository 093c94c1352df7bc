#include "controller/config/compose/section.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

#include "controller/config/config.h"
#include "controller/config/path.h"

namespace holdfast::config {

namespace {

struct Reason {
  std::string_view key, why;
};
constexpr std::array<Reason, 14> kReasons{
    {{"configs", "mount the file with volumes instead"},
     {"container_name", "Holdfast names its containers itself: holdfast-SERVICE-0"},
     {"credential_spec", "it is for Windows"},
     {"develop", "it is for development"},
     {"expose", "not needed: containers of one network reach every port of each other"},
     {"extends", "let `docker compose config` put it in first, and import what that prints"},
     {"external_links", "containers of one network reach each other by name"},
     {"include", "let `docker compose config` put it in first, and import what that prints"},
     {"isolation", "it is for Windows"},
     {"links", "containers of one network reach each other by the name of the service"},
     {"stdin_open", "a service has no terminal to read from"},
     {"ulimits", "Holdfast sets limits of processes only; containers have those of the engine"},
     {"volumes_from", "name the volumes under volumes instead"},
     {"platform", "the engine takes the machine's own"}}};

std::string reason_for(std::string_view key) {
  const auto* const it =
      std::find_if(kReasons.begin(), kReasons.end(), [&](const Reason& reason) { return reason.key == key; });
  return it == kReasons.end() ? "Holdfast has nothing like it" : std::string(it->why);
}

}  // namespace

std::string Compose::absolute(std::string_view path) const {
  namespace fs = std::filesystem;
  if (path == "~" || path.starts_with("~/"))
    return lookup("HOME").value_or("/root") + std::string(path.substr(1));
  auto text = (fs::path(input.directory) / path).lexically_normal().string();
  if (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

std::optional<std::string> text_of(const Node& node) {
  if (node.is_string()) return node.scalar.as_string();
  if (node.kind != Node::Kind::kScalar || node.is_null()) return std::nullopt;
  return dump_json_canonical(node.scalar);
}

Section::Section(Compose& compose, const Node& node, std::string path)
    : compose_(compose), node_(node), path_(std::move(path)) {
  if (!node.is_object()) compose.fault(node, path_, "expected a map");
}

std::string Section::at(std::string_view key) const {
  const auto segment = path_of({std::string(key)});
  return path_.empty() ? segment : path_ + "." + segment;
}

const Node* Section::take(std::string_view key) {
  read_.emplace(key);
  const Node* node = node_.find(key);
  return node && !node->is_null() ? node : nullptr;
}

std::optional<std::string> Section::text(std::string_view key) {
  const Node* node = take(key);
  if (!node) return std::nullopt;
  auto text = text_of(*node);
  if (!text) compose_.fault(*node, at(key), "expected a text");
  return text;
}

std::optional<bool> Section::boolean(std::string_view key) {
  const Node* node = take(key);
  if (!node) return std::nullopt;
  const auto text = text_of(*node).value_or("");
  for (const auto* yes : {"true", "yes", "on", "y", "1"}) {
    if (text == yes) return true;
  }
  for (const auto* no : {"false", "no", "off", "n", "0", ""}) {
    if (text == no) return false;
  }
  compose_.fault(*node, at(key), "expected true or false");
  return std::nullopt;
}

std::optional<std::int64_t> Section::integer(std::string_view key) {
  const Node* node = take(key);
  if (!node) return std::nullopt;
  const auto text = text_of(*node).value_or("");
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size()) return value;
  compose_.fault(*node, at(key), "expected a whole number");
  return std::nullopt;
}

std::optional<std::string> Section::duration(std::string_view key) {
  const Node* node = take(key);
  if (!node) return std::nullopt;
  const auto duration = parse_duration(text_of(*node).value_or(""));
  if (duration) return format_duration(*duration);
  compose_.fault(*node, at(key), duration.error().message + "; " + duration.error().hint);
  return std::nullopt;
}

std::optional<std::int64_t> Section::bytes(std::string_view key) {
  const Node* node = take(key);
  if (!node) return std::nullopt;
  const auto bytes = parse_compose_bytes(text_of(*node).value_or(""));
  if (bytes) return *bytes;
  compose_.fault(*node, at(key), bytes.error().message);
  return std::nullopt;
}

std::vector<Entry> Section::items(std::string_view key) {
  const Node* node = take(key);
  std::vector<Entry> out;
  if (!node) return out;
  if (auto one = text_of(*node)) return {{*one, {}, at(key), node}};
  if (!node->is_array()) compose_.fault(*node, at(key), "expected a list");
  for (size_t i = 0; i < node->items.size(); ++i) {
    const Node& item = node->items[i];
    const auto path = at(key) + "." + std::to_string(i);
    if (auto text = text_of(item))
      out.push_back({std::move(*text), {}, path, &item});
    else
      compose_.fault(item, path, "expected a text");
  }
  return out;
}

std::vector<std::string> Section::texts(std::string_view key) {
  std::vector<std::string> out;
  for (auto& entry : items(key)) out.push_back(std::move(entry.key));
  return out;
}

std::optional<std::vector<std::string>> Section::words(std::string_view key) {
  const Node* node = take(key);
  if (!node) return std::nullopt;
  if (node->is_array()) return texts(key);
  const auto text = text_of(*node);
  if (!text) {
    compose_.fault(*node, at(key), "expected a text or a list");
    return std::nullopt;
  }
  auto words = split_words(*text);
  if (words) return std::move(*words);
  compose_.fault(*node, at(key), words.error().message);
  return std::nullopt;
}

std::vector<Entry> Section::pairs(std::string_view key, std::string_view separators) {
  const Node* node = take(key);
  std::vector<Entry> out;
  if (!node) return out;
  for (const auto& member : node->members) {
    const auto path = at(key) + "." + path_of({member.key});
    auto value = text_of(member.value);
    if (!value && !member.value.is_null()) compose_.fault(member.value, path, "expected a text");
    out.push_back({member.key, std::move(value), path, &member.value});
  }
  if (node->is_object()) return out;
  for (auto& entry : items(key)) {
    auto at = std::string::npos;
    for (size_t i = 0; i < separators.size() && at == std::string::npos; ++i)
      at = entry.key.find(separators[i]);
    if (at != std::string::npos) {
      entry.value = entry.key.substr(at + 1);
      entry.key.resize(at);
    }
    out.push_back(std::move(entry));
  }
  return out;
}

void Section::not_carried_over(std::string_view key, const std::string& why) {
  read_.emplace(key);
  if (node_.find(key)) note(key, "not carried over (" + why + ")");
}

void Section::finish() {
  for (const auto& member : node_.members) {
    if (read_.contains(member.key) || member.key.starts_with("x-")) continue;
    note(member.key, "not carried over (" + reason_for(member.key) + ")");
  }
}

}  // namespace holdfast::config
