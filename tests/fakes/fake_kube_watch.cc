#include "tests/fakes/fake_kube_watch.h"

namespace holdfast::test {

namespace {

std::vector<std::string> pieces(const std::string& text, char separator) {
  std::vector<std::string> out;
  for (size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find(separator, begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

// `find`: the value of a key, null if there is none.
bool fits(const std::string& condition, const std::function<const Json*(const std::string&)>& find) {
  if (const auto at = condition.find("!="); at != std::string::npos) {
    const auto* value = find(condition.substr(0, at));
    return !value || value->as_string() != condition.substr(at + 2);
  }
  if (const auto at = condition.find('='); at != std::string::npos) {
    const auto* value = find(condition.substr(0, at));
    return value && value->as_string() == condition.substr(condition.find_last_of('=') + 1);
  }
  if (condition.starts_with('!')) return !find(condition.substr(1));
  return find(condition) != nullptr;
}

const Json* field(const Json& object, const std::string& path) {
  const Json* at = &object;
  for (const auto& name : pieces(path, '.')) at = at ? at->find(name) : nullptr;
  return at;
}

}  // namespace

std::string fake_kind(const kubernetes::Resource& resource) {
  const std::string plural(resource.plural);
  return resource.group.empty() ? plural : plural + "." + std::string(resource.group);
}

bool is_selected(const kubernetes::Selection& selection, const Json& object) {
  const auto& metadata = object.at("metadata");
  if (!selection.namespace_.empty() && metadata.at("namespace").as_string() != selection.namespace_)
    return false;
  for (const auto& condition : pieces(selection.label_selector, ',')) {
    if (!fits(condition, [&](const std::string& key) { return metadata.at("labels").find(key); }))
      return false;
  }
  for (const auto& condition : pieces(selection.field_selector, ',')) {
    if (!fits(condition, [&](const std::string& path) { return field(object, path); })) return false;
  }
  return true;
}

void FakeKube::post(const std::shared_ptr<WatchState>& watch,
                    std::function<void(const kubernetes::WatchHandlers&)> what) {
  to_tell_.emplace_back([watch, what = std::move(what)] {
    const std::lock_guard lock(watch->busy);
    if (!watch->closed) what(watch->handlers);
  });
  news_.notify_all();
}

void FakeKube::end(const std::shared_ptr<WatchState>& watch, std::optional<Error> error, long status) {
  if (std::exchange(watch->over, true)) return;
  post(watch, [error = std::move(error), status](const auto& handlers) {
    if (handlers.on_end) handlers.on_end(error, status);
  });
}

void FakeKube::tell(const std::shared_ptr<WatchState>& watch, const Record& record) {
  using Type = kubernetes::WatchEvent::Type;
  if (watch->over || silent_ || watch->kind != record.kind) return;
  const bool was = !record.before.is_null() && is_selected(watch->selection, record.before);
  const bool is = !record.after.is_null() && is_selected(watch->selection, record.after);
  if (!was && !is) return;
  auto object = record.after.is_null() ? record.before : record.after;
  object.find("metadata")->set("resourceVersion", std::to_string(record.version));
  const auto type = !was ? Type::kAdded : is ? Type::kModified : Type::kDeleted;
  post(watch, [type, object = std::move(object)](const auto& handlers) {
    if (handlers.on_event) handlers.on_event({type, object});
  });
}

void FakeKube::deliver(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (news_.wait(lock, stop, [this] { return !to_tell_.empty(); })) {
    const auto next = std::move(to_tell_.front());
    to_tell_.pop_front();
    telling_ = true;
    lock.unlock();
    next();
    lock.lock();
    telling_ = false;
    news_.notify_all();
  }
}

void FakeKube::settle() {
  std::unique_lock lock(mutex_);
  news_.wait(lock, [this] { return to_tell_.empty() && !telling_; });
}

std::unique_ptr<kubernetes::Watch> FakeKube::watch(const Resource& resource,
                                                   const kubernetes::Selection& selection,
                                                   const std::string& resource_version, Duration /*timeout*/,
                                                   kubernetes::WatchHandlers handlers) {
  auto state = std::make_shared<WatchState>();
  state->selection = selection;
  state->kind = fake_kind(resource);
  state->handlers = std::move(handlers);
  const std::lock_guard lock(mutex_);
  if (auto failed = fault("watch", resource, selection.namespace_, {})) {
    end(state, std::move(failed->first), failed->second);
    return std::make_unique<OpenWatch>(*this, std::move(state));
  }
  const auto from = std::strtoll(resource_version.c_str(), nullptr, 10);
  if (from < oldest_) {
    end(state, Error{ErrorCode::kUnavailable, "too old resource version", {}}, 410);
    return std::make_unique<OpenWatch>(*this, std::move(state));
  }
  post(state, [](const auto& told) {
    if (told.on_open) told.on_open();
  });
  if (barren_) {
    end(state, {}, 200);
  } else {
    for (const auto& record : records_) {
      if (record.version > from) tell(state, record);
    }
  }
  watches_.push_back(state);
  return std::make_unique<OpenWatch>(*this, std::move(state));
}

}  // namespace holdfast::test
