#include "examples/streaming-converter/intake.h"

#include <bit>
#include <cerrno>
#include <filesystem>

#include <sys/inotify.h>
#include <unistd.h>

#include "controller/base/log.h"
#include "examples/common/subband.h"

namespace holdfast::examples {

namespace fs = std::filesystem;

Status Intake::start() {
  inotify_.reset(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify_) return fail(errno_error("cannot use inotify", errno));
  auto settled = queue_.settled_groups();
  if (!settled) return fail(settled.error());
  settled_.insert(settled->begin(), settled->end());
  watch();
  return {};
}

void Intake::watch() {
  const auto mask = IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
  watching_ = inotify_add_watch(inotify_.get(), options_.input_dir.c_str(), mask) >= 0;
  if (!watching_) {
    log::warning("cannot watch the input directory, scanning it instead",
                 {{"directory", options_.input_dir}, {"error", errno_error("inotify", errno).message}});
  }
}

bool Intake::read_events() {
  alignas(inotify_event) std::array<char, 1 << 14> buffer;
  bool whole = true;
  for (;;) {
    const ssize_t n = read(inotify_.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return whole;
    for (const char* at = buffer.data(); at < buffer.data() + n;) {
      const auto* event = reinterpret_cast<const inotify_event*>(at);
      at += sizeof(inotify_event) + event->len;
      if (event->mask & (IN_MOVE_SELF | IN_DELETE_SELF | IN_IGNORED)) watching_ = false;
      if (event->mask & IN_Q_OVERFLOW) whole = false;
      if ((event->mask & IN_MOVED_TO) && event->len > 0) note(event->name);
    }
  }
}

Result<int> Intake::on_events() {
  return read_events() ? record() : scan();
}

void Intake::note(std::string_view file) {
  const auto name = parse_subband_file_name(file);
  if (!name || settled_.contains(name->group)) return;
  if (name->index >= options_.expected_subbands) {
    if (!std::exchange(warned_of_surplus_, true)) {
      log::warning("ignoring subbands beyond the expected ones",
                   {{"file", file}, {"expected", options_.expected_subbands}});
    }
    return;
  }
  auto& bits = collecting_[name->group];
  const auto bit = std::uint64_t{1} << name->index;
  if (!(bits & bit)) unrecorded_.insert(name->group);
  bits |= bit;
}

Result<int> Intake::scan() {
  if (!watching_) watch();
  std::set<std::string> present;
  std::error_code error;
  for (fs::directory_iterator it(options_.input_dir, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    const auto file = it->path().filename().string();
    const auto name = parse_subband_file_name(file);
    if (!name || !it->is_regular_file(ignored)) continue;
    present.insert(name->group);
    note(file);
  }
  if (error) return fail(errno_error("cannot scan " + options_.input_dir, error.value()));
  // Groups without files need no memory: the queue knows them.
  std::erase_if(settled_, [&](const std::string& group) { return !present.contains(group); });
  std::erase_if(collecting_, [&](const auto& entry) {
    return !present.contains(entry.first) && !unrecorded_.contains(entry.first);
  });
  return record();
}

Result<int> Intake::record() {
  std::vector<Arrival> arrivals;
  for (const auto& group : unrecorded_) {
    const int subbands = std::popcount(collecting_[group]);
    arrivals.push_back({group, subbands, subbands == options_.expected_subbands});
  }
  if (arrivals.empty()) return 0;
  if (const auto recorded = queue_.record(arrivals); !recorded) return fail(recorded.error());
  unrecorded_.clear();
  int complete = 0;
  for (const auto& arrival : arrivals) {
    if (!arrival.complete) continue;
    ++complete;
    collecting_.erase(arrival.group);
    settled_.insert(arrival.group);
  }
  return complete;
}

}  // namespace holdfast::examples
