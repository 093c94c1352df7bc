#include "api/metrics/controller_metrics.h"

#include <charconv>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include "controller/base/file.h"

namespace holdfast::metrics {
namespace {

void single(Family family, double value, Families& families) {
  family.add({}, value);
  family.move_to(families);
}

double count(std::uint64_t value) {
  return static_cast<double>(value);
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

// Fields of /proc/self/stat from the third on; the second, a program's name, may hold spaces and parentheses.
std::vector<std::string_view> stat_fields(std::string_view text) {
  std::vector<std::string_view> fields;
  const auto close = text.rfind(") ");
  if (close == std::string_view::npos) return fields;
  text.remove_prefix(close + 2);
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    fields.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return fields;
}

// Unix time of the boot. It can't change while this process lives.
std::optional<double> boot_time() {
  static const std::optional<double> kTime = []() -> std::optional<double> {
    const auto text = read_file("/proc/stat");
    if (!text) return std::nullopt;
    constexpr std::string_view kKey = "\nbtime ";
    const auto at = text->find(kKey);
    return at == std::string::npos ? std::nullopt : number(std::string_view(*text).substr(at + kKey.size()));
  }();
  return kTime;
}

std::optional<double> open_descriptors() {
  std::error_code error;
  std::filesystem::directory_iterator entries("/proc/self/fd", error);
  if (error) return std::nullopt;
  double open = -1;  // the directory being read is one of them
  for (; entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    if (error) return std::nullopt;
    ++open;
  }
  return open;
}

void add_from_stat(Families& families) {
  const auto text = read_file("/proc/self/stat");
  if (!text) return;
  constexpr size_t kThreads = 17, kStart = 19, kVirtual = 20, kResident = 21;  // from the third field on
  const auto fields = stat_fields(*text);
  if (fields.size() <= kResident) return;
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  if (const auto value = number(fields[kResident])) {
    single(gauge("process_resident_memory_bytes", "Resident memory of the controller."), *value * page,
           families);
  }
  if (const auto value = number(fields[kVirtual])) {
    single(gauge("process_virtual_memory_bytes", "Virtual memory of the controller."), *value, families);
  }
  if (const auto value = number(fields[kThreads])) {
    single(gauge("process_threads", "Threads of the controller."), *value, families);
  }
  const auto start = number(fields[kStart]);
  const auto boot = boot_time();
  if (start && boot) {
    single(gauge("process_start_time_seconds", "When the controller started, in Unix time."),
           *boot + *start / ticks, families);
  }
}

}  // namespace

void add_build_info(const std::string& version, const std::string& revision, Families& families) {
  auto family = gauge("holdfast_build_info", "Always 1; the labels say what was built.");
  family.add({{"version", version}, {"revision", revision}, {"compiler", __VERSION__}}, 1);
  family.move_to(families);
}

void add_reconciler_metrics(const ReconcilerStats& stats, Families& families) {
  auto total = counter("holdfast_reconcile_total", "Looks at a service, by result.");
  total.add({{"result", "success"}}, count(stats.reconciles_success));
  total.add({{"result", "error"}}, count(stats.reconciles_error));
  total.add({{"result", "requeue"}}, count(stats.reconciles_requeue));
  total.move_to(families);
  single(counter("holdfast_reconcile_errors_total", "Looks at a service that ended in an error."),
         count(stats.reconciles_error), families);
  Family duration("holdfast_reconcile_duration_seconds", "How long a look at a service took.",
                  prometheus::MetricType::Histogram);
  duration.add_histogram(stats.duration_buckets, stats.duration_sum, stats.duration_count);
  duration.move_to(families);
  single(gauge("holdfast_workqueue_depth", "Services that wait to be looked at."), count(stats.queue_depth),
         families);
  single(counter("holdfast_workqueue_adds_total", "Requests to look at a service."), count(stats.queue_adds),
         families);
  single(counter("holdfast_workqueue_retries_total", "Looks that were repeated after an error."),
         count(stats.queue_retries), families);
  single(gauge("holdfast_workqueue_longest_running_processor_seconds",
               "How long the longest look that is under way has lasted."),
         stats.longest_running_seconds, families);
  single(gauge("holdfast_workers", "Threads that look at services."), count(stats.workers), families);
  single(gauge("holdfast_workers_active", "Threads that are looking at a service now."),
         count(stats.active_workers), families);
}

void add_runtime_metrics(const std::vector<RuntimeInfo>& runtimes, const ReadyReport& ready,
                         Families& families) {
  auto available = gauge("holdfast_runtime_available", "Whether the runtime can be used: 1 or 0.");
  for (const auto& runtime : runtimes) {
    available.add({{"runtime", std::string(to_string(runtime.kind))}}, runtime.available ? 1 : 0);
  }
  available.move_to(families);
  single(gauge("holdfast_ready", "Whether the controller is ready, as /readyz says: 1 or 0."),
         ready.ready ? 1 : 0, families);
}

void add_process_metrics(Families& families) {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    single(counter("process_cpu_seconds_total", "CPU time that the controller has used."),
           seconds(usage.ru_utime) + seconds(usage.ru_stime), families);
  }
  add_from_stat(families);
  if (const auto open = open_descriptors()) {
    single(gauge("process_open_fds", "Open file descriptors of the controller."), *open, families);
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    single(gauge("process_max_fds", "File descriptors that the controller may have open."),
           static_cast<double>(limit.rlim_cur), families);
  }
}

}  // namespace holdfast::metrics
