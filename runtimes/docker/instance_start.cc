// The start of a run: a container that is as declared, with its secrets, and a record that tells what became
// of it.
#include "runtimes/docker/instance.h"
#include "runtimes/docker/spec_container.h"

namespace holdfast::docker {

namespace {

Error no_container(const std::string& name) {
  return {ErrorCode::kNotFound,
          "there is no container named '" + name + "'",
          "create it, for example with: docker create --name " + name +
              " IMAGE, or docker compose up --no-start; or declare docker.image instead of docker.container",
          false,
          {}};
}

bool is_unclear(const Error& error) {
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimeout ||
         error.code == ErrorCode::kPermission;
}

}  // namespace

Status Instance::start(const StartInstance& action, const ActionContext& context) {
  if (!context.spec)
    return fail_terminal(ErrorCode::kInvalid, "a start of " + id_.service + " needs its declaration");
  const std::lock_guard lock(mutex_);
  auto container = find(context.spec);
  if (!container) return fail(container.error());
  if (is_other(context.spec)) {
    container = settle_switch(std::move(*container), context.spec);
    if (!container) return fail(container.error());
  }
  if (!record_ && *container && is_adopted(*context.spec))  // if it runs already it is this run
    adopt(**container, *context.spec, action.incarnation, context.restart_nonce);
  const auto seen = look_at(*container, context.spec);
  if (!seen) return fail(seen.error());
  if (*seen) {
    if ((*seen)->incarnation == action.incarnation) return {};
    if ((*seen)->phase != Phase::kExited)
      return fail(ErrorCode::kConflict, id_.service + "/" + std::to_string(id_.ordinal) +
                                            " still runs, as run " + std::to_string((*seen)->incarnation));
  }
  return start_in(*container, action, context);
}

Status Instance::start_in(const std::optional<Container>& container, const StartInstance& action,
                          const ActionContext& context) {
  if (is_adopted(*context.spec)) {
    if (!container) return fail(no_container(context.spec->docker.container));
    return launch(*container, action, context);
  }
  const auto ready = obtain(container, action, *context.spec);
  if (!ready) return fail(ready.error());
  const auto archive = secrets_archive(*context.spec);
  if (!archive) return fail(archive.error());
  if (!archive->tar.empty()) {
    auto sent = host_.link.call(
        [&](Client& client) { return client.upload(ready->id, archive->directory, archive->tar); });
    if (!sent) return sent;
  }
  return launch(*ready, action, context);
}

// The one that is there if it still is what is declared, otherwise a new one.
Result<Container> Instance::obtain(const std::optional<Container>& container, const StartInstance& action,
                                   const ServiceSpec& spec) {
  if (!container) return make(action, spec);
  const auto good = reusable(*container, spec);
  if (!good) return fail(good.error());
  if (*good) return *container;
  if (auto removed = host_.link.call([&](Client& client) { return client.remove(container->id); }); !removed)
    return fail(removed.error());
  return make(action, spec);
}

Result<bool> Instance::reusable(const Container& container, const ServiceSpec& spec) {
  const auto hash = container.labels.find(kHashLabel);
  if (hash == container.labels.end() || hash->second != spec.spec_hash) return false;
  if (container.status == "dead" ||
      !drift_of(spec, container, container_name(host_.name_prefix, id_)).empty())
    return false;
  const auto image = host_.link.call([&](Client& client) { return client.image(spec.docker.image); });
  if (!image) return fail(image.error());
  return !*image ||
         (*image)->id == container.image_id;  // an image that is gone is still there for its containers
}

// A create may succeed though its answer says otherwise, or gets lost: the name tells.
Result<Container> Instance::make(const StartInstance& action, const ServiceSpec& spec) {
  const auto name = container_name(host_.name_prefix, id_);
  auto wanted = container_of(spec, id_, host_.controller, action.incarnation);
  wanted.labels.insert(host_.labels.begin(), host_.labels.end());
  const auto created = host_.link.call([&](Client& client) { return client.create(name, wanted); });
  const auto found = host_.link.call([&](Client& client) { return client.inspect(name); });
  if (!found) return fail(created ? found.error() : created.error());
  if (*found && is_ours(**found)) {
    const auto hash = (*found)->labels.find(kHashLabel);
    if (created || (hash != (*found)->labels.end() && hash->second == spec.spec_hash)) return **found;
  }
  if (created)
    return fail(ErrorCode::kUnavailable, "the container " + name + " vanished as soon as it was made");
  if (*found && !is_ours(**found)) {
    return fail(ErrorCode::kConflict,
                "the name " + name + " is taken by a container that this controller did not make (" +
                    (*found)->id.substr(0, 12) + ", image " + (*found)->image + ")",
                "rename or remove it: docker rename " + name + " NEW, or docker rm " + name);
  }
  return fail(created.error());
}

Status Instance::launch(const Container& container, const StartInstance& action,
                        const ActionContext& context) {
  RunRecord record;
  record.container = container.id;
  record.incarnation = action.incarnation;
  const bool had_run = record_ && record_->container == container.id && !record_->forgotten;
  // A run that never began, of which nobody knew whether it would, is none to be told of.
  const bool began = had_run && (!record_->started.empty() || !record_->start_error.empty());
  record.previous = began ? record_->incarnation : had_run ? record_->previous : 0;
  record.restart_nonce = context.restart_nonce;
  record.spec_hash = context.spec->spec_hash;
  record.before = container.started_at;
  record.adopted = context.spec->docker.container;
  record.boot = boot_id();
  record_ = std::move(record);
  if (auto saved = save(); !saved) return saved;
  return settle_start(container, host_.link.call([&](Client& client) { return client.start(container.id); }));
}

// What the engine refuses to start has failed, as a program that can't be executed has.
Status Instance::settle_start(const Container& container, Status started) {
  if (!started && is_unclear(started.error())) return started;
  if (!started) {
    record_->start_error = started.error().message;
    return save();
  }
  const auto now = host_.link.call([&](Client& client) { return client.inspect(container.id); });
  if (!now) return {};  // it runs; the next look finds out what is missing here
  if (!*now) return {};
  look(*record_, **now, id_, {host_.clock.now(), host_.clock.wall(), boot_id()});
  show(*now);
  return save();
}

}  // namespace holdfast::docker
