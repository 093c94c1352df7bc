#include "tests/fakes/fake_kube_client.h"

#include "tests/fakes/fake_kube_watch.h"

namespace holdfast::test {

namespace {

std::string key_of(const std::string& namespace_, const std::string& name) {
  return namespace_ + "/" + name;
}

Error failure(ErrorCode code, const std::string& message) {
  return {code, message, {}};
}

const std::string& name_of(const Json& object) {
  return object.at("metadata").at("name").as_string();
}

}  // namespace

FakeKube::FakeKube() : thread_([this](const std::stop_token& stop) { deliver(stop); }) {}
FakeKube::~FakeKube() = default;

void FakeKube::record(Record record) {
  for (const auto& watch : watches_) tell(watch, record);
  records_.push_back(std::move(record));
}

Json FakeKube::store(const Resource& resource, const std::string& namespace_, Json object) {
  const auto kind = fake_kind(resource);
  auto& kept = objects_[{kind, key_of(namespace_, name_of(object))}];
  Json before = kept;
  object.set("apiVersion", kubernetes::api_version(resource));
  object.set("kind", resource.kind);
  auto& metadata = *object.find("metadata");
  if (!namespace_.empty()) metadata.set("namespace", namespace_);
  const auto& old = before.at("metadata");
  metadata.set("uid", before.is_null() ? "uid-" + std::to_string(++uids_) : old.at("uid").as_string());
  const bool same_spec = !before.is_null() && before.at("spec") == object.at("spec");
  metadata.set("generation", old.at("generation").as_int() + (same_spec ? 0 : 1));
  metadata.set("resourceVersion", before.is_null() ? Json("") : old.at("resourceVersion"));
  if (object == before) return before;  // as the server does it
  metadata.set("resourceVersion", std::to_string(++version_));
  kept = object;
  record({version_, kind, before, object});
  return object;
}

void FakeKube::drop(const Objects::iterator& at) {
  Record gone{++version_, at->first.first, std::move(at->second), {}};
  objects_.erase(at);
  record(std::move(gone));
}

Json FakeKube::put(const Resource& resource, Json object) {
  const std::lock_guard lock(mutex_);
  const auto namespace_ = object.at("metadata").at("namespace").as_string();
  return store(resource, namespace_, std::move(object));
}

void FakeKube::erase(const Resource& resource, const std::string& namespace_, const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find({fake_kind(resource), key_of(namespace_, name)});
  if (found != objects_.end()) drop(found);
}

Result<std::string> FakeKube::version(Duration /*timeout*/) {
  const std::lock_guard lock(mutex_);
  if (auto failed = fault("get", {"", "", "version"}, {}, {})) return fail(failed->first);
  return "v1.20.2";
}

Result<std::optional<Json>> FakeKube::get(const Resource& resource, const std::string& namespace_,
                                          const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (auto failed = fault("get", resource, namespace_, name)) return fail(failed->first);
  const auto found = objects_.find({fake_kind(resource), key_of(namespace_, name)});
  return found == objects_.end() ? std::nullopt : std::optional<Json>(found->second);
}

Result<std::string> FakeKube::list(const Resource& resource, const kubernetes::Selection& selection,
                                   const std::function<void(Json object)>& each,
                                   const std::function<void()>& restart, const std::stop_token& stop) {
  std::vector<Json> found;
  std::string version;
  bool interrupted = false;
  {
    std::unique_lock lock(mutex_);
    if (auto failed = fault("list", resource, selection.namespace_, {})) return fail(failed->first);
    if (!news_.wait(lock, stop, [this] { return !held_; }))
      return fail(failure(ErrorCode::kUnavailable, "listing: stopped"));
    for (const auto& [key, object] : objects_) {
      if (key.first == fake_kind(resource) && is_selected(selection, object)) found.push_back(object);
    }
    version = std::to_string(version_);
    interrupted = std::exchange(interrupt_, false);
  }
  if (interrupted) {
    for (size_t i = 0; i < found.size() / 2; ++i) each(found[i]);
    if (restart) restart();
  }
  for (auto& object : found) each(std::move(object));
  return version;
}

Result<Json> FakeKube::create(const Resource& resource, const std::string& namespace_, const Json& object) {
  const std::lock_guard lock(mutex_);
  const auto& name = name_of(object);
  if (auto failed = fault("create", resource, namespace_, name)) return fail(failed->first);
  if (objects_.contains({fake_kind(resource), key_of(namespace_, name)}))
    return fail(failure(ErrorCode::kConflict, "\"" + name + "\" already exists"));
  return store(resource, namespace_, object);
}

Result<Json> FakeKube::change(const Resource& resource, const std::string& namespace_,
                              const std::string& name, const std::function<Json(const Json& old)>& changed) {
  const auto found = objects_.find({fake_kind(resource), key_of(namespace_, name)});
  if (found == objects_.end()) return fail(failure(ErrorCode::kNotFound, "\"" + name + "\" not found"));
  auto next = changed(found->second);
  const auto& version = next.at("metadata").at("resourceVersion").as_string();
  if (!version.empty() && version != found->second.at("metadata").at("resourceVersion").as_string())
    return fail(failure(ErrorCode::kConflict, "\"" + name + "\" has been modified"));
  return store(resource, namespace_, std::move(next));
}

Result<Json> FakeKube::update(const Resource& resource, const std::string& namespace_, const Json& object) {
  const std::lock_guard lock(mutex_);
  if (auto failed = fault("update", resource, namespace_, name_of(object))) return fail(failed->first);
  return change(resource, namespace_, name_of(object), [&](const Json&) { return object; });
}

Result<Json> FakeKube::patch(const Resource& resource, const std::string& namespace_, const std::string& name,
                             const Json& patch) {
  const std::lock_guard lock(mutex_);
  if (auto failed = fault("patch", resource, namespace_, name)) return fail(failed->first);
  return change(resource, namespace_, name, [&](Json old) {
    merge_patch(old, patch);
    return old;
  });
}

Result<Json> FakeKube::apply(const Resource& resource, const std::string& namespace_, const Json& object,
                             const kubernetes::ApplyOptions& options) {
  const std::lock_guard lock(mutex_);
  if (auto failed = fault("patch", resource, namespace_, name_of(object))) return fail(failed->first);
  const auto found = objects_.find({fake_kind(resource), key_of(namespace_, name_of(object))});
  Json next = found == objects_.end() ? Json::object() : found->second;
  merge_patch(next, object);
  return options.dry_run ? next : store(resource, namespace_, std::move(next));
}

Status FakeKube::remove(const Resource& resource, const std::string& namespace_, const std::string& name,
                        const kubernetes::DeleteOptions& options) {
  const std::lock_guard lock(mutex_);
  if (auto failed = fault("delete", resource, namespace_, name)) return fail(failed->first);
  const auto found = objects_.find({fake_kind(resource), key_of(namespace_, name)});
  if (found == objects_.end()) return {};
  const auto& uid = found->second.at("metadata").at("uid").as_string();
  if (!options.uid.empty() && options.uid != uid)
    return fail(failure(ErrorCode::kConflict, "the uid of \"" + name + "\" is " + uid));
  drop(found);
  return {};
}

Result<std::string> FakeKube::logs(const std::string& namespace_, const std::string& pod,
                                   const kubernetes::LogOptions& /*options*/) {
  const std::lock_guard lock(mutex_);
  if (auto failed = fault("get", kubernetes::kPods, namespace_, pod + "/log")) return fail(failed->first);
  const auto found = logs_.find(key_of(namespace_, pod));
  if (found == logs_.end()) return fail(failure(ErrorCode::kNotFound, "\"" + pod + "\" not found"));
  return found->second;
}

}  // namespace holdfast::test
