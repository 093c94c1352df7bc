// YAML as far as a configuration needs it: one document, string keys, aliases within a budget, merge keys.
// Scalars follow the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema): `yes` and `on`
// are strings. A number with leading zeros is a string too: YAML 1.1 reads 010 as 8, YAML 1.2 as 10, JSON not
// at all.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "controller/config/parse.h"
#include "controller/config/path.h"

namespace holdfast::config {

namespace {

constexpr size_t kMostBytes = 1u << 20;
constexpr size_t kMostValues = 250'000;
constexpr size_t kMostExpandedBytes = 8u << 20;
constexpr size_t kDeepest = 64;
constexpr std::string_view kStandardTag = "tag:yaml.org,2002:";

struct Abort {
  SyntaxFault fault;
};

Mark mark_of(const YAML::Mark& mark) {
  return mark.line < 0 ? Mark{0, 0, 0} : Mark{0, mark.line + 1, mark.column + 1};
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?, and no leading zeros.
bool looks_like_number(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  if (const auto e = text.find_first_of("eE"); e != std::string_view::npos) {
    auto exponent = text.substr(e + 1);
    if (!exponent.empty() && (exponent.front() == '-' || exponent.front() == '+')) exponent.remove_prefix(1);
    if (!all_digits(exponent)) return false;
    text = text.substr(0, e);
  }
  const auto dot = text.find('.');
  const auto whole = text.substr(0, dot);
  const auto fraction = dot == std::string_view::npos ? std::string_view{} : text.substr(dot + 1);
  if (whole.empty() && fraction.empty()) return false;
  if (!whole.empty() && !all_digits(whole)) return false;
  if (!fraction.empty() && !all_digits(fraction)) return false;
  return whole.size() < 2 || whole.front() != '0';
}

std::optional<Json> based_integer(std::string_view text) {
  const int base = text.starts_with("0x") ? 16 : text.starts_with("0o") ? 8 : 0;
  if (base == 0 || text.size() < 3) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return Json(value);
}

// Nothing if the text is no number.
std::optional<Json> number(std::string_view text) {
  if (auto based = based_integer(text)) return based;
  if (!looks_like_number(text)) return std::nullopt;
  if (text.front() == '+') text.remove_prefix(1);
  std::int64_t whole = 0;
  const char* last = text.data() + text.size();
  if (const auto [end, error] = std::from_chars(text.data(), last, whole);
      error == std::errc{} && end == last)
    return Json(whole);
  double real = 0;
  const auto [end, error] = std::from_chars(text.data(), last, real);
  if (end != last || (error != std::errc{} && error != std::errc::result_out_of_range)) return std::nullopt;
  return error == std::errc{} ? Json(real) : Json(HUGE_VAL);
}

std::optional<Json> boolean(std::string_view text) {
  if (text == "true" || text == "True" || text == "TRUE") return Json(true);
  if (text == "false" || text == "False" || text == "FALSE") return Json(false);
  return std::nullopt;
}

bool is_null_text(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

bool is_infinite_text(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kNames{
      ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN"};
  return std::find(kNames.begin(), kNames.end(), text) != kNames.end();
}

// A plain scalar, or one with the tag of a standard type. Nothing if the text doesn't fit the tag.
std::optional<Json> resolve(std::string_view tag, const std::string& text) {
  if (tag == "?" || tag.empty()) {
    if (is_null_text(text)) return Json();
    if (auto value = boolean(text)) return value;
    if (is_infinite_text(text)) return Json(HUGE_VAL);
    if (auto value = number(text)) return value;
    return Json(text);
  }
  if (tag == "!" || tag == "str") return Json(text);
  if (tag == "null" && is_null_text(text)) return Json();
  if (tag == "bool") return boolean(text);
  if (tag == "int" || tag == "float") {
    auto value = number(text);
    if (value && tag == "int" && !value->is_int()) return std::nullopt;
    return value;
  }
  return std::nullopt;
}

// Builds the tree from the parser's events.
class Builder final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1)
      stop(mark_of(mark), "a second document; a layer is one document, put each in a file");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    scalar(mark_of(mark), Json(), anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark_of(mark), tag, "seq", anchor, Node::Kind::kArray);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark_of(mark), tag, "map", anchor, Node::Kind::kObject);
  }
  void OnMapEnd() override { close(); }

  Node take() { return std::move(root_); }

 private:
  struct Size {
    size_t values = 0, bytes = 0;
  };
  struct Anchored {
    Node node;
    Size size;
    size_t depth = 0;  // levels below it
  };
  struct Open {
    Node node;
    YAML::anchor_t anchor = 0;
    Size before;  // spent when it began
    size_t depth = 0;
    std::optional<std::string> key;  // of the member whose value comes next
    Mark key_mark;
    bool merge = false;                            // that key is <<
    std::unordered_map<std::string, int> lines{};  // keys seen and where
    std::vector<Node> merged{};                    // values of <<
  };

