// Kills, starts and times bench-services below whatever supervises them.
//
//   bench-driver launch FIFO COUNT LOG PROGRAM ARG...   starts a supervisor; prints "PID MS" once all are up
//   bench-driver await FIFO COUNT                       waits for all, of a supervisor that was started apart
//   bench-driver crash FIFO COUNT                       kills all at once; prints MS until all are back
//   bench-driver kill FIFO NAME PID                     kills that process; prints MS until NAME is back
//   bench-driver restarts FIFO ROUNDS GAP_MS NAME[/EVERY]...   kills in turn, or each EVERYth round only;
//                                                       prints "NAME KILLS P50 P99", milliseconds
//   bench-driver facade FIFO PORT ROUNDS                see facade.h
//   bench-driver failure FIFO PORT
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/bench/facade.h"
#include "tests/bench/reports.h"

namespace {

using namespace holdfast::bench;
using Arguments = std::vector<std::string>;

double ms(std::int64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

void launch(Reports& reports, const Arguments& args) {
  std::vector<char*> argv;
  for (size_t i = 2; i < args.size(); ++i) argv.push_back(const_cast<char*>(args[i].c_str()));
  argv.push_back(nullptr);
  const auto began = mono_ns();
  const pid_t pid = fork();
  if (pid == 0) {
    setsid();
    // Known even if this program is interrupted before all services are up.
    std::ofstream(args[1] + ".pid") << getpid() << '\n';
    closefrom(0);
    // The lowest free numbers, in turn.
    if (open("/dev/null", O_RDONLY) != 0 || open(args[1].c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644) != 1 ||
        dup(1) != 2)
      _exit(126);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  const auto last = reports.collect(std::stoul(args[0]), began);
  std::printf("%d %.1f\n", pid, ms(last - began));
}

// What is known of a supervisor that was stopped is old, and its pids may be others' by now.
void kill_service(const Report& report) {
  const auto pidfd = static_cast<int>(syscall(SYS_pidfd_open, report.pid, 0u));
  if (pidfd < 0) return;
  std::error_code gone;
  const auto program = std::filesystem::read_symlink("/proc/" + std::to_string(report.pid) + "/exe", gone);
  if (program.filename() == "bench-service")  // not comm, which is that of the script below runit
    syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0u);
  close(pidfd);
}

void crash(Reports& reports, const Arguments& args) {
  const auto victims = reports.newest();
  const auto began = mono_ns();
  for (const auto& [name, report] : victims) kill_service(report);
  std::printf("%.1f\n", ms(reports.collect(std::stoul(args[0]), began) - began));
}

// A service in a container reports its pid there: the one out here is given.
void kill_container(Reports& reports, const Arguments& args) {
  const auto pidfd = static_cast<int>(syscall(SYS_pidfd_open, std::stoi(args.at(1)), 0u));
  const auto began = mono_ns();
  if (pidfd < 0 || syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0u) != 0)
    throw std::runtime_error("no process " + args[1]);
  close(pidfd);
  Report report;
  do {
    report = reports.next();
  } while (report.name != args[0] || report.started_ns < began);
  std::printf("%.2f\n", ms(report.started_ns - began));
}

struct Peer {
  std::string name;
  int every = 1;
  std::vector<double> times;
};

void restarts(Reports& reports, const Arguments& args) {
  std::vector<Peer> peers;
  for (size_t i = 2; i < args.size(); ++i) {
    const auto slash = args[i].find('/');
    peers.push_back({args[i].substr(0, slash), 1, {}});
    if (slash != std::string::npos) peers.back().every = std::stoi(args[i].substr(slash + 1));
  }
  const auto gap = std::stoll(args[1]) * 1'000'000;
  for (int round = 0; round < std::stoi(args[0]); ++round) {
    for (auto& peer : peers) {
      if (round % peer.every != 0) continue;
      const auto victim = reports.newest().at(peer.name);
      // Each has run for at least the gap when it is killed: no throttle of any supervisor is met.
      if (const auto rest = victim.started_ns + gap - mono_ns(); rest > 0)
        poll(nullptr, 0, static_cast<int>(rest / 1'000'000) + 1);
      const auto began = mono_ns();
      kill_service(victim);
      peer.times.push_back(ms(reports.next_of(peer.name).started_ns - began));
    }
  }
  for (auto& [name, every, times] : peers) {
    std::sort(times.begin(), times.end());
    std::printf("%s %zu %.2f %.2f\n", name.c_str(), times.size(), times[times.size() / 2],
                times[times.size() * 99 / 100]);
  }
}

void run(const std::string& verb, Reports& reports, const Arguments& args) {
  if (verb == "launch") return launch(reports, args);
  if (verb == "await") return static_cast<void>(reports.collect(std::stoul(args.at(0)), 0));
  if (verb == "crash") return crash(reports, args);
  if (verb == "kill") return kill_container(reports, args);
  if (verb == "restarts") return restarts(reports, args);
  if (verb == "facade") return measure_facade(reports, std::stoi(args.at(0)), std::stoi(args.at(1)));
  if (verb == "failure") return measure_failure(std::stoi(args.at(0)));
  throw std::runtime_error("no such measurement: " + verb);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 4) throw std::runtime_error("bench-driver VERB FIFO ...");
    Reports reports(argv[2]);
    run(argv[1], reports, {argv + 3, argv + argc});
    reports.save();
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench-driver: %s\n", e.what());
    return 1;
  }
}
