#include "runtimes/kubernetes/client/yaml.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

namespace holdfast::kubernetes {

namespace {

constexpr size_t kMaxBytes = 4u << 20;  // certificates of many clusters
constexpr size_t kMaxValues = 100'000;
constexpr size_t kMaxDepth = 32;

struct YamlAbort {
  YAML::Mark mark;
  std::string message;
};

class TreeBuilder final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) throw YamlAbort{mark, "a second document"};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { scalar(mark, Json(), anchor); }
  void OnScalar(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                const std::string& value) override {
    scalar(mark, Json(value), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (opening_.contains(anchor)) throw YamlAbort{mark, "an alias of what it is part of"};
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw YamlAbort{mark, "an alias without its anchor"};
    if (stack_.size() + found->second.depth > kMaxDepth) throw YamlAbort{mark, "nested too deeply"};
    spend(mark, found->second.values, found->second.bytes);
    add(mark, found->second.value, found->second.depth);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, Json::array(), anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(mark, Json::object(), anchor);
  }
  void OnMapEnd() override { close(); }

  Json take() { return std::move(root_); }

 private:
  struct Anchored {
    Json value;
    size_t values = 0, bytes = 0, depth = 0;
  };
  struct Open {
    Json value;
    YAML::Mark mark;
    YAML::anchor_t anchor = 0;
    size_t values_before = 0, bytes_before = 0;
    size_t depth = 0;                  // levels below it
    std::optional<std::string> key{};  // of the member whose value comes next
    std::unordered_set<std::string> keys{};
  };

  void spend(const YAML::Mark& mark, size_t values, size_t bytes) {
    values_ += values;
    bytes_ += bytes;
    if (values_ > kMaxValues || bytes_ > 2 * kMaxBytes) throw YamlAbort{mark, "too large, aliases expanded"};
  }
  void scalar(const YAML::Mark& mark, Json value, YAML::anchor_t anchor) {
    const size_t bytes = value.as_string().size();
    spend(mark, 1, bytes);
    if (anchor != 0) anchors_[anchor] = {value, 1, bytes, 0};
    add(mark, std::move(value), 0);
  }
  void open(const YAML::Mark& mark, Json value, YAML::anchor_t anchor) {
    if (stack_.size() >= kMaxDepth) throw YamlAbort{mark, "nested too deeply"};
    const bool as_key = !stack_.empty() && stack_.back().value.is_object() && !stack_.back().key;
    if (as_key) throw YamlAbort{mark, "a key that is no string"};
    if (anchor != 0) opening_.insert(anchor);
    stack_.push_back({.value = std::move(value),
                      .mark = mark,
                      .anchor = anchor,
                      .values_before = values_,
                      .bytes_before = bytes_});
    spend(mark, 1, 0);
  }
  void close() {
    Open done = std::move(stack_.back());
    stack_.pop_back();
    if (done.anchor != 0) {
      opening_.erase(done.anchor);
      anchors_[done.anchor] = {done.value, values_ - done.values_before, bytes_ - done.bytes_before,
                               done.depth + 1};
    }
    add(done.mark, std::move(done.value), done.depth + 1);
  }
  void add(const YAML::Mark& mark, Json value, size_t depth) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return;
    }
    Open& parent = stack_.back();
    parent.depth = std::max(parent.depth, depth);
    if (parent.value.is_array()) return parent.value.push_back(std::move(value));
    if (!parent.key) {
      if (!value.is_string()) throw YamlAbort{mark, "a key that is no string"};
      parent.key = value.as_string();
      if (!parent.keys.insert(*parent.key).second) throw YamlAbort{mark, "a key that is there twice"};
      return;
    }
    parent.value.members().emplace_back(std::move(*parent.key), std::move(value));
    parent.key.reset();
  }

  int documents_ = 0;
  size_t values_ = 0, bytes_ = 0;
  Json root_;
  std::vector<Open> stack_;
  std::unordered_map<YAML::anchor_t, Anchored> anchors_;
  std::unordered_set<YAML::anchor_t> opening_;  // anchors of what isn't closed yet
};

tl::unexpected<Error> bad_yaml(const YAML::Mark& mark, const std::string& why) {
  std::string at;
  if (mark.line >= 0)
    at = "line " + std::to_string(mark.line + 1) + ", column " + std::to_string(mark.column + 1) + ": ";
  return fail_terminal(ErrorCode::kInvalid, at + why);
}

}  // namespace

Result<Json> parse_yaml(std::string_view text) {
  if (text.size() > kMaxBytes) return bad_yaml(YAML::Mark::null_mark(), "larger than 4 MiB");
  if (text.find('\0') != std::string_view::npos || !is_valid_utf8(text))
    return bad_yaml(YAML::Mark::null_mark(), "no text in UTF-8");
  TreeBuilder builder;
  try {
    // A quoted string that isn't closed would be taken to end with the last line; the end marker forbids it.
    std::istringstream stream(std::string(text) + (text.ends_with('\n') ? "...\n" : "\n...\n"));
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YamlAbort& abort) {
    return bad_yaml(abort.mark, abort.message);
  } catch (const YAML::Exception& error) {
    return bad_yaml(error.mark, "not YAML (" + error.msg + ")");
  } catch (const std::exception&) {
    return bad_yaml(YAML::Mark::null_mark(), "not YAML");
  }
  return builder.take();
}

}  // namespace holdfast::kubernetes
