#include "runtimes/kubernetes/inside/config_map_edits.h"

#include <algorithm>
#include <utility>

namespace holdfast::kubernetes {

namespace {

constexpr size_t kKeepRevisions = 20, kMaxRevisionBytes = 400u << 10;

// Who wrote the key last, and when, as the API server has recorded it.
// Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
RevisionInfo writer_of(const ObjectPtr& object, const std::string& key, WallTime otherwise) {
  RevisionInfo info{.at = otherwise, .actor = "kubectl", .summary = key + " was changed by hand"};
  if (!object) return info;
  for (const auto& entry : object->at("metadata").at("managedFields").items()) {
    if (!entry.at("fieldsV1").at("f:data").find("f:" + key)) continue;
    if (const auto& manager = entry.at("manager").as_string(); !manager.empty()) info.actor = manager;
    if (const auto at = parse_rfc3339(entry.at("time").as_string())) info.at = *at;
  }
  return info;
}

tl::unexpected<Error> broken_key(const std::string& where, const std::string& why) {
  return fail(ErrorCode::kInvalid, where + ": " + why, "correct it with kubectl edit");
}

}  // namespace

ConfigMapEditStore::ConfigMapEditStore(SharedConfigMap& map, const Clock& clock) : map_(map), clock_(clock) {
  const auto taken = refresh();
  if (taken) return;
  const auto revisions = parse_revisions(texts_.revisions);
  if (revisions) revisions_ = *revisions;
  if (!revisions_.empty()) {
    layer_ = revisions_.back().layer;
    highest_ = revisions_.back().info.revision;
  }
  quarantined_.push_back(taken.error().message + "; in force is " +
                         (revisions_.empty() ? "no edit" : "revision " + std::to_string(highest_)));
}

ConfigMapEditStore::Texts ConfigMapEditStore::texts_of(const SharedConfigMap::Values& values) {
  const auto text = [&](const char* key) {
    const auto it = values.find(key);
    return it == values.end() ? std::string() : it->second;
  };
  return {text(kEditsKey), text(kRevisionsKey)};
}

Json ConfigMapEditStore::encode(const Revision& revision) {
  return Json::object({{"revision", revision.info.revision},
                       {"at", format_rfc3339(revision.info.at)},
                       {"actor", revision.info.actor},
                       {"summary", revision.info.summary},
                       {"layer", revision.layer}});
}

Result<Json> ConfigMapEditStore::parse_layer(const std::string& text) const {
  if (text.empty()) return Json::object();
  auto json = parse_json(text);
  if (!json) return broken_key(map_.where(kEditsKey), json.error().message);
  if (!json->is_object())
    return broken_key(map_.where(kEditsKey),
                      "a JSON object was expected, not " + std::string(json->type_name()));
  return json;
}

Result<std::vector<ConfigMapEditStore::Revision>> ConfigMapEditStore::parse_revisions(
    const std::string& text) const {
  std::vector<Revision> revisions;
  if (text.empty()) return revisions;
  const auto json = parse_json(text);
  if (!json) return broken_key(map_.where(kRevisionsKey), json.error().message);
  if (!json->is_array()) return broken_key(map_.where(kRevisionsKey), "a JSON array was expected");
  std::uint64_t before = 0;
  for (const auto& item : json->items()) {
    const auto number = item.at("revision").as_int();
    const auto at = parse_rfc3339(item.at("at").as_string());
    if (number <= 0 || static_cast<std::uint64_t>(number) <= before || !at || !item.at("layer").is_object())
      return broken_key(map_.where(kRevisionsKey),
                        "item " + std::to_string(revisions.size()) +
                            " is not {revision, at, actor, summary, layer} with an ascending revision");
    before = static_cast<std::uint64_t>(number);
    revisions.push_back(
        {{before, *at, item.at("actor").as_string(), item.at("summary").as_string()}, item.at("layer")});
  }
  return revisions;
}

Status ConfigMapEditStore::refresh() {
  return take(map_.data());
}

Status ConfigMapEditStore::take(const SharedConfigMap::DataPtr& data) {
  data_ = data;
  texts_ = texts_of(data->values);
  broken_ = true;
  auto layer = parse_layer(texts_.edits);
  if (!layer) return fail(layer.error());
  auto revisions = parse_revisions(texts_.revisions);
  if (!revisions) return fail(revisions.error());
  broken_ = false;
  layer_ = std::move(*layer);
  revisions_ = std::move(*revisions);
  highest_ = std::max(highest_, revision());
  return {};
}

std::uint64_t ConfigMapEditStore::revision() const {
  return revisions_.empty() ? 0 : revisions_.back().info.revision;
}

std::vector<RevisionInfo> ConfigMapEditStore::revisions() const {
  std::vector<RevisionInfo> infos;
  for (auto it = revisions_.rbegin(); it != revisions_.rend(); ++it) infos.push_back(it->info);
  return infos;
}

Result<Json> ConfigMapEditStore::read(std::uint64_t revision) const {
  if (revision == 0) return Json::object();
  for (const auto& kept : revisions_)
    if (kept.info.revision == revision) return kept.layer;
  return fail(ErrorCode::kNotFound, "there is no revision " + std::to_string(revision),
              "the list of revisions names those that are kept");
}

std::vector<ConfigMapEditStore::Revision> ConfigMapEditStore::with_edit_by_hand() const {
  auto revisions = revisions_;
  const bool recorded = revisions.empty() ? layer_.members().empty() : revisions.back().layer == layer_;
  if (recorded) return revisions;
  auto info = writer_of(data_->object, kEditsKey, clock_.wall());
  info.revision = highest_ + 1;
  revisions.push_back({std::move(info), layer_});
  return revisions;
}

// Drops the oldest, until the others may be kept.
Result<std::string> ConfigMapEditStore::write_down(std::vector<Revision>& revisions) const {
  std::vector<std::string> texts;  // newest first
  size_t bytes = 4;
  for (auto it = revisions.rbegin(); it != revisions.rend() && texts.size() < kKeepRevisions; ++it) {
    texts.push_back(dump_json(encode(*it)));
    bytes += texts.back().size() + 2;
    if (bytes <= kMaxRevisionBytes) continue;
    texts.pop_back();
    break;
  }
  if (texts.empty())
    return fail_terminal(ErrorCode::kInvalid,
                         "the edits take more than the " + std::to_string(kMaxRevisionBytes) +
                             " bytes that " + map_.where() + " has for them",
                         "declare services in a file of configuration or in a key *.yaml of a ConfigMap");
  revisions.erase(revisions.begin(), revisions.end() - static_cast<std::ptrdiff_t>(texts.size()));
  std::string text = "[\n";
  for (auto it = texts.rbegin(); it != texts.rend(); ++it)
    text += *it + (it + 1 == texts.rend() ? "\n" : ",\n");
  return text + "]\n";
}

Result<std::uint64_t> ConfigMapEditStore::commit(const Json& layer, const Actor& actor,
                                                 const std::string& summary) {
  if (broken_)
    return fail_terminal(ErrorCode::kConflict,
                         map_.where() + ": " + kEditsKey + " or " + kRevisionsKey +
                             " can't be understood since somebody has changed it, and is not written over",
                         "correct or remove the key with kubectl edit");
  auto revisions = with_edit_by_hand();
  const auto number = std::max(highest_, revisions.empty() ? 0 : revisions.back().info.revision) + 1;
  revisions.push_back({{number, clock_.wall(), actor.name, summary}, layer});
  auto text = write_down(revisions);
  if (!text) return fail(text.error());
  // Others may have changed what is none of this store's: that is no conflict.
  const auto change = [&](SharedConfigMap::Values& values) -> Status {
    if (texts_of(values) != texts_)
      return fail(ErrorCode::kConflict, "somebody else has changed " + where() + " meanwhile", "try again");
    values[kEditsKey] = dump_json_pretty(layer);
    values[kRevisionsKey] = *text;
    return {};
  };
  const auto written = map_.edit(change);
  if (!written) return fail(written.error());
  data_ = *written;
  texts_ = texts_of(data_->values);
  layer_ = layer;
  revisions_ = std::move(revisions);
  highest_ = number;
  return number;
}

}  // namespace holdfast::kubernetes
