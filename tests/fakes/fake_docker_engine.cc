#include "tests/fakes/fake_docker_engine.h"

#include <algorithm>
#include <utility>

#include "controller/model/docker_text.h"

namespace holdfast::test {

using docker::Container;
using docker::ContainerEvent;

namespace {

constexpr int kKill = 9, kTerm = 15;
constexpr const char* kNever = "0001-01-01T00:00:00Z";

tl::unexpected<Error> no_such(const std::string& container) {
  return fail(ErrorCode::kNotFound, "No such container: " + container);
}

bool has_status(const Json& state, std::initializer_list<const char*> any) {
  const auto& status = state.at("Status").as_string();
  return std::any_of(any.begin(), any.end(), [&](const char* each) { return status == each; });
}

// Of a container that declares one as its number.
int stop_signal(const Json& body) {
  return static_cast<int>(body.at("StopSignal").as_int());
}

Json mounts_of(const Json& host) {
  auto mounts = Json::array();
  for (const auto& bind : host.at("Binds").items()) {
    const auto mount = parse_volume_mount(bind.as_string());
    if (!mount) continue;
    mounts.push_back(Json::object({{mount->is_bind() ? "Source" : "Name", mount->source},
                                   {"Destination", mount->target},
                                   {"RW", !mount->read_only()}}));
  }
  return mounts;
}

}  // namespace

FakeDockerEngine::FakeDockerEngine(const Clock& clock, std::string identity)
    : clock_(clock), identity_(std::move(identity)) {}

// ---- with the lock held

FakeDockerEngine::Entry* FakeDockerEngine::find(const std::string& container) {
  for (auto& [id, entry] : containers_) {
    if (id == container || entry.name == container) return &entry;
  }
  return nullptr;
}
const FakeDockerEngine::Entry* FakeDockerEngine::find(const std::string& container) const {
  return const_cast<FakeDockerEngine*>(this)->find(container);
}

std::string FakeDockerEngine::next_time() {
  const auto nanos = std::to_string(1'000'000'000 + ++ticks_);
  return format_rfc3339(clock_.wall()).substr(0, 19) + "." + nanos.substr(1) + "Z";
}

Json FakeDockerEngine::document(const Entry& entry) {
  auto config = entry.body;
  const auto host = config.at("HostConfig");
  config.erase("HostConfig");
  return Json::object({{"Id", entry.id},
                       {"Name", "/" + entry.name},
                       {"Image", entry.image_id},
                       {"State", entry.state},
                       {"Config", std::move(config)},
                       {"HostConfig", host},
                       {"Mounts", mounts_of(host)}});
}

ContainerEvent FakeDockerEngine::event(const Entry& entry, const std::string& action) {
  ContainerEvent event{.action = action, .id = entry.id};
  for (const auto& [key, value] : entry.body.at("Labels").members())
    event.attributes[key] = value.as_string();
  event.attributes["name"] = entry.name;
  event.time_ns = std::chrono::nanoseconds{clock_.wall().time_since_epoch()}.count() + ++ticks_;
  return event;
}

ContainerEvent FakeDockerEngine::end(Entry& entry, int code, bool oom_killed) {
  entry.state.set("Status", "exited");
  entry.state.set("Pid", 0);
  entry.state.set("ExitCode", code);
  entry.state.set("OOMKilled", oom_killed);
  entry.state.set("FinishedAt", next_time());
  entry.pending.reset();
  return event(entry, "die");
}

// ---- what others do

void FakeDockerEngine::exit(const std::string& container, int code, bool oom_killed) {
  ContainerEvent died;
  {
    const std::lock_guard lock(mutex_);
    died = end(*find(container), code, oom_killed);
  }
  events_.tell(died);
}

void FakeDockerEngine::pause(const std::string& container) {
  const std::lock_guard lock(mutex_);
  find(container)->state.set("Status", "paused");
}

void FakeDockerEngine::destroy(const std::string& container) {
  ContainerEvent gone;
  {
    const std::lock_guard lock(mutex_);
    const auto* entry = find(container);
    gone = event(*entry, "destroy");
    containers_.erase(std::string(entry->id));
  }
  events_.tell(gone);
}

void FakeDockerEngine::make_deaf(const std::string& container) {
  const std::lock_guard lock(mutex_);
  find(container)->deaf = true;
}

void FakeDockerEngine::refuse_to_start(const std::string& container, const std::string& why) {
  const std::lock_guard lock(mutex_);
  find(container)->refusal = why;
}

void FakeDockerEngine::edit(const std::string& container, const std::function<void(Json&)>& change) {
  const std::lock_guard lock(mutex_);
  auto& entry = *find(container);
  auto whole = document(entry);
  change(whole);
  entry.image_id = whole.at("Image").as_string();
  entry.name = whole.at("Name").as_string().substr(1);
  entry.state = whole.at("State");
  entry.body = whole.at("Config");
  entry.body.set("HostConfig", whole.at("HostConfig"));
}

// ---- what there is

std::set<std::string> FakeDockerEngine::names() const {
  const std::lock_guard lock(mutex_);
  std::set<std::string> names;
  for (const auto& [id, entry] : containers_) names.insert(entry.name);
  return names;
}

Container FakeDockerEngine::look(const std::string& container) const {
  const std::lock_guard lock(mutex_);
  const auto* entry = find(container);
  return entry ? docker::parse_container(document(*entry)).value() : Container{};
}

std::vector<int> FakeDockerEngine::signals(const std::string& container) const {
  const std::lock_guard lock(mutex_);
  return find(container)->signals;
}

std::vector<std::string> FakeDockerEngine::uploads(const std::string& container) const {
  const std::lock_guard lock(mutex_);
  return find(container)->uploads;
}

// ---- what clients ask

Result<std::vector<docker::ContainerRow>> FakeDockerEngine::list(const std::string& label) {
  const std::lock_guard lock(mutex_);
  std::vector<docker::ContainerRow> rows;
  for (const auto& [id, entry] : containers_) {
    docker::ContainerRow row{.id = id, .name = entry.name, .state = entry.state.at("Status").as_string()};
    bool fits = false;
    for (const auto& [key, value] : entry.body.at("Labels").members()) {
      row.labels[key] = value.as_string();
      fits = fits || key + "=" + value.as_string() == label;
    }
    if (fits) rows.push_back(std::move(row));
  }
  return rows;
}

Result<std::optional<Container>> FakeDockerEngine::inspect(const std::string& container) {
  auto found = look(container);
  return found.id.empty() ? std::optional<Container>() : std::optional(std::move(found));
}

Result<std::string> FakeDockerEngine::create(const std::string& name, const docker::CreateSpec& spec) {
  const std::lock_guard lock(mutex_);
  if (find(name)) return fail(ErrorCode::kConflict, "the container name \"/" + name + "\" is in use");
  const auto image = images_.id_of(spec.image);
  if (!image) return fail(ErrorCode::kNotFound, "No such image: " + spec.image);
  Entry entry;
  entry.id = "c0ffee" + std::to_string(1'000'000 + ++made_);
  entry.name = name;
  entry.image_id = *image;
  entry.body = docker::create_body(spec);
  entry.state = Json::object(
      {{"Status", "created"}, {"Error", ""}, {"StartedAt", kNever}, {"FinishedAt", kNever}, {"ExitCode", 0}});
  auto id = entry.id;
  containers_[id] = std::move(entry);
  return id;
}

Status FakeDockerEngine::start(const std::string& container) {
  ContainerEvent started;
  {
    const std::lock_guard lock(mutex_);
    auto* entry = find(container);
    if (!entry) return no_such(container);
    if (has_status(entry->state, {"running", "paused"})) return {};
    entry->state.set("Error", entry->refusal);
    if (!entry->refusal.empty()) return fail(ErrorCode::kInvalid, entry->refusal);
    entry->state.set("Status", "running");
    entry->state.set("Pid", 4'200'000 + ++ticks_);  // above any real one
    entry->state.set("StartedAt", next_time());
    started = event(*entry, "start");
  }
  events_.tell(started);
  return {};
}

Status FakeDockerEngine::signal(const std::string& container, int signal) {
  ContainerEvent died;
  {
    const std::lock_guard lock(mutex_);
    auto* entry = find(container);
    if (!entry || !has_status(entry->state, {"running", "paused"})) return {};
    entry->signals.push_back(signal);
    const bool heeded =
        signal == kKill || (!entry->deaf && (signal == kTerm || signal == stop_signal(entry->body)));
    if (!heeded) return {};
    if (signal != kKill && has_status(entry->state, {"paused"})) {
      entry->pending = signal;
      return {};
    }
    died = end(*entry, 128 + signal, false);
  }
  events_.tell(died);
  return {};
}

Status FakeDockerEngine::unpause(const std::string& container) {
  ContainerEvent died;
  {
    const std::lock_guard lock(mutex_);
    auto* entry = find(container);
    if (!entry || !has_status(entry->state, {"paused"}))
      return fail(ErrorCode::kConflict, "it is not paused");
    entry->state.set("Status", "running");
    if (!entry->pending) return {};
    died = end(*entry, 128 + *entry->pending, false);
  }
  events_.tell(died);
  return {};
}

Status FakeDockerEngine::remove(const std::string& container) {
  ContainerEvent gone;
  {
    const std::lock_guard lock(mutex_);
    const auto* entry = find(container);
    if (!entry) return {};
    if (has_status(entry->state, {"running", "paused"}))
      return fail(ErrorCode::kConflict, "You cannot remove a running container " + entry->id);
    gone = event(*entry, "destroy");
    containers_.erase(std::string(entry->id));
  }
  events_.tell(gone);
  return {};
}

Status FakeDockerEngine::upload(const std::string& container, const std::string& directory,
                                const std::string& tar) {
  const std::lock_guard lock(mutex_);
  auto* entry = find(container);
  if (!entry) return no_such(container);
  entry->uploads.push_back(directory + "\n" + tar);
  return {};
}

}  // namespace holdfast::test
