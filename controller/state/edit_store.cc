#include "controller/state/edit_store.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "controller/base/log.h"
#include "controller/state/quarantine.h"

namespace holdfast::state {

namespace {

// What commit writes must be readable again: wider than what the API lets in.
constexpr size_t kMaxFile = 64u << 20;
constexpr JsonLimits kLimits{.max_bytes = kMaxFile, .max_depth = 128};
constexpr unsigned kMode = 0600;  // an edit may hold what its author should have made a secret

struct Revision {
  RevisionInfo info;
  Json layer;
};

// The number in "0042.json" or "0042.json.corrupt-…"; nullopt for other names.
std::optional<std::uint64_t> number_of(std::string_view name) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc{} || number == 0) return std::nullopt;
  const auto rest = name.substr(static_cast<size_t>(end - name.data()));
  if (!rest.starts_with(".json")) return std::nullopt;
  return number;
}

Result<Json> read_object(const std::string& path) {
  const auto text = read_file(path, kMaxFile);
  if (!text) return tl::unexpected(text.error());
  auto json = parse_json(*text, kLimits);
  if (json && !json->is_object())
    return fail(ErrorCode::kInvalid, "a JSON object was expected, not " + std::string(json->type_name()));
  return json;
}

Result<Revision> read_revision(const std::string& path, std::uint64_t number) {
  auto json = read_object(path);
  if (!json) return tl::unexpected(json.error());
  const auto at = parse_rfc3339(json->at("at").as_string());
  if (!json->at("layer").is_object() || !at ||
      json->at("revision").as_int() != static_cast<std::int64_t>(number)) {
    return fail(ErrorCode::kInvalid, "its members revision, at or layer are missing or wrong");
  }
  return Revision{{number, *at, json->at("actor").as_string(), json->at("summary").as_string()},
                  json->at("layer")};
}

std::string encode(const RevisionInfo& info, const Json& layer) {
  return dump_json_pretty(Json::object({{"revision", info.revision},
                                        {"at", format_rfc3339(info.at)},
                                        {"actor", info.actor},
                                        {"summary", info.summary},
                                        {"layer", layer}}));
}

bool is_unreadable_content(const Error& error) {
  return error.code == ErrorCode::kInvalid;
}

}  // namespace

Result<std::unique_ptr<EditStore>> EditStore::open(const std::string& state_dir, const Clock& clock,
                                                   size_t keep) {
  auto store = std::make_unique<FileEditStore>(state_dir, clock, keep);
  if (auto loaded = store->load(); !loaded) return tl::unexpected(loaded.error());
  return store;
}

FileEditStore::FileEditStore(const std::string& state_dir, const Clock& clock, size_t keep)
    : file_(state_dir + "/edits.json"),
      directory_(state_dir + "/edits.d"),
      clock_(clock),
      keep_(std::max<size_t>(keep, 1)) {}

std::string FileEditStore::revision_path(std::uint64_t revision) const {
  char name[32];
  std::snprintf(name, sizeof name, "/%04llu.json", static_cast<unsigned long long>(revision));
  return directory_ + name;
}

std::uint64_t FileEditStore::revision() const {
  return revisions_.empty() ? 0 : revisions_.back().revision;
}

std::vector<RevisionInfo> FileEditStore::revisions() const {
  return {revisions_.rbegin(), revisions_.rend()};
}

Status FileEditStore::load() {
  if (auto found = load_revisions(); !found) return found;
  return reconcile_newest();
}

Status FileEditStore::quarantine(const std::string& path, const std::string& why,
                                 const std::string& consequence) {
  const auto kept = set_aside(path, clock_.wall());
  if (!kept) return tl::unexpected(kept.error());
  quarantined_.push_back(path + " can't be read (" + why + ") and was kept as " + *kept + "; " + consequence);
  return {};
}

Status FileEditStore::load_revisions() {
  if (auto made = make_directories(directory_); !made) return made;
  std::error_code failed;
  std::filesystem::directory_iterator files(directory_, failed);
  if (failed) return fail(errno_error("cannot list " + directory_, failed.value()));
  std::vector<std::pair<std::uint64_t, std::string>> found;
  for (const auto& file : files) {
    const auto name = file.path().filename().string();
    const auto number = number_of(name);
    if (!number) continue;
    highest_ = std::max(highest_, *number);
    if (name.ends_with(".json")) found.emplace_back(*number, file.path().string());
  }
  std::sort(found.begin(), found.end());
  for (const auto& [number, path] : found) {
    auto revision = read_revision(path, number);
    if (revision) {
      layer_ = std::move(revision->layer);
      revisions_.push_back(std::move(revision->info));
    } else if (is_unreadable_content(revision.error())) {
      auto kept = quarantine(path, revision.error().message, "the other revisions can still be used");
      if (!kept) return kept;
    } else {
      return tl::unexpected(revision.error());
    }
  }
  return {};
}

