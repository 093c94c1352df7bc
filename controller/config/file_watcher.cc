#include "controller/config/file_watcher.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "controller/base/log.h"
#include "controller/base/result.h"

namespace holdfast::config {

namespace {
// Not IN_OPEN or IN_ACCESS: reading the files must not wake the reader.
constexpr std::uint32_t kEvents = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM |
                                  IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
// These concern the directory itself, or may hide what happened.
constexpr std::uint32_t kAlways = IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT | IN_Q_OVERFLOW;
}  // namespace

DirectoryWatcher::DirectoryWatcher(EventLoop& loop, std::function<void()> changed)
    : loop_(loop), changed_(std::move(changed)), inotify_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (!inotify_) {
    log::warning(
        "files are checked now and then instead of watched",
        {{"error", errno_error("inotify", errno).message}, {"hint", "raise fs.inotify.max_user_instances"}});
    return;
  }
  watch_ = loop_.watch(inotify_.get(), EPOLLIN, [this](std::uint32_t) { read_events(); });
}

DirectoryWatcher::~DirectoryWatcher() {
  if (watch_ != 0) loop_.unwatch(watch_);
}

std::vector<std::string> DirectoryWatcher::watch(
    const std::map<std::string, DirectoryInterest>& directories) {
  std::vector<std::string> failed;
  std::map<int, DirectoryInterest> interests;
  for (const auto& [directory, interest] : directories) {
    // The same directory again gives the same descriptor; a new one of that name gives another.
    const int id = inotify_ ? inotify_add_watch(inotify_.get(), directory.c_str(), kEvents) : -1;
    if (id < 0) {
      failed.push_back(directory);
      continue;
    }
    auto& all = interests[id];
    all.layers = all.layers || interest.layers;
    all.names.insert(interest.names.begin(), interest.names.end());
  }
  for (const auto& old : interests_) {
    if (!interests.contains(old.first)) inotify_rm_watch(inotify_.get(), old.first);
  }
  interests_ = std::move(interests);
  return failed;
}

void DirectoryWatcher::read_events() {
  alignas(inotify_event) std::array<char, 16384> buffer;
  bool relevant = false;
  for (;;) {
    const ssize_t n = read(inotify_.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    for (size_t at = 0; at < static_cast<size_t>(n);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const char* name = buffer.data() + at + sizeof event;  // padded with NULs
      at += sizeof event + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0) relevant = true;
      const auto it = interests_.find(event.wd);
      if (it == interests_.end()) continue;  // no longer watched
      if ((event.mask & kAlways) != 0 || (event.len > 0 && it->second.includes(name))) relevant = true;
    }
  }
  if (relevant) changed_();
}

WatchedLayers::WatchedLayers(EventLoop& loop, LayerSources sources, Changed changed, WatchOptions options)
    : loop_(loop),
      sources_(std::move(sources)),
      changed_(std::move(changed)),
      options_(options),
      watcher_(loop, [this] { noticed(); }) {
  seen_ = look();
  plan_recheck();
}

WatchedLayers::~WatchedLayers() {
  *alive_ = false;
  loop_.cancel(settle_timer_);
  loop_.cancel(recheck_timer_);
}

LayerSet WatchedLayers::current() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

void WatchedLayers::check() {
  loop_.post([this, alive = alive_] {
    if (*alive) settle();
  });
}

void WatchedLayers::noticed() {
  if (settle_timer_ != 0) {
    if (postponed_ >= options_.longest / options_.quiet) return;
    ++postponed_;
    loop_.cancel(settle_timer_);
  }
  settle_timer_ = loop_.after(options_.quiet, [this] { settle(); });
}

void WatchedLayers::settle() {
  loop_.cancel(std::exchange(settle_timer_, 0));
  postponed_ = 0;
  LayerSet now = look();
  {
    const std::lock_guard lock(mutex_);
    if (same_content(now, seen_)) return;
    seen_ = now;
  }
  changed_(now);
}

// Watches first and reads then, so that no change falls in between. Links may be swapped while the set of
// directories is found out; it is right when it is the same after watching it.
LayerSet WatchedLayers::look() {
  constexpr int kAttempts = 5;
  auto directories = directories_of(sources_);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    for (auto& directory : watcher_.watch(directories)) {
      if (unwatched_.insert(directory).second)
        log::warning("a directory of the configuration can't be watched; it is checked now and then",
                     {{"directory", directory}, {"hint", "see fs.inotify.max_user_watches"}});
    }
    auto after = directories_of(sources_);
    if (after == directories) break;
    directories = std::move(after);
  }
  return read_layers(sources_);
}

void WatchedLayers::plan_recheck() {
  recheck_timer_ = loop_.after(options_.recheck, [this] {
    settle();
    plan_recheck();
  });
}

}  // namespace holdfast::config
