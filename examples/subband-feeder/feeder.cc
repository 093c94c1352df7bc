#include "examples/subband-feeder/feeder.h"

#include <cmath>
#include <filesystem>
#include <random>
#include <set>

#include <poll.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "controller/base/log.h"
#include "examples/common/service_notify.h"

namespace holdfast::examples {

namespace fs = std::filesystem;

namespace {

constexpr double kBandStart = 1.28e9, kBandWidth = 0.25e9;  // Hz
constexpr std::string_view kPartSuffix = ".feeder-part";

std::string to_group_id(WallTime time) {
  return format_rfc3339(time).substr(0, std::string_view("2026-01-01T00:00:00").size());
}

// For a checked group id.
std::string after(const std::string& group, Duration step) {
  return to_group_id(*parse_rfc3339(group + "Z") + step);
}

Result<std::set<std::string>> groups_in(const std::string& directory) {
  std::set<std::string> groups;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    if (const auto name = parse_subband_file_name(it->path().filename().string())) groups.insert(name->group);
  }
  if (error) return fail(errno_error("cannot read " + directory, error.value()));
  return groups;
}

void remove_parts(const std::string& directory) {
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->path().filename().string().ends_with(kPartSuffix)) fs::remove(it->path(), ignored);
  }
}

// Like a correlator's ring buffer.
void remove_oldest(const FeederOptions& options) {
  if (options.keep == 0) return;
  const auto groups = groups_in(options.output_dir);
  if (!groups) return;
  auto surplus = static_cast<std::ptrdiff_t>(groups->size()) - options.keep;
  for (auto it = groups->begin(); surplus > 0; ++it, --surplus) {
    for (int i = 0; i < options.subbands; ++i) {
      unlink((options.output_dir + "/" + subband_file_name({*it, i})).c_str());
    }
  }
}

bool stop_within(int stop_fd, MonoTime until) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - SystemClock().now()).count();
    pollfd stop{stop_fd, POLLIN, 0};
    const int ready = poll(&stop, 1, static_cast<int>(std::clamp<long>(left, 0, 60'000)));
    if (ready > 0) return true;
    if (left <= 0) return false;
  }
}

}  // namespace

Subband synthesize(const FeederOptions& options, const SubbandName& name) {
  Subband subband;
  subband.name = name;
  subband.rows = static_cast<std::size_t>(options.baselines);
  const auto channels = static_cast<std::size_t>(options.channels);
  const double width = kBandWidth / (options.subbands * options.channels);
  for (std::size_t i = 0; i < channels; ++i) {
    const auto channel = static_cast<double>(name.index) * options.channels + static_cast<double>(i);
    subband.frequency_hz.push_back(kBandStart + channel * width);
  }
  std::mt19937 random(static_cast<unsigned>(std::hash<std::string>{}(subband_file_name(name))));
  std::normal_distribution<float> noise(0.0F, 0.05F);
  for (std::size_t row = 0; row < subband.rows; ++row) {
    for (const double hz : subband.frequency_hz) {
      const double fringe = std::cos((hz - kBandStart) / kBandWidth * 6.28 * static_cast<double>(row + 1));
      subband.visibilities.push_back(static_cast<float>(fringe) + noise(random));
    }
  }
  return subband;
}

Result<std::string> next_group(const FeederOptions& options) {
  const auto groups = groups_in(options.output_dir);
  if (!groups) return fail(groups.error());
  if (groups->empty()) return options.start.empty() ? to_group_id(SystemClock().wall()) : options.start;
  return after(*groups->rbegin(), options.step);
}

Status write_group(const FeederOptions& options, const std::string& group) {
  for (int i = 0; i < options.subbands; ++i) {
    const SubbandName name{group, i};
    const auto target = options.output_dir + "/" + subband_file_name(name);
    const auto part = options.output_dir + "/." + subband_file_name(name) + std::string(kPartSuffix);
    if (auto written = write_subband(part, synthesize(options, name)); !written) return written;
    if (rename(part.c_str(), target.c_str()) != 0) return fail(errno_error("cannot rename " + part, errno));
  }
  return {};
}

Status run_feeder(const FeederOptions& options, int stop_fd) {
  if (auto made = make_directories(options.output_dir); !made) return made;
  remove_parts(options.output_dir);
  const auto notifier = ServiceNotifier::from_environment();
  notifier.ready("feeding");
  auto group = next_group(options);
  if (!group) return fail(group.error());
  auto due = SystemClock().now();
  for (int written = 0; options.groups == 0 || written < options.groups;) {
    if (stop_within(stop_fd, due)) return {};
    if (auto done = write_group(options, *group); !done) return done;
    remove_oldest(options);
    ++written;
    log::info("group written", {{"group", *group}, {"groups", written}});
    notifier.status(std::to_string(written) + " groups written");
    group = after(*group, options.step);
    due = std::max(due + options.interval, SystemClock().now());  // no burst after a pause
  }
  return {};
}

}  // namespace holdfast::examples