  [[noreturn]] void stop(Mark mark, std::string message) const {
    throw Abort{{mark, path_text(), std::move(message)}};
  }
  [[nodiscard]] std::string path_text() const {
    std::vector<std::string> segments;
    for (const auto& open : stack_) {
      if (open.node.is_array())
        segments.push_back(std::to_string(open.node.items.size()));
      else if (open.key)
        segments.push_back(*open.key);
    }
    return path_of(segments);
  }
  void spend(Mark mark, Size size) {
    spent_.values += size.values;
    spent_.bytes += size.bytes;
    if (spent_.values > kMostValues)
      stop(mark, "more than " + std::to_string(kMostValues) + " values, aliases expanded");
    if (spent_.bytes > kMostExpandedBytes)
      stop(mark, "more than " + std::to_string(kMostExpandedBytes >> 20) + " MiB of text, aliases expanded");
  }
  [[nodiscard]] std::string_view short_tag(Mark mark, std::string_view tag) const {
    if (tag == "?" || tag == "!" || tag.empty()) return tag;
    if (tag.starts_with(kStandardTag)) return tag.substr(kStandardTag.size());
    stop(mark, "the tag " + std::string(tag) + " isn't supported");
  }
  void scalar(Mark mark, Json value, YAML::anchor_t anchor);
  void open(Mark mark, const std::string& tag, std::string_view own_tag, YAML::anchor_t anchor,
            Node::Kind kind);
  void close();
  void add_key(Mark mark, const std::string& key, bool merge);
  void add_value(Node node, size_t depth);
  void apply_merge_keys(Open& map);

  int documents_ = 0;
  Size spent_;
  Node root_;
  std::vector<Open> stack_;
  std::unordered_map<YAML::anchor_t, Anchored> anchors_;
  std::unordered_set<YAML::anchor_t> opening_;  // anchors of what isn't closed yet
};

void Builder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       const std::string& value) {
  const Mark at = mark_of(mark);
  const auto kind = short_tag(at, tag);
  if (value.find('\0') != std::string::npos) stop(at, "a NUL character; no value can hold one");
  const bool is_key = !stack_.empty() && stack_.back().node.is_object() && !stack_.back().key;
  if (is_key) {
    if (anchor != 0) {
      Node node;
      node.mark = at;
      node.scalar = Json(value);
      anchors_[anchor] = {std::move(node), {1, value.size()}, 0};
    }
    add_key(at, value, kind == "?" && value == "<<");
    return;
  }
  const auto resolved = resolve(kind, value);
  if (!resolved) stop(at, "the value doesn't fit its tag " + tag);
  if (resolved->is_double() && !std::isfinite(resolved->as_double()))
    stop(at, "not a finite number; put it in quotes if text is meant");
  scalar(at, *resolved, anchor);
}

void Builder::scalar(Mark mark, Json value, YAML::anchor_t anchor) {
  if (!stack_.empty() && stack_.back().node.is_object() && !stack_.back().key)
    stop(mark, "an empty key; a key is a string");
  const Size size{1, value.is_string() ? value.as_string().size() : 0};
  spend(mark, size);
  Node node;
  node.mark = mark;
  node.scalar = std::move(value);
  if (anchor != 0) anchors_[anchor] = {node, size, 0};
  add_value(std::move(node), 0);
}

void Builder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  const Mark at = mark_of(mark);
  if (opening_.contains(anchor)) stop(at, "an alias of what it is part of: a cycle");
  const auto it = anchors_.find(anchor);
  if (it == anchors_.end()) stop(at, "an alias without its anchor");
  const auto& anchored = it->second;
  if (!stack_.empty() && stack_.back().node.is_object() && !stack_.back().key) {
    if (!anchored.node.is_string()) stop(at, "a key is a string");
    add_key(at, anchored.node.scalar.as_string(), false);
    return;
  }
  if (stack_.size() + anchored.depth > kDeepest)
    stop(at, "nested deeper than " + std::to_string(kDeepest) + " levels, aliases expanded");
  spend(at, anchored.size);
  add_value(anchored.node, anchored.depth);
}

void Builder::open(Mark mark, const std::string& tag, std::string_view own_tag, YAML::anchor_t anchor,
                   Node::Kind kind) {
  const auto given = short_tag(mark, tag);
  if (given != "?" && given != "!" && !given.empty() && given != own_tag)
    stop(mark, "the value doesn't fit its tag " + tag);
  if (!stack_.empty() && stack_.back().node.is_object() && !stack_.back().key)
    stop(mark, "a list or map as a key; a key is a string");
  if (stack_.size() >= kDeepest) stop(mark, "nested deeper than " + std::to_string(kDeepest) + " levels");
  Open open{.node = {}, .anchor = anchor, .before = spent_, .depth = 0, .key = {}, .key_mark = {}};
  open.node.kind = kind;
  open.node.mark = mark;
  if (anchor != 0) opening_.insert(anchor);
  spend(mark, {1, 0});
  stack_.push_back(std::move(open));
}

