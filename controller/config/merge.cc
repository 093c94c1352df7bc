#include "controller/config/merge.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace holdfast::config {

namespace {

Mark stamped(Mark mark, std::optional<std::int32_t> layer) {
  if (layer) mark.layer = *layer;
  return mark;
}

void stamp(Node& node, std::int32_t layer) {
  node.mark.layer = layer;
  for (auto& item : node.items) stamp(item, layer);
  for (auto& member : node.members) {
    member.key_mark.layer = layer;
    stamp(member.value, layer);
  }
}

// Finds the members that were there at the start. A map of very many keys (env, labels) gets a hash table, so
// that a merge stays linear; the usual few keys are faster without.
class KeyIndex {
 public:
  explicit KeyIndex(std::vector<NodeMember>& members) : members_(members), count_(members.size()) {
    if (count_ <= kFew) return;
    for (size_t i = 0; i < count_; ++i) places_.emplace(members[i].key, i);
  }
  [[nodiscard]] std::optional<size_t> find(const std::string& key) const {
    if (count_ > kFew) {
      const auto it = places_.find(key);
      return it == places_.end() ? std::nullopt : std::optional(it->second);
    }
    for (size_t i = 0; i < count_; ++i) {
      if (members_[i].key == key) return i;
    }
    return std::nullopt;
  }
  void erase(size_t at) { erased_.push_back(at); }
  void compact() {
    std::sort(erased_.begin(), erased_.end());
    size_t next = 0, kept = 0;
    for (size_t i = 0; i < members_.size(); ++i) {
      if (next < erased_.size() && erased_[next] == i) {
        ++next;
        continue;
      }
      if (kept != i) members_[kept] = std::move(members_[i]);
      ++kept;
    }
    members_.resize(kept);
  }

 private:
  static constexpr size_t kFew = 32;
  std::vector<NodeMember>& members_;
  size_t count_;
  std::unordered_map<std::string, size_t> places_;
  std::vector<size_t> erased_;
};

void merge_services(MergedLayers& merged, const Node& services, std::int32_t layer, Faults& faults) {
  if (services.is_null()) {
    merged.services.clear();
    return;
  }
  if (!services.is_object()) {
    const Path root;
    const Path path{&root, "services"};
    faults.add(stamped(services.mark, layer), path.text(), "a map of services by name is expected",
               abridged(services));
    return;
  }
  for (const auto& member : services.members) {
    if (member.value.is_null())
      merged.services.erase(member.key);
    else
      merged.services[member.key].push_back({&member.value, layer, stamped(member.key_mark, layer)});
  }
}

}  // namespace

void merge_into(Node& target, const Node& patch, std::optional<std::int32_t> layer) {
  if (!patch.is_object()) {
    target = patch;
    if (layer) stamp(target, *layer);
    return;
  }
  if (!target.is_object()) {
    target = Node{};
    target.kind = Node::Kind::kObject;
  }
  target.mark = stamped(patch.mark, layer);
  KeyIndex index(target.members);
  for (const auto& member : patch.members) {
    const auto at = index.find(member.key);
    if (member.value.is_null()) {
      if (at) index.erase(*at);
    } else if (at) {
      target.members[*at].key_mark = stamped(member.key_mark, layer);
      merge_into(target.members[*at].value, member.value, layer);
    } else {
      target.members.push_back({member.key, stamped(member.key_mark, layer), {}});
      merge_into(target.members.back().value, member.value, layer);
    }
  }
  index.compact();
}

MergedLayers merge_layers(const std::vector<std::shared_ptr<const ParsedLayer>>& layers, Faults& faults) {
  MergedLayers merged;
  merged.document.kind = Node::Kind::kObject;
  for (size_t i = 0; i < layers.size(); ++i) {
    const auto layer = static_cast<std::int32_t>(i);
    for (const auto& member : layers[i]->root.members) {
      if (member.key == "services") {
        merge_services(merged, member.value, layer, faults);
        continue;
      }
      Node patch;
      patch.kind = Node::Kind::kObject;
      patch.mark = layers[i]->root.mark;
      patch.members.push_back(member);
      merge_into(merged.document, patch, layer);
    }
  }
  return merged;
}

}  // namespace holdfast::config
