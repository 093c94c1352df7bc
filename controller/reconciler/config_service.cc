#include "controller/reconciler/config_service.h"

#include <utility>

#include "controller/base/file.h"
#include "controller/base/log.h"
#include "controller/reconciler/layer_edit.h"

namespace holdfast::reconciler {

namespace {

constexpr std::string_view kEditsLayer = "edits";

std::string summary_of(const Json& before, const Json& after) {
  const auto paths = config::changed_paths(before, after);
  std::string text;
  for (size_t i = 0; i < paths.size() && i < 8; ++i) text += (i ? ", " : "") + paths[i];
  if (paths.size() > 8) text += " and " + std::to_string(paths.size() - 8) + " more";
  return text;
}

// FNV-1a over the texts in force: equal inputs, equal tag; no secret is in them.
std::string etag_of(const std::vector<config::LayerText>& files, const Json& edits) {
  std::uint64_t hash = 14695981039346656037ull;
  const auto feed = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
    hash = (hash ^ 0xffu) * 1099511628211ull;
  };
  for (const auto& file : files) feed(file.layer), feed(file.file), feed(file.text);
  feed(dump_json_canonical(edits));
  char text[24];
  std::snprintf(text, sizeof text, "\"%016llx\"", static_cast<unsigned long long>(hash));
  return text;
}

// A JSON pointer or dotted path of a service's command, for faults that only the runtime can see.
ConfigError runtime_refusal(const config::Document& document, const ServiceSpec& spec, const Error& error) {
  const auto pointer = "/services/" + spec.name + "/command";
  ConfigError fault{.path = "services." + spec.name + ".command",
                    .value = spec.argv.empty() ? "" : spec.argv.front(),
                    .message = error.message + (error.hint.empty() ? "" : "; " + error.hint),
                    .origin = {}};
  for (const auto& candidate : {pointer, pointer + "/0"}) {
    if (const auto it = document.origins.find(candidate); it != document.origins.end())
      fault.origin = it->second;
  }
  return fault;
}

}  // namespace

ConfigService::ConfigService(std::unique_ptr<state::EditStore> edits, std::string state_dir, Hooks hooks,
                             std::vector<std::shared_ptr<const config::ParsedLayer>> read)
    : state_dir_(std::move(state_dir)), hooks_(std::move(hooks)), edits_(std::move(edits)) {
  read_.parsed = std::move(read);
}

std::vector<config::LayerText> ConfigService::with_edits(const std::vector<config::LayerText>& files,
                                                         const Json& edits) const {
  auto layers = files;
  if (!edits.members().empty())
    layers.push_back({std::string(kEditsLayer), edits_->where(), dump_json_pretty(edits)});
  return layers;
}

config::Loaded ConfigService::load(const std::vector<config::LayerText>& files, const Json& edits) const {
  const auto layers = with_edits(files, edits);
  return config::load(layers, document_ ? *document_ : read_);
}

std::vector<ConfigError> ConfigService::refusals(const config::Document& document) const {
  std::vector<ConfigError> faults;
  if (!hooks_.validate) return faults;
  for (const auto& [name, spec] : document.services) {
    if (document_) {
      const auto old = document_->services.find(name);
      if (old != document_->services.end() && old->second->spec_hash == spec->spec_hash) continue;
    }
    if (const auto valid = hooks_.validate(*spec); !valid && valid.error().code != ErrorCode::kUnavailable) {
      faults.push_back(runtime_refusal(document, *spec, valid.error()));
    }
  }
  return faults;
}

std::vector<ConfigError> ConfigService::reload(std::vector<config::LayerText> files) {
  const std::lock_guard lock(mutex_);
  return reload_locked(std::move(files));
}

std::vector<ConfigError> ConfigService::reload_edits() {
  const std::lock_guard lock(mutex_);
  return reload_locked(files_);
}