void Builder::close() {
  Open done = std::move(stack_.back());
  stack_.pop_back();
  if (!done.merged.empty()) apply_merge_keys(done);
  if (done.anchor != 0) {
    opening_.erase(done.anchor);
    anchors_[done.anchor] = {
        done.node, {spent_.values - done.before.values, spent_.bytes - done.before.bytes}, done.depth + 1};
  }
  add_value(std::move(done.node), done.depth + 1);
}

void Builder::add_key(Mark mark, const std::string& key, bool merge) {
  Open& map = stack_.back();
  const auto [seen, fresh] = map.lines.emplace(key, mark.line);
  map.key = key;
  if (!fresh) {
    stop(mark, "duplicate key '" + key + "', first on line " + std::to_string(seen->second));
  }
  spend(mark, {0, key.size()});
  map.key_mark = mark;
  map.merge = merge;
}

void Builder::add_value(Node node, size_t depth) {
  if (stack_.empty()) {
    root_ = std::move(node);
    return;
  }
  Open& parent = stack_.back();
  parent.depth = std::max(parent.depth, depth);
  if (parent.node.is_array()) {
    parent.node.items.push_back(std::move(node));
    return;
  }
  if (parent.merge) {
    const bool maps = node.is_array() && std::all_of(node.items.begin(), node.items.end(),
                                                     [](const Node& item) { return item.is_object(); });
    if (node.is_object()) {
      parent.merged.push_back(std::move(node));
    } else if (maps) {
      for (auto& item : node.items) parent.merged.push_back(std::move(item));
    } else {
      stop(node.mark, "<< takes a map or a list of maps");
    }
  } else {
    parent.node.members.push_back({std::move(*parent.key), parent.key_mark, std::move(node)});
  }
  parent.key.reset();
  parent.merge = false;
}

// Own keys win over merged ones, earlier merged maps over later ones.
void Builder::apply_merge_keys(Open& map) {
  for (auto& source : map.merged) {
    for (auto& member : source.members) {
      if (map.lines.emplace(member.key, member.key_mark.line).second)
        map.node.members.push_back(std::move(member));
    }
  }
}

std::optional<SyntaxFault> unreadable(std::string_view text) {
  if (text.size() > kMostBytes) {
    return SyntaxFault{{0, 0, 0},
                       {},
                       "YAML of " + std::to_string(text.size()) + " bytes is larger than the limit of " +
                           std::to_string(kMostBytes) + " bytes; JSON may be larger"};
  }
  Mark at{0, 1, 1};
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    if (const auto nul = line.find('\0'); nul != std::string_view::npos)
      return SyntaxFault{{0, at.line, static_cast<int>(nul) + 1}, {}, "a NUL byte in YAML"};
    if (!is_valid_utf8(line)) {
      size_t good = 0;  // the longest valid beginning
      for (size_t i = 1; i <= line.size(); ++i) {
        if (is_valid_utf8(line.substr(0, i))) good = i;
      }
      return SyntaxFault{{0, at.line, static_cast<int>(good) + 1}, {}, "invalid UTF-8"};
    }
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    ++at.line;
  }
  return std::nullopt;
}

// The usual cause of a message that doesn't name it.
bool indented_by_tab(std::string_view text, int line) {
  for (int i = 1; i < line && !text.empty(); ++i)
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  const auto blank = text.substr(0, text.find_first_not_of(" \t"));
  return line > 0 && blank.find('\t') != std::string_view::npos;
}

}  // namespace

tl::expected<Node, SyntaxFault> parse_yaml(std::string_view text) {
  if (auto fault = unreadable(text)) return tl::unexpected(std::move(*fault));
  Builder builder;
  try {
    // A quoted string that isn't closed would be taken to end with the last line; the end marker forbids it.
    std::istringstream stream(std::string(text) + (text.ends_with('\n') ? "...\n" : ""));
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Abort& abort) {
    return tl::unexpected(abort.fault);
  } catch (const YAML::Exception& error) {
    const Mark mark = mark_of(error.mark);
    return tl::unexpected(SyntaxFault{mark,
                                      {},
                                      indented_by_tab(text, mark.line)
                                          ? "a tab in the indentation; YAML takes blanks only"
                                          : "YAML: " + error.msg});
  } catch (const std::exception& error) {
    return tl::unexpected(SyntaxFault{{0, 0, 0}, {}, std::string("YAML: ") + error.what()});
  }
  return builder.take();
}

}  // namespace holdfast::config
