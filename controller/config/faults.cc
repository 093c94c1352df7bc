#include "controller/config/faults.h"

#include <algorithm>
#include <utility>

namespace holdfast::config {

namespace {
constexpr size_t kMostErrors = 1000;
constexpr size_t kLongestValue = 80;
}  // namespace

std::string abridged(const Node& node) {
  if (node.is_array()) return "a list";
  if (node.is_object()) return "a map";
  if (!node.is_string()) return dump_json(node.scalar);
  const auto& text = node.scalar.as_string();
  if (text.size() <= kLongestValue) return dump_json(node.scalar);
  size_t end = kLongestValue;  // not within a character of UTF-8
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80) --end;
  return dump_json(Json(text.substr(0, end))) + "...";
}

Origin origin_of(Mark mark, const std::vector<LayerText>& layers) {
  if (mark.layer < 0 || static_cast<size_t>(mark.layer) >= layers.size()) return {"defaults", {}, 0, 0};
  const auto& layer = layers[static_cast<size_t>(mark.layer)];
  return {layer.layer, layer.file, mark.line, mark.column};
}

void Faults::add(Mark mark, std::string path, std::string message, std::string value) {
  if (reported_.contains(place(mark))) return;
  faults_.push_back({mark, std::move(path), std::move(message), std::move(value)});
}

void Faults::add(const Node& node, const Path& path, std::string message, Echo echo) {
  add(node.mark, path.text(), std::move(message), echo == Echo::kYes ? abridged(node) : std::string{});
}

void Faults::report_once() {
  for (const auto& fault : faults_) reported_.insert(place(fault.mark));
}

std::vector<ConfigError> Faults::errors(const std::vector<LayerText>& layers) const {
  std::vector<const Fault*> sorted;
  sorted.reserve(faults_.size());
  for (const auto& fault : faults_) sorted.push_back(&fault);
  // Those of one place stay in the order in which they were found.
  std::sort(sorted.begin(), sorted.end(), [](const Fault* a, const Fault* b) {
    return std::pair(place(a->mark), a) < std::pair(place(b->mark), b);
  });
  std::vector<ConfigError> errors;
  for (const auto* fault : sorted) {
    if (errors.size() == kMostErrors) {
      errors.push_back({{}, {}, std::to_string(sorted.size() - kMostErrors) + " more errors follow", {}});
      break;
    }
    errors.push_back({fault->path, fault->value, fault->message, origin_of(fault->mark, layers)});
  }
  return errors;
}

}  // namespace holdfast::config
