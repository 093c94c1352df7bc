// A service that writes numbered lines, "PID N", every few milliseconds until TERM ends it; the last line is
// "PID end N".
#include <cstdio>

#include <poll.h>
#include <signal.h>
#include <unistd.h>

namespace {
volatile sig_atomic_t g_stop = 0;
void on_term(int) {
  g_stop = 1;
}
}  // namespace

int main() {
  struct sigaction action{};
  action.sa_handler = on_term;
  sigaction(SIGTERM, &action, nullptr);
  long n = 0;
  while (!g_stop) {
    std::printf("%d %ld\n", getpid(), n++);
    std::fflush(stdout);
    poll(nullptr, 0, 5);
  }
  std::printf("%d end %ld\n", getpid(), n);
  std::fflush(stdout);
  return 7;  // a status of its own, to be found again
}
