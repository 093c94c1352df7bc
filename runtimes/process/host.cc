#include "runtimes/process/host.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <unistd.h>

#include "controller/base/log.h"

namespace holdfast::process {

namespace {

// FNV-1a, 64 bits: short, and the same in every run.
std::string hash_hex(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  std::string hex;
  for (int shift = 60; shift >= 0; shift -= 4) hex += "0123456789abcdef"[(hash >> shift) & 15u];
  return hex;
}

std::string canonical(const std::string& path) {
  std::error_code error;
  const auto result = std::filesystem::weakly_canonical(path, error);
  return error ? path : result.string();
}

std::uint64_t raise_open_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  const std::uint64_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return before;
}

ProcessRuntimeOptions absolute(ProcessRuntimeOptions options) {
  options.state_dir = canonical(options.state_dir);
  return options;
}

}  // namespace

Host::Host(EventLoop& event_loop, const Clock& wall_and_mono, ProcessRuntimeOptions runtime_options)
    : loop(event_loop),
      clock(wall_and_mono),
      options(absolute(std::move(runtime_options))),
      boot(boot_id()),
      cgroups(hash_hex(options.state_dir), options.use_cgroups),
      default_nofile(raise_open_files()),
      inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {}

Host::~Host() {
  if (inotify_watch_ != 0) loop.unwatch(inotify_watch_);
}

void Host::start() {
  if (!inotify_) {
    log::warning("no inotify instance can be had; records of services are read at every look instead");
    return;
  }
  inotify_watch_ = loop.watch(inotify_.get(), EPOLLIN, [weak = weak_from_this()](std::uint32_t) {
    if (const auto host = weak.lock()) host->read_inotify();
  });
}

void Host::on_change(std::function<void(const std::string&)> sink) {
  const std::lock_guard lock(mutex_);
  sink_ = std::make_shared<const std::function<void(const std::string&)>>(std::move(sink));
}

void Host::changed(const std::string& service) {
  std::shared_ptr<const std::function<void(const std::string&)>> sink;
  {
    const std::lock_guard lock(mutex_);
    sink = sink_;
  }
  if (sink && *sink) (*sink)(service);
}

void Host::changed_after(Duration delay, const std::string& service) {
  loop.after(delay, [weak = weak_from_this(), service] {
    if (const auto host = weak.lock()) host->changed(service);
  });
}

bool Host::watch_records(const std::string& directory, const std::string& service,
                         const std::shared_ptr<std::atomic<bool>>& dirty) {
  if (!inotify_) return false;
  const std::lock_guard lock(mutex_);  // an event is looked up only once the entry is there
  const int wd = inotify_add_watch(inotify_.get(), directory.c_str(), IN_MOVED_TO | IN_ONLYDIR);
  if (wd < 0) return false;
  directories_[wd] = {service, dirty};
  return true;
}

void Host::read_inotify() {
  alignas(inotify_event) std::array<char, 16384> buffer;
  const ssize_t n = read(inotify_.get(), buffer.data(), buffer.size());
  std::vector<std::string> services;
  for (ssize_t at = 0; at + static_cast<ssize_t>(sizeof(inotify_event)) <= n;) {
    inotify_event event{};
    std::memcpy(&event, buffer.data() + at, sizeof event);
    const std::string_view name = event.len > 0 ? buffer.data() + at + sizeof event : "";
    at += static_cast<ssize_t>(sizeof event + event.len);
    take_inotify(event.wd, event.mask, name, services);
  }
  for (const auto& service : services) changed(service);
}

void Host::take_inotify(int wd, std::uint32_t mask, std::string_view name,
                        std::vector<std::string>& services) {
  const std::lock_guard lock(mutex_);
  if ((mask & IN_Q_OVERFLOW) != 0) {  // look at all of them
    for (const auto& [watch, watched] : directories_) {
      *watched.dirty = true;
      services.push_back(watched.service);
    }
  } else if ((mask & IN_IGNORED) != 0) {  // the directory is gone
    directories_.erase(wd);
  } else if (const auto it = directories_.find(wd);
             it != directories_.end() && (name == "state.json" || name == "shim.json")) {
    *it->second.dirty = true;
    services.push_back(it->second.service);
  }
}

std::string Host::directory_of(const std::string& service, int ordinal) const {
  return options.state_dir + "/run/" + service + "/" + std::to_string(ordinal);
}

}  // namespace holdfast::process