// The content of edits.json; nullopt if there is none or it had to be set aside.
Result<std::optional<Json>> FileEditStore::read_newest() {
  auto found = read_object(file_);
  if (found) return std::move(*found);
  if (found.error().code == ErrorCode::kNotFound) return std::nullopt;
  if (!is_unreadable_content(found.error())) return tl::unexpected(found.error());
  const auto consequence = revisions_.empty()
                               ? std::string("there is no revision to restore it from: no edits are in force")
                               : "it was restored from revision " + std::to_string(revision());
  if (auto kept = quarantine(file_, found.error().message, consequence); !kept)
    return tl::unexpected(kept.error());
  return std::nullopt;
}

bool FileEditStore::was_cut_short(const Json& found) const {
  if (revision() != highest_) return false;
  struct stat newest{}, file{};
  if (stat(revision_path(revision()).c_str(), &newest) != 0 || stat(file_.c_str(), &file) != 0) return false;
  const auto later = std::pair(file.st_mtim.tv_sec, file.st_mtim.tv_nsec) >
                     std::pair(newest.st_mtim.tv_sec, newest.st_mtim.tv_nsec);
  if (later) return false;
  const auto before =
      revisions_.size() > 1 ? read(revisions_[revisions_.size() - 2].revision) : Result<Json>(Json::object());
  return before && *before == found;
}

Status FileEditStore::reconcile_newest() {
  const auto found = read_newest();
  if (!found) return tl::unexpected(found.error());
  if (found->has_value() ? **found == layer_ : revisions_.empty()) return {};
  if (found->has_value() && !was_cut_short(**found)) {
    const auto adopted =
        commit(**found, Actor{.name = "edits.json", .from = {}}, "edits.json was changed by hand");
    if (adopted) return {};
    // A full disk: it is in force all the same, the next start tries again.
    log::warning("cannot record the change of edits.json as a revision",
                 {{"error", adopted.error().message}});
    layer_ = **found;
    return {};
  }
  if (!found->has_value() && quarantined_.empty()) {
    quarantined_.push_back(file_ + " was missing and was restored from revision " +
                           std::to_string(revision()));
  }
  const auto written = write_file_atomically(file_, dump_json_pretty(layer_), kMode);
  if (!written) log::warning("cannot restore edits.json", {{"error", written.error().message}});
  return {};
}

Result<Json> FileEditStore::read(std::uint64_t revision) const {
  if (revision == 0) return Json::object();
  const auto known = std::any_of(revisions_.begin(), revisions_.end(),
                                 [&](const RevisionInfo& info) { return info.revision == revision; });
  if (!known) {
    return fail(ErrorCode::kNotFound, "there is no revision " + std::to_string(revision),
                "the list of revisions names those that are kept");
  }
  auto found = read_revision(revision_path(revision), revision);
  if (found) return std::move(found->layer);
  return fail(found.error().code, "cannot read " + revision_path(revision) + ": " + found.error().message,
              "choose another revision");
}

Result<std::uint64_t> FileEditStore::commit(const Json& layer, const Actor& actor,
                                            const std::string& summary) {
  const RevisionInfo info{highest_ + 1, clock_.wall(), actor.name, summary};
  const auto path = revision_path(info.revision);
  auto written = write_file_atomically(path, encode(info, layer), kMode);
  if (written) written = write_file_atomically(file_, dump_json_pretty(layer), kMode);
  if (!written) {
    unlink(path.c_str());
    auto error = written.error();
    error.hint = "nothing was changed; free space or fix the permissions of the state directory, then repeat";
    return fail(std::move(error));
  }
  highest_ = info.revision;
  layer_ = layer;
  revisions_.push_back(info);
  drop_oldest();
  return info.revision;
}

void FileEditStore::drop_oldest() {
  while (revisions_.size() > keep_) {
    unlink(revision_path(revisions_.front().revision).c_str());
    revisions_.erase(revisions_.begin());
  }
}

}  // namespace holdfast::state