std::vector<ConfigError> ConfigService::reload_locked(std::vector<config::LayerText> files) {
  std::vector<ConfigError> broken;
  if (const auto fresh = edits_->refresh(); !fresh) {
    broken = {{.path = {}, .value = {}, .message = fresh.error().message, .origin = {}}};
    broken.front().origin.layer = kEditsLayer;
    broken.front().origin.file = edits_->where();
    // After a restart nothing is in force yet: the edits begin as they were good last.
    if (document_) return reject(std::move(broken));
  }
  auto loaded = load(files, edits_->layer());
  problems_ = loaded.errors;
  if (!loaded.document && !document_) {
    const auto last = read_last_good();
    if (last.empty()) return problems_;
    auto old = load(last, edits_->layer());
    if (!old.document) return problems_;
    log::warning("the configuration is invalid; the last good one stays in force",
                 {{"error", describe(problems_.front())}});
    files_ = last;
    put_in_force(std::move(*old.document), {"config", ""});
    hooks_.rejected(problems_);
    return {};
  }
  if (!loaded.document) return reject(std::move(loaded.errors));
  // A file may name what is installed a moment later: the rest of it counts, the runtime's word is shown.
  problems_ = refusals(*loaded.document);
  problems_.insert(problems_.begin(), broken.begin(), broken.end());
  files_ = std::move(files);
  put_in_force(std::move(*loaded.document), {"config", ""});
  keep_last_good();
  if (!problems_.empty()) hooks_.rejected(problems_);
  return {};
}

void ConfigService::refuse(const std::vector<ConfigError>& problems) {
  const std::lock_guard lock(mutex_);
  reject(problems);
}

std::vector<ConfigError> ConfigService::reject(std::vector<ConfigError> problems) {
  problems_ = std::move(problems);
  rebuild_view();
  hooks_.rejected(problems_);
  return problems_;
}

void ConfigService::put_in_force(config::Document document, const Actor& actor) {
  document_ = std::make_shared<const config::Document>(std::move(document));
  read_ = {};
  rebuild_view();
  hooks_.applied(*document_, edits_->revision(), actor);
}

void ConfigService::rebuild_view() {
  auto view = std::make_shared<ConfigView>();
  if (document_) {
    view->merged = document_->merged;
    view->origins = document_->origins;
  }
  for (const auto& file : files_) {
    ConfigLayer layer{file.layer, file.file, Json(), std::nullopt};
    if (auto parsed = config::parse_document(file)) layer.document = std::move(*parsed);
    for (const auto& problem : problems_) {
      if (problem.origin.file == file.file && !layer.problem) layer.problem = describe(problem);
    }
    view->layers.push_back(std::move(layer));
  }
  view->layers.push_back({std::string(kEditsLayer), edits_->where(), edits_->layer(), std::nullopt});
  view->etag = etag_of(files_, edits_->layer());
  view->revision = edits_->revision();
  view->problems = problems_;
  const std::lock_guard lock(view_mutex_);
  view_ = std::move(view);
  published_ = document_;
}

std::shared_ptr<const ConfigView> ConfigService::view() const {
  const std::lock_guard lock(view_mutex_);
  return view_ ? view_ : std::make_shared<const ConfigView>();
}

std::shared_ptr<const config::Document> ConfigService::document() const {
  const std::lock_guard lock(view_mutex_);
  return published_;
}

std::vector<RevisionInfo> ConfigService::revisions() const {
  const std::lock_guard lock(mutex_);
  return edits_->revisions();
}

std::uint64_t ConfigService::revision() const {
  return view()->revision;
}

Result<ConfigChange> ConfigService::commit(const Json& edits, const std::optional<std::string>& if_match,
                                           const Actor& actor, const std::string& summary) {
  if (if_match && *if_match != "*" && *if_match != view()->etag) {
    return fail(ErrorCode::kConflict,
                "the configuration has changed since it was read (its ETag is now " + view()->etag + ")",
                "read it again, repeat the change, and send If-Match with the new ETag");
  }
  if (edits == edits_->layer()) return ConfigChange{edits_->revision(), view()->etag, false};
  auto loaded = load(files_, edits);
  if (!loaded.document) return fail(config::to_error(loaded.errors));
  if (const auto faults = refusals(*loaded.document); !faults.empty()) return fail(config::to_error(faults));
  const auto revision = edits_->commit(edits, actor, summary);
  if (!revision) return fail(revision.error());
  problems_.clear();
  put_in_force(std::move(*loaded.document), actor);
  return ConfigChange{*revision, view()->etag, true};
}

