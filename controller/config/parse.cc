#include "controller/config/parse.h"

#include <charconv>
#include <utility>
#include <vector>

#include "controller/config/path.h"

namespace holdfast::config {

namespace {

// Finds where a key begins from where its value does: `"key" : value`.
class KeyFinder {
 public:
  explicit KeyFinder(std::string_view text) : text_(text) {
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') lines_.push_back(i + 1);
    }
  }

  [[nodiscard]] Mark before(Mark value) const {
    size_t i = lines_.at(static_cast<size_t>(value.line) - 1) + static_cast<size_t>(value.column) - 1;
    while (i > 0 && text_[i - 1] != '"') --i;  // blanks and the colon
    if (i == 0) return value;
    --i;  // the closing quote
    while (i > 0 && (text_[i - 1] != '"' || escaped(i - 1))) --i;
    if (i == 0) return value;
    return at(i - 1);
  }

 private:
  [[nodiscard]] bool escaped(size_t quote) const {
    size_t backslashes = 0;
    while (backslashes < quote && text_[quote - 1 - backslashes] == '\\') ++backslashes;
    return backslashes % 2 == 1;
  }
  [[nodiscard]] Mark at(size_t offset) const {
    const auto next = std::upper_bound(lines_.begin(), lines_.end(), offset);
    const auto line = next - lines_.begin();
    return {0, static_cast<std::int32_t>(line), static_cast<std::int32_t>(offset - *(next - 1)) + 1};
  }

  std::string_view text_;
  std::vector<size_t> lines_{0};  // offset of each line
};

// Joins values and positions: the positions come in the order of a walk through the tree.
class Marker {
 public:
  Marker(std::string_view text, const std::vector<TextPosition>& positions)
      : keys_(text), positions_(positions) {}

  Node mark(const Json& value) {
    Node node;
    const auto position = positions_.at(next_++);
    node.mark = {0, position.line, position.column};
    if (value.is_array()) {
      node.kind = Node::Kind::kArray;
      node.items.reserve(value.items().size());
      for (const auto& item : value.items()) node.items.push_back(mark(item));
    } else if (value.is_object()) {
      node.kind = Node::Kind::kObject;
      node.members.reserve(value.members().size());
      for (const auto& [key, member] : value.members()) {
        Node child = mark(member);
        const Mark key_mark = keys_.before(child.mark);
        node.members.push_back({key, key_mark, std::move(child)});
      }
    } else {
      node.scalar = value;
    }
    return node;
  }

 private:
  KeyFinder keys_;
  const std::vector<TextPosition>& positions_;
  size_t next_ = 0;
};

// "line 3, column 5: what" -> its mark and what.
SyntaxFault json_fault(const std::string& message) {
  SyntaxFault fault{{0, 0, 0}, {}, message};
  constexpr std::string_view kLine = "line ", kColumn = ", column ";
  if (!message.starts_with(kLine)) return fault;
  const char* end = message.data() + message.size();
  const auto line = std::from_chars(message.data() + kLine.size(), end, fault.mark.line);
  std::string_view rest(line.ptr, static_cast<size_t>(end - line.ptr));
  if (!rest.starts_with(kColumn)) return fault;
  const auto column = std::from_chars(line.ptr + kColumn.size(), end, fault.mark.column);
  rest = std::string_view(column.ptr, static_cast<size_t>(end - column.ptr));
  if (rest.starts_with(": ")) fault.message = rest.substr(2);
  return fault;
}

std::optional<SyntaxFault> find_nul(const Node& node, const Path& path) {
  const auto fault = [](Mark mark, const Path& at) {
    return SyntaxFault{mark, at.text(), "a NUL character; no value can hold one"};
  };
  if (node.is_string() && node.scalar.as_string().find('\0') != std::string::npos)
    return fault(node.mark, path);
  for (size_t i = 0; i < node.items.size(); ++i) {
    const auto index = std::to_string(i);
    if (auto found = find_nul(node.items[i], {&path, index})) return found;
  }
  for (const auto& member : node.members) {
    if (member.key.find('\0') != std::string::npos) return fault(member.key_mark, path);
    if (auto found = find_nul(member.value, {&path, member.key})) return found;
  }
  return std::nullopt;
}

}  // namespace

bool is_json_file(std::string_view file) {
  return file.ends_with(".json");
}

tl::expected<Node, SyntaxFault> parse_marked_json(std::string_view text) {
  std::vector<TextPosition> positions;
  const auto value = parse_json_with_positions(
      text, [&](const std::string&, TextPosition position) { positions.push_back(position); });
  if (!value) return tl::unexpected(json_fault(value.error().message));
  Node root = Marker(text, positions).mark(*value);
  // Only an escape can bring a NUL into a valid text.
  if (text.find("\\u0000") != std::string_view::npos) {
    if (auto fault = find_nul(root, {})) return tl::unexpected(std::move(*fault));
  }
  return root;
}

std::shared_ptr<const ParsedLayer> parse_layer(const LayerText& layer) {
  auto parsed = std::make_shared<ParsedLayer>();
  parsed->text = layer.text;
  parsed->json = is_json_file(layer.file);
  auto root = parsed->json ? parse_marked_json(layer.text) : parse_yaml(layer.text);
  if (!root) {
    parsed->fault = std::move(root.error());
    return parsed;
  }
  if (root->is_null()) root->kind = Node::Kind::kObject;  // an empty file
  if (!root->is_object()) {
    parsed->fault = SyntaxFault{root->mark, {}, "a map is expected: keys such as services and controller"};
    return parsed;
  }
  parsed->root = std::move(*root);
  return parsed;
}

}  // namespace holdfast::config
