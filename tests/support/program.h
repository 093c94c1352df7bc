// Other programs, run by a test.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

namespace holdfast::test {

// The pid; -1, and the test fails, if it can't be run. It inherits this process' environment without what is
// Holdfast's, plus `env`, and no other descriptors.
pid_t spawn(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env, int stdin_fd,
            int output_fd);

// Runs a program to its end; stdout and stderr together.
struct Finished {
  int status = -1;  // exit code, or 128 + signal
  std::string output;
};
Finished run_program(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env = {},
                     const std::string& input = {});

// As kill(2), to one process: 0 and -1, which a failed start leaves behind, would mean a group, or all there
// are.
bool signal_process(pid_t pid, int signal);

}  // namespace holdfast::test
