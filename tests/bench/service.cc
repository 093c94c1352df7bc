// A service that tells when it began, then waits for a signal to end it.
//
//   bench-service FIFO NAME      or, as the interpreter of a script, FIFO SCRIPT: named by its directory
#include <csignal>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <unistd.h>

#include "tests/bench/report.h"

int main(int argc, char** argv) {
  holdfast::bench::Report report;
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  report.started_ns = now.tv_sec * 1'000'000'000 + now.tv_nsec;
  report.pid = getpid();
  if (argc < 3) return 2;
  if (report.pid == 1) std::signal(SIGTERM, [](int) { _exit(0); });  // in a container it would have no effect
  char directory[4096] = {};
  const char* name = argv[2];
  if (std::strchr(name, '/') != nullptr && getcwd(directory, sizeof directory) != nullptr)
    name = std::strrchr(directory, '/') + 1;
  std::strncpy(report.name, name, sizeof report.name - 1);
  if (const int fifo = open(argv[1], O_WRONLY | O_NONBLOCK); fifo >= 0) {
    (void)!write(fifo, &report, sizeof report);
    close(fifo);
  }
  for (;;) pause();
}
