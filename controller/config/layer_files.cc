#include "controller/config/layer_files.h"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <optional>
#include <utility>

#include "controller/base/file.h"

namespace holdfast::config {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kConfigMapData = "..data";
constexpr int kAttempts = 5;

ConfigError problem(std::string layer, std::string file, const Error& error) {
  return {{}, {}, error.message, {std::move(layer), std::move(file), 0, 0}};
}

// The directory that ..data leads to; nothing if there is none.
std::optional<fs::path> config_map_version(const fs::path& directory) {
  std::error_code error;
  auto version = fs::canonical(directory / kConfigMapData, error);
  return error ? std::nullopt : std::optional(std::move(version));
}

struct Listing {
  std::vector<std::string> names;
  std::error_code error;
};

Listing list(const fs::path& directory) {
  Listing listing;
  for (fs::directory_iterator it(directory, listing.error), end; !listing.error && it != end;
       it.increment(listing.error)) {
    auto name = it->path().filename().string();
    if (!is_layer_name(name)) continue;
    std::error_code ignored;
    const auto status = it->status(ignored);
    // A link to nowhere counts: something is missing then.
    if (fs::is_regular_file(status) || !fs::exists(status)) listing.names.push_back(std::move(name));
  }
  std::sort(listing.names.begin(), listing.names.end());
  return listing;
}

// Where to read an entry: links through ..data go to the version found before, not to the newest.
fs::path pinned(const fs::path& entry, const std::optional<fs::path>& version) {
  if (!version) return entry;
  std::error_code error;
  const auto target = fs::read_symlink(entry, error);
  if (error || target.is_absolute() || target.empty() || *target.begin() != kConfigMapData) return entry;
  fs::path path = *version;
  for (auto it = std::next(target.begin()); it != target.end(); ++it) path /= *it;
  return path;
}

// One look at a directory; nothing if it was changed meanwhile and has to be looked at again.
std::optional<LayerSet> try_read_directory(const std::string& directory) {
  LayerSet set;
  const auto version = config_map_version(directory);
  const auto listing = list(directory);
  if (listing.error) {
    set.problems.push_back(
        problem("overlay", directory, errno_error("cannot read the directory", listing.error.value())));
    return set;
  }
  bool vanished = false;
  for (const auto& name : listing.names) {
    const auto path = fs::path(directory) / name;
    auto text = read_file(pinned(path, version).string());
    if (text) {
      set.layers.push_back({"overlay", path.string(), std::move(*text)});
      continue;
    }
    vanished = vanished || text.error().code == ErrorCode::kNotFound;
    set.problems.push_back(problem("overlay", path.string(), text.error()));
  }
  if (vanished || config_map_version(directory) != version || list(directory).names != listing.names)
    return std::nullopt;
  return set;
}

LayerSet read_directory(const std::string& directory) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (auto set = try_read_directory(directory)) return std::move(*set);
  }
  // Nobody updates that often: a file is listed but isn't there.
  LayerSet set;
  for (const auto& name : list(directory).names) {
    const auto path = (fs::path(directory) / name).string();
    auto text = read_file(path);
    if (text)
      set.layers.push_back({"overlay", path, std::move(*text)});
    else
      set.problems.push_back(problem("overlay", path, text.error()));
  }
  return set;
}

using Interests = std::map<std::string, DirectoryInterest>;

// Follows a path step by step, noting the directory of every link, and of the first step that is missing.
// Returns what the path leads to, if it is there.
std::optional<fs::path> follow(const fs::path& path, Interests& interests) {
  constexpr int kMostLinks = 40;  // as the kernel's
  std::error_code error;
  const auto absolute = fs::absolute(path, error);
  if (error) return std::nullopt;
  fs::path resolved = absolute.root_path();
  const auto relative = absolute.relative_path();
  std::deque<fs::path> steps(relative.begin(), relative.end());
  int links = 0;
  while (!steps.empty()) {
    const fs::path step = std::move(steps.front());
    steps.pop_front();
    if (step.empty() || step == ".") continue;
    if (step == "..") {
      resolved = resolved.parent_path();
      continue;
    }
    const auto next = resolved / step;
    const auto status = fs::symlink_status(next, error);
    const bool link = fs::is_symlink(status);
    if (link || !fs::exists(status)) interests[resolved.string()].names.insert(step.string());
    if (!link && !fs::exists(status)) return std::nullopt;
    if (!link) {
      resolved = next;
      continue;
    }
    const auto target = fs::read_symlink(next, error);
    if (error || ++links > kMostLinks) return std::nullopt;
    if (target.is_absolute()) resolved = target.root_path();
    const auto rest = target.relative_path();
    steps.insert(steps.begin(), rest.begin(), rest.end());
  }
  return resolved;
}

void follow_file(const fs::path& path, Interests& interests) {
  if (const auto file = follow(path, interests))
    interests[file->parent_path().string()].names.insert(file->filename().string());
}

}  // namespace

bool is_layer_name(std::string_view name) {
  return !name.starts_with('.') &&
         (name.ends_with(".json") || name.ends_with(".yaml") || name.ends_with(".yml"));
}

bool DirectoryInterest::includes(std::string_view name) const {
  return names.contains(name) || (layers && (is_layer_name(name) || name == kConfigMapData));
}

bool same_content(const LayerSet& a, const LayerSet& b) {
  return a.layers == b.layers &&
         std::equal(a.problems.begin(), a.problems.end(), b.problems.begin(), b.problems.end(),
                    [](const ConfigError& x, const ConfigError& y) { return describe(x) == describe(y); });
}

LayerSet read_layers(const LayerSources& sources) {
  LayerSet set;
  if (!sources.base_file.empty()) {
    auto text = read_file(sources.base_file);
    if (text)
      set.layers.push_back({"base", sources.base_file, std::move(*text)});
    else
      set.problems.push_back(problem("base", sources.base_file, text.error()));
  }
  for (const auto& directory : sources.overlay_dirs) {
    auto overlays = read_directory(directory);
    std::move(overlays.layers.begin(), overlays.layers.end(), std::back_inserter(set.layers));
    std::move(overlays.problems.begin(), overlays.problems.end(), std::back_inserter(set.problems));
  }
  return set;
}

std::map<std::string, DirectoryInterest> directories_of(const LayerSources& sources) {
  Interests interests;
  if (!sources.base_file.empty()) follow_file(sources.base_file, interests);
  for (const auto& directory : sources.overlay_dirs) {
    const auto resolved = follow(directory, interests);
    if (!resolved) continue;
    interests[resolved->string()].layers = true;
    for (const auto& name : list(*resolved).names) {
      std::error_code ignored;
      if (fs::is_symlink(*resolved / name, ignored)) follow_file(*resolved / name, interests);
    }
  }
  return interests;
}

}  // namespace holdfast::config
