// POST /images/create
#include <condition_variable>
#include <memory>
#include <utility>

#include "controller/base/file.h"
#include "controller/base/text.h"
#include "runtimes/docker/engine/client_impl.h"
#include "runtimes/docker/engine/failure.h"
#include "runtimes/docker/engine/pull_progress.h"
#include "runtimes/docker/engine/registry_auth.h"
#include "runtimes/docker/engine/url.h"

namespace holdfast::docker {

namespace {

// What the transport's thread tells the caller, who may be slow: only the newest progress is kept.
struct Pulling {
  explicit Pulling(const std::string& reference) : reader(reference) {}

  std::mutex mutex;
  std::condition_variable_any news;
  PullReader reader;
  bool moved = false;
  std::optional<Result<Response>> result;

  bool take(std::string_view bytes) {
    const std::lock_guard lock(mutex);
    moved = true;
    news.notify_one();
    return reader.feed(bytes);
  }
  void end(Result<Response> how) {
    const std::lock_guard lock(mutex);
    result = std::move(how);
    news.notify_one();
  }
};

// Tells progress whenever its words change, until the end. False: stopped before.
bool wait_for(Pulling& pulling, const std::function<void(const PullProgress&)>& progress,
              const std::stop_token& stop) {
  std::string told;
  std::unique_lock lock(pulling.mutex);
  for (;;) {
    if (!pulling.news.wait(lock, stop, [&] { return pulling.moved || pulling.result; })) return false;
    if (pulling.result) return true;
    pulling.moved = false;
    const auto now = pulling.reader.progress();
    if (!progress || now.message == told) continue;
    told = now.message;
    lock.unlock();
    progress(now);
    lock.lock();
  }
}

}  // namespace

Status EngineClient::pull(const std::string& reference,
                          const std::function<void(const PullProgress&)>& progress,
                          const std::stop_token& stop) {
  const auto image = parse_image_reference(reference);
  const auto what = "pulling " + reference;
  if (const auto engine = session_.engine(); !engine) return fail(engine.error());
  Request request{.method = "POST",
                  .target = "/images/create?fromImage=" + percent_encode(image.name) +
                            "&tag=" + percent_encode(image.digest.empty() ? image.tag : image.digest),
                  .what = what,
                  .stall = timeouts_.pull_stall,
                  .max_bytes = 0};
  if (const auto config = read_file(registry_config_)) {
    if (const auto auth = registry_auth(*config, image.registry()); !auth.empty())
      request.headers.push_back("X-Registry-Auth: " + auth);
  }
  const auto pulling = std::make_shared<Pulling>(reference);
  const auto stream = session_.open(
      std::move(request), {.on_data = [pulling](std::string_view bytes) { return pulling->take(bytes); },
                           .on_end = [pulling](Result<Response> how) { pulling->end(std::move(how)); }});
  if (!wait_for(*pulling, progress, stop)) return fail(ErrorCode::kUnavailable, what + ": stopped");
  if (pulling->reader.error()) return fail(*pulling->reader.error());
  if (*pulling->result) return {};
  const auto& error = pulling->result->error();
  // The engine passes on what the registry said, under any status.
  const bool refused = error.code != ErrorCode::kUnavailable && error.code != ErrorCode::kTimeout;
  if (!refused || !error.message.starts_with(what + ": ")) return fail(error);
  auto known = pull_error(reference, error.message.substr(what.size() + 2));
  if (known.code == ErrorCode::kInternal) known.code = error.code;
  return fail(std::move(known));
}

}  // namespace holdfast::docker
