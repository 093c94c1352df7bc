#include "tests/bench/reports.h"

#include <algorithm>
#include <ctime>
#include <fstream>
#include <stdexcept>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace holdfast::bench {

std::int64_t mono_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

Reports::Reports(const std::string& fifo) : fifo_(fifo), fd_(open(fifo.c_str(), O_RDWR | O_CLOEXEC)) {
  if (fd_ < 0) throw std::runtime_error("cannot open " + fifo);
  std::ifstream known(fifo + ".known");
  std::string name;
  for (Report report; known >> name >> report.pid >> report.started_ns;) newest_[name] = report;
}

Reports::~Reports() {
  close(fd_);
}

void Reports::save() const {
  std::ofstream known(fifo_ + ".known");
  for (const auto& [name, report] : newest_)
    known << name << ' ' << report.pid << ' ' << report.started_ns << '\n';
}

Report Reports::next(std::chrono::milliseconds patience) {
  pollfd readable{.fd = fd_, .events = POLLIN, .revents = 0};
  Report report;
  if (poll(&readable, 1, static_cast<int>(patience.count())) <= 0)
    throw std::runtime_error("no service reported a start in time");
  if (read(fd_, &report, sizeof report) != sizeof report) throw std::runtime_error("half a report");
  newest_[report.name] = report;
  return report;
}

Report Reports::next_of(const std::string& name) {
  const auto known = newest_.find(name);
  const auto before = known == newest_.end() ? 0 : known->second.pid;
  for (;;) {
    const auto report = next();
    if (report.name == name && report.pid != before) return report;
  }
}

std::int64_t Reports::collect(size_t count, std::int64_t since_ns) {
  std::map<std::string, Report> fresh;
  for (const auto& [name, report] : newest_)
    if (report.started_ns >= since_ns) fresh[name] = report;
  while (fresh.size() < count) {
    const auto report = next();
    if (report.started_ns >= since_ns) fresh[report.name] = report;
  }
  std::int64_t last = 0;
  for (const auto& [name, report] : fresh) last = std::max(last, report.started_ns);
  return last;
}

}  // namespace holdfast::bench
