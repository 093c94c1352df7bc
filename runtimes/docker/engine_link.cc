#include "runtimes/docker/engine_link.h"

#include <algorithm>

#include "controller/base/file.h"
#include "controller/base/log.h"

namespace holdfast::docker {

EngineLink::EngineLink(std::unique_ptr<Client> engine, std::unique_ptr<Client> cli, LinkOptions options)
    : engine_(std::move(engine)), cli_(std::move(cli)), options_(std::move(options)) {
  if (!options_.identity_file.empty()) identity_ = read_file(options_.identity_file, 256).value_or("");
}

EngineLink::~EngineLink() {
  stop();
}

void EngineLink::start(LinkHooks hooks) {
  hooks_ = std::move(hooks);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void EngineLink::stop() {
  thread_ = {};
  events_.reset();
}

void EngineLink::list_soon() {
  const std::lock_guard lock(mutex_);
  list_due_ = true;
  wake_.notify_all();
}

void EngineLink::suspect() {
  const std::lock_guard lock(mutex_);
  suspected_ = true;
  wake_.notify_all();
}

Availability EngineLink::availability() const {
  const std::lock_guard lock(mutex_);
  return availability_;
}

Result<Client*> EngineLink::current() const {
  const std::lock_guard lock(mutex_);
  if (mode_ == Mode::kEngine) return engine_.get();
  if (mode_ == Mode::kCli) return cli_.get();
  return fail(down_);
}

void EngineLink::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    bool look = false, ended = false;
    {
      const std::lock_guard lock(mutex_);
      look = std::exchange(suspected_, false) || mode_ != Mode::kEngine;
      ended = std::exchange(events_ended_, false);
    }
    if (ended) events_.reset();
    if (look) check();
    if (!events_ && !ended) subscribe();  // what ended is asked for after a pause
    list();
    wait(stop);
  }
}

// Until there is something to do. What is down is asked again after a while, what ended too: neither in a
// hurry.
void EngineLink::wait(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const bool steady = mode_ == Mode::kEngine && events_;
  if (steady && events_open_) retry_ = Duration{0};
  const auto pause = steady ? options_.relist : std::max(retry_, options_.first_retry);
  if (!steady) retry_ = std::min(std::max(retry_, options_.first_retry) * 2, options_.max_retry);
  const bool told = wake_.wait_for(lock, stop, pause, [&] {
    return (list_due_ && mode_ != Mode::kDown) || events_ended_ || (suspected_ && mode_ == Mode::kEngine);
  });
  if (!told && mode_ != Mode::kDown) list_due_ = true;
}

Result<EngineInfo> EngineLink::ask_cli() {
  if (!cli_) return fail(ErrorCode::kUnavailable, "there is no docker command");
  auto info = cli_->ping(options_.ping_timeout);
  if (!info || identity_.empty()) return info;
  const auto identity = cli_->identity();
  if (!identity) return fail(identity.error());
  if (*identity == identity_) return info;
  // Its containers are others: to act there would start a second one of everything.
  return fail(ErrorCode::kUnavailable,
              "the docker command reaches another engine than the one in use before");
}

EngineLink::Found EngineLink::look_for_one() {
  auto engine =
      engine_ ? engine_->ping(options_.ping_timeout) : Result<EngineInfo>(tl::unexpect, options_.no_engine);
  if (engine) return {Mode::kEngine, std::move(*engine), {}};
  auto cli = ask_cli();
  if (cli) return {Mode::kCli, std::move(*cli), engine.error()};
  return {Mode::kDown, {}, engine.error()};
}

void EngineLink::remember(Client& client) {
  const auto identity = client.identity();
  if (!identity || identity->empty() || *identity == identity_) return;
  if (!identity_.empty())
    log::warning("another Docker engine answers than the last time; containers of that one are not seen here",
                 {{"before", identity_}, {"now", *identity}});
  identity_ = *identity;
  if (options_.identity_file.empty()) return;
  if (const auto kept = write_file_atomically(options_.identity_file, identity_, 0600); !kept)
    log::warning(kept.error().message);
}

void EngineLink::check() {
  const auto found = look_for_one();
  if (found.mode == Mode::kEngine) remember(*engine_);
  if (found.mode == Mode::kCli && identity_.empty()) remember(*cli_);
  enter(found);
}

void EngineLink::enter(const Found& found) {
  Availability now{.known = true, .available = found.mode != Mode::kDown};
  if (found.mode == Mode::kDown) {
    now.message = found.error.message + (found.error.hint.empty() ? "" : " (" + found.error.hint + ")");
  } else {
    now.mode = found.mode == Mode::kEngine ? "engine" : "cli";
    now.message = found.info.name + " (API " + found.info.api_version + ") at " + found.info.where;
    if (found.mode == Mode::kCli) now.message += "; its socket can't be used: " + found.error.message;
  }
  bool changed = false, moved = false;
  {
    const std::lock_guard lock(mutex_);
    moved = mode_ != found.mode;
    changed = moved || availability_.message != now.message;
    mode_ = found.mode;
    availability_ = now;
    down_ = found.error;
    if (moved) list_due_ = true;
  }
  if (moved) {
    events_.reset();
    retry_ = Duration{0};
    log::info(now.available ? "Docker answers" : "Docker doesn't answer", {{"docker", now.message}});
  }
  if (changed && hooks_.on_availability) hooks_.on_availability();
}

void EngineLink::subscribe() {
  const auto client = current();
  if (!client) return;
  const auto last = last_event_ns_.load();
  const auto since = last == 0 ? 0 : std::max<std::int64_t>(1, last - options_.events_overlap.count());
  {
    const std::lock_guard lock(mutex_);
    events_open_ = false;
  }
  events_ = (*client)->events(since, {.on_open =
                                          [this] {
                                            const std::lock_guard lock(mutex_);
                                            events_open_ = list_due_ = true;
                                            wake_.notify_all();
                                          },
                                      .on_event =
                                          [this](const ContainerEvent& event) {
                                            last_event_ns_ = std::max(last_event_ns_.load(), event.time_ns);
                                            hooks_.on_event(event);
                                          },
                                      .on_end =
                                          [this](const Error& /*why*/) {
                                            const std::lock_guard lock(mutex_);
                                            events_ended_ = suspected_ = true;
                                            wake_.notify_all();
                                          }});
}

void EngineLink::list() {
  const auto client = current();
  if (!client) return;
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(list_due_, false)) return;
  }
  hooks_.on_list(**client);
}

}  // namespace holdfast::docker
