#include "runtimes/docker/instance.h"

#include <charconv>
#include <filesystem>

#include <unistd.h>

#include "controller/base/file.h"
#include "controller/base/log.h"
#include "runtimes/docker/spec_container.h"

namespace holdfast::docker {

namespace {

std::uint64_t number_of(const std::string& text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string label(const Container& container, const char* key) {
  const auto found = container.labels.find(key);
  return found == container.labels.end() ? std::string() : found->second;
}

}  // namespace

Instance::Instance(Host& host, InstanceId id)
    : host_(host),
      id_(std::move(id)),
      path_(host.directory + "/" + id_.service + "/" + std::to_string(id_.ordinal) + ".json") {
  auto read = read_run_record(path_);
  if (read) {
    record_ = std::move(*read);
  } else {
    log::error("a record of a container is unreadable; it is made anew from the container's labels",
               {{"error", read.error().message}});
    std::rename(path_.c_str(), (path_ + ".corrupt").c_str());
  }
}

bool Instance::has_record() const {
  const std::lock_guard lock(mutex_);
  return record_.has_value();
}

std::optional<ContainerHandle> Instance::handle() const {
  const std::lock_guard lock(shown_mutex_);
  return shown_;
}

void Instance::show(const std::optional<Container>& container) {
  const std::lock_guard lock(shown_mutex_);
  shown_.reset();
  if (container)
    shown_ =
        ContainerHandle{container->id, container->tty, record_ ? record_->incarnation : 0, container->pid};
}

Status Instance::save() {
  if (auto made = make_directories(host_.directory + "/" + id_.service, 0700); !made) return made;
  return write_run_record(path_, *record_);
}

void Instance::forget_record() {
  record_.reset();
  ::unlink(path_.c_str());
  show(std::nullopt);
}

bool Instance::is_ours(const Container& container) const {
  return label(container, kControllerLabel) == host_.controller &&
         label(container, kServiceLabel) == id_.service &&
         label(container, kOrdinalLabel) == std::to_string(id_.ordinal);
}

// The record is of another container than the one declared now: one of ours where one is adopted, or the
// reverse.
bool Instance::is_other(const SpecPtr& declared) const {
  return declared && record_ && record_->adopted != declared->docker.container;
}

// Ours by its id, whatever its name is by now, and by its name if it was made and not yet written down; one
// that was there before by its name, whatever its id.
Result<std::optional<Container>> Instance::find(const SpecPtr& declared) {
  const auto inspect = [this](const std::string& which) {
    return host_.link.call([&](Client& client) { return client.inspect(which); });
  };
  const bool made_here = record_ && record_->adopted.empty();
  if (made_here || (record_ && (is_other(declared) || !declared))) {
    auto known = inspect(record_->container);
    if (!known || *known || !made_here) return known;
  } else if (declared && is_adopted(*declared)) {
    return inspect(declared->docker.container);
  }
  auto named = inspect(container_name(host_.name_prefix, id_));
  if (named && *named && !is_ours(**named)) return std::optional<Container>();
  return named;
}

// It has had no run yet that counts.
bool Instance::to_adopt(const SpecPtr& declared) const {
  return declared && is_adopted(*declared) &&
         (!record_ || (record_->incarnation == 0 && record_->adopted == declared->docker.container));
}

// It counts as a run only if it does run: what stopped before is nobody's failure.
void Instance::adopt(const Container& container, const ServiceSpec& spec, std::uint64_t incarnation,
                     std::uint64_t restart_nonce) {
  RunRecord record;
  record.container = container.id;
  record.adopted = spec.docker.container;
  if (container.alive()) {
    record.incarnation = incarnation;
    record.restart_nonce = restart_nonce;
    record.spec_hash = spec.spec_hash;
  } else {
    record.before = container.started_at;
  }
  record_ = std::move(record);
}

// Made by this controller, which died before it wrote a record, or whose record is lost. What there is may be
// of the container before this one.
void Instance::recover(const Container& container) {
  RunRecord record;
  record.container = container.id;
  record.incarnation = number_of(label(container, kIncarnationLabel));
  record.spec_hash = label(container, kHashLabel);
  record.boot = boot_id();
  record_ = std::move(record);
}

Result<std::optional<ObservedInstance>> Instance::look_at(const std::optional<Container>& container,
                                                          const SpecPtr& declared) {
  if (!container) {
    show(container);
    return std::optional<ObservedInstance>();
  }
  const auto before = record_;
  if (to_adopt(declared)) adopt(*container, *declared, 1, 0);
  const bool unknown = !record_ || (record_->adopted.empty() && record_->container != container->id);
  if (unknown) recover(*container);
  if (!record_->adopted.empty() && record_->container != container->id)
    record_->container = container->id;  // made anew by whoever makes it
  auto sight = look(*record_, *container, id_, {host_.clock.now(), host_.clock.wall(), boot_id()});
  if (record_ != before) {
    if (const auto saved = save(); !saved) log::error(saved.error().message);
  }
  show(container);
  if (sight.started_by_others && host_.note) {
    host_.note({id_.service, "StartedElsewhere", "warning",
                id_.service + "/" + std::to_string(id_.ordinal) + " (container " + container->name +
                    ") was started by somebody else"});
  }
  if (sight.instance && declared && sight.instance->phase != Phase::kExited && !is_other(declared)) {
    const auto& name =
        is_adopted(*declared) ? declared->docker.container : container_name(host_.name_prefix, id_);
    sight.instance->drift = drift_of(*declared, *container, name);
  }
  return std::move(sight.instance);
}

Result<std::optional<ObservedInstance>> Instance::observe(const SpecPtr& declared) {
  const std::lock_guard lock(mutex_);
  auto container = find(declared);
  if (!container) return fail(container.error());
  if (is_other(declared) && record_->forgotten) {
    container = settle_switch(std::move(*container), declared);
    if (!container) return fail(container.error());
  }
  return look_at(*container, declared);
}

// What stopped for good makes way for the container that is declared now.
Result<std::optional<Container>> Instance::settle_switch(std::optional<Container> container,
                                                         const SpecPtr& spec) {
  if (container && container->alive()) return container;
  if (auto gone = discard(container); !gone) return fail(gone.error());
  return find(spec);
}

Status Instance::discard(const std::optional<Container>& container) {
  if (container && record_->adopted.empty()) {
    auto removed = host_.link.call([&](Client& client) { return client.remove(container->id); });
    if (!removed) return removed;
  }
  forget_record();
  return {};
}

bool Instance::runs(std::uint64_t incarnation) const {
  return record_ && record_->incarnation == incarnation && !record_->forgotten;
}

Status Instance::signal(const SignalInstance& action) {
  const std::lock_guard lock(mutex_);
  if (!runs(action.incarnation)) return {};
  const auto container = host_.link.call([&](Client& client) { return client.inspect(record_->container); });
  if (!container) return fail(container.error());
  if (!*container || !(*container)->alive()) return {};
  if (!record_->stopping_since) {
    record_->stopping_since = host_.clock.now();
    record_->boot = boot_id();
    if (auto saved = save(); !saved) return saved;
  }
  // TERM is everybody's default: an image that declares a signal of its own knows better.
  const bool default_signal = action.signal == 15 && (*container)->stop_signal != 0;
  const int number = default_signal ? (*container)->stop_signal : action.signal;
  return deliver(number, (*container)->status == "paused");
}

// Engines hold back the signals of a paused container, or refuse them.
Status Instance::deliver(int number, bool paused) {
  return host_.link.call([&](Client& client) -> Status {
    const auto& container = record_->container;
    auto sent = client.signal(container, number);
    const bool refused = !sent && sent.error().code == ErrorCode::kConflict;
    if (!refused && !paused) return sent;
    if (auto woken = client.unpause(container); !woken && refused) return woken;
    return refused ? client.signal(container, number) : sent;
  });
}

Status Instance::kill(const KillInstance& action) {
  const std::lock_guard lock(mutex_);
  if (!runs(action.incarnation)) return {};
  return deliver(9, false);
}

Status Instance::remove(const RemoveInstance& action, const ActionContext& context) {
  const std::lock_guard lock(mutex_);
  if (!record_ || action.incarnation < record_->incarnation) return {};
  const auto container = host_.link.call([&](Client& client) { return client.inspect(record_->container); });
  if (!container) return fail(container.error());
  if (*container && (*container)->alive())
    return fail(ErrorCode::kConflict, "the container " + (*container)->name + " still runs");
  const bool declared = context.spec && runs_in_docker(*context.spec) && id_.ordinal < context.spec->replicas;
  if (!*container || !declared) return discard(*container);
  record_->forgotten = true;
  return save();
}

Status Instance::discard_leftover() {
  const std::lock_guard lock(mutex_);
  const auto container = find(nullptr);
  if (!container) return fail(container.error());
  const auto seen = look_at(*container, nullptr);
  if (!seen) return fail(seen.error());
  if (*seen || !record_) return {};  // the loop will see to it; or there is nothing
  return discard(*container);
}

}  // namespace holdfast::docker