Result<ConfigChange> ConfigService::patch(const Json& patch, const std::optional<std::string>& if_match,
                                          const Actor& actor) {
  if (!patch.is_object())
    return fail(ErrorCode::kInvalid,
                "a merge patch of the configuration is a JSON object, not " + std::string(patch.type_name()));
  // null stays in the layer: it deletes what a lower layer says, not only what the layer itself says.
  return edit(
      [&](const Json& layer) -> Result<Json> {
        auto edits = layer;
        compose_patch(edits, patch);
        return edits;
      },
      if_match, actor, summary_of);
}

// Where others write too, the change is made anew on what they have written.
Result<ConfigChange> ConfigService::edit(
    const std::function<Result<Json>(const Json& layer)>& change, const std::optional<std::string>& if_match,
    const Actor& actor, const std::function<std::string(const Json& before, const Json& after)>& summary) {
  constexpr int kAttempts = 5;
  const std::lock_guard lock(mutex_);
  for (int attempt = 1;; ++attempt) {
    const auto edits = change(edits_->layer());
    if (!edits) return fail(edits.error());
    auto done = commit(*edits, if_match, actor, summary(edits_->layer(), *edits));
    const bool overtaken = !done && done.error().code == ErrorCode::kConflict && !done.error().terminal;
    if (!overtaken || if_match || attempt == kAttempts) return done;
    if (const auto fresh = edits_->refresh(); !fresh) return fail(fresh.error());
  }
}

Result<ConfigChange> ConfigService::put_service(const std::string& name, const Json& service,
                                                const std::optional<std::string>& if_match,
                                                const Actor& actor) {
  const auto replace = [&](const Json& layer) -> Result<Json> {
    auto edits = layer;
    if (!edits.find("services")) edits.set("services", Json::object());
    // Keys of the layers below that `service` doesn't name are deleted: the result is what was sent.
    auto entry = service;
    if (service.is_object()) null_what_is_missing(entry, declared_below(name));
    edits.find("services")->set(name, std::move(entry));
    return edits;
  };
  return edit(replace, if_match, actor, [&](const Json&, const Json&) { return "services." + name; });
}

Json ConfigService::declared_below(const std::string& name) const {
  Json below = Json::object();
  for (const auto& file : files_) {
    const auto parsed = config::parse_document(file);
    if (const Json* declared = parsed ? parsed->at("services").find(name) : nullptr)
      merge_patch(below, *declared);
  }
  return below;
}

Result<ConfigChange> ConfigService::rollback(std::uint64_t revision,
                                             const std::optional<std::string>& if_match, const Actor& actor) {
  return edit([&](const Json&) { return edits_->read(revision); }, if_match, actor,
              [&](const Json&, const Json&) { return "rollback to revision " + std::to_string(revision); });
}

Result<std::shared_ptr<const config::Document>> ConfigService::preview(const Json& document,
                                                                       bool merge) const {
  const std::lock_guard lock(mutex_);
  auto edits = edits_->layer();
  std::vector<config::LayerText> files = files_;
  if (merge) {
    compose_patch(edits, document);
  } else {
    std::erase_if(files, [](const config::LayerText& file) { return file.layer == "base"; });
    files.insert(files.begin(), {"base", "request.json", dump_json(document)});
  }
  auto loaded = load(files, edits);
  if (!loaded.document) return fail(config::to_error(loaded.errors));
  return std::make_shared<const config::Document>(std::move(*loaded.document));
}

void ConfigService::keep_last_good() const {
  auto layers = Json::array();
  for (const auto& file : files_)
    layers.push_back(Json::object({{"layer", file.layer}, {"file", file.file}, {"text", file.text}}));
  const auto text = dump_json(layers);
  const auto path = state_dir_ + "/last-good.json";
  if (const auto old = read_file(path); old && *old == text) return;
  if (const auto written = write_file_atomically(path, text, 0600); !written) {
    log::warning("the last good configuration could not be kept", {{"error", written.error().message}});
  }
}

std::vector<config::LayerText> ConfigService::read_last_good() const {
  std::vector<config::LayerText> layers;
  const auto text = read_file(state_dir_ + "/last-good.json");
  const auto json = text ? parse_json(*text) : Result<Json>(Json());
  if (!json) return layers;
  for (const auto& item : json->items()) {
    layers.push_back(
        {item.at("layer").as_string(), item.at("file").as_string(), item.at("text").as_string()});
  }
  return layers;
}

}  // namespace holdfast::reconciler
