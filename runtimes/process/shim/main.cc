// holdfast-shim: the parent of one service instance. Started by the controller only, see protocol.h.
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

#include "runtimes/process/shim/exec_command.h"
#include "runtimes/process/shim/protocol.h"
#include "runtimes/process/shim/service.h"
#include "runtimes/process/shim/start_block.h"

int main() {
  using namespace holdfast::shim;
  static StartBlock block;
  if (const int error = load_start_block(kBlockFd, &block); error != 0) {
    constexpr char kUsage[] =
        "holdfast-shim: started by the holdfast controller for each service instance; not meant to be run by "
        "hand\n";
    (void)!write(STDERR_FILENO, kUsage, sizeof kUsage - 1);
    Report report;
    report.step = Step::kBlock;
    report.error = error;
    (void)!write(kReportFd, &report, sizeof report);
    return 64;
  }
  close(kBlockFd);
  for (const int fd : {kReportFd, kLockFd, kDirectoryFd}) fcntl(fd, F_SETFD, FD_CLOEXEC);
  return block.header.mode == Mode::kExec ? run_command(block) : run_service(block);
}
