#include "examples/streaming-converter/run.h"

#include <cerrno>
#include <filesystem>
#include <functional>

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>

#include "controller/base/event_loop.h"
#include "controller/base/file.h"
#include "controller/base/log.h"
#include "examples/common/service_notify.h"
#include "examples/streaming-converter/intake.h"
#include "examples/streaming-converter/workers.h"

namespace holdfast::examples {

namespace {

Status make_all_directories(const Options& options) {
  const auto parent = [](const std::string& path) {
    return std::filesystem::absolute(path).parent_path().string();
  };
  for (const auto& directory : {options.input_dir, options.output_dir, options.scratch_dir,
                                parent(options.queue_db), parent(options.registry_db)}) {
    if (auto made = make_directories(directory); !made) return made;
  }
  return {};
}

// One converter per queue: two would each take the other's work for the remains of a crash. The lock goes
// with the process, however it ends; the patience is for a predecessor that is just finishing its last group.
Result<UniqueFd> lock_queue(const std::string& queue_db, int stop_fd) {
  constexpr int kTries = 200, kPauseMs = 50;
  const auto path = queue_db + ".lock";
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd) return fail(errno_error("cannot open " + path, errno));
  for (int i = 0; flock(fd.get(), LOCK_EX | LOCK_NB) != 0; ++i) {
    pollfd stop{stop_fd, POLLIN, 0};
    if (errno != EWOULDBLOCK || i >= kTries || poll(&stop, 1, kPauseMs) > 0) {
      return fail(ErrorCode::kConflict, "another converter works on " + queue_db);
    }
  }
  return fd;
}

// For the thread of run().
class Service {
 public:
  Service(const Options& options, Queue& queue, Registry& registry)
      : options_(options), queue_(queue), conversion_(options, registry), intake_(options, queue) {}

  Status run(int stop_fd);

 private:
  void every(Duration interval, std::function<void()> what);
  void scan();
  void arrived(const Result<int>& complete);
  void report_overdue();
  std::string status_text();
  Status recover();

  const Options& options_;
  Queue& queue_;
  const ServiceNotifier notifier_ = ServiceNotifier::from_environment();
  Conversion conversion_;
  Intake intake_;
  std::unique_ptr<WorkerPool> workers_;
  EventLoop loop_;
};

void Service::every(Duration interval, std::function<void()> what) {
  loop_.after(interval, [this, interval, what = std::move(what)] {
    what();
    every(interval, what);
  });
}

Status Service::recover() {
  conversion_.sweep();
  const auto resumed = queue_.recover();
  if (!resumed) return fail(resumed.error());
  if (*resumed > 0) log::warning("resuming what an earlier run left in progress", {{"groups", *resumed}});
  return {};
}

void Service::arrived(const Result<int>& complete) {
  if (!complete) {
    log::error(complete.error().message);
  } else if (*complete > 0) {
    workers_->wake();
  }
}

void Service::report_overdue() {
  const auto age = std::chrono::duration_cast<Duration>(
      std::chrono::duration<double, std::ratio<60>>(options_.chunk_duration));
  const auto groups = queue_.mark_overdue(age, options_.expected_subbands);
  if (!groups) return log::error(groups.error().message);
  for (const auto& group : *groups) log::warning("group still incomplete", {{"group", group}});
}

void Service::scan() {
  arrived(intake_.scan());
  report_overdue();
  notifier_.status(status_text());
}

std::string Service::status_text() {
  const auto counts = queue_.counts();
  if (!counts) return counts.error().message;
  std::string text;
  for (const auto& [state, count] : *counts) {
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + state;
  }
  return text.empty() ? "no groups yet" : text;
}

Status Service::run(int stop_fd) {
  if (auto recovered = recover(); !recovered) return recovered;
  if (auto started = intake_.start(); !started) return started;
  workers_ = std::make_unique<WorkerPool>(options_, queue_, conversion_);
  loop_.watch(stop_fd, EPOLLIN, [this](std::uint32_t) { loop_.stop(); });
  loop_.watch(intake_.fd(), EPOLLIN, [this](std::uint32_t) { arrived(intake_.on_events()); });
  every(seconds(options_.poll_interval), [this] { scan(); });
  if (options_.monitoring) {
    every(seconds(options_.monitor_interval), [this] { log::info("status", {{"queue", status_text()}}); });
  }
  if (const auto interval = notifier_.watchdog_interval()) every(*interval, [this] { notifier_.watchdog(); });
  scan();
  notifier_.ready(status_text());
  log::info("converter ready", {{"input", options_.input_dir}, {"workers", options_.max_workers}});
  loop_.run();
  log::info("stopping: finishing the groups under way");
  notifier_.stopping();
  workers_.reset();
  return {};
}

}  // namespace

Status run_converter(const Options& options, int stop_fd) {
  if (auto made = make_all_directories(options); !made) return made;
  const auto lock = lock_queue(options.queue_db, stop_fd);
  if (!lock) return fail(lock.error());
  const auto queue = Queue::open(options.queue_db);
  if (!queue) return fail(queue.error());
  const auto registry = Registry::open(options.registry_db);
  if (!registry) return fail(registry.error());
  return Service(options, **queue, **registry).run(stop_fd);
}

}  // namespace holdfast::examples
