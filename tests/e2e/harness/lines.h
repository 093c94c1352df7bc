// What line-service wrote, read from the files that its shim kept.
#pragma once

#include <string>
#include <vector>

#include "tests/e2e/harness/controller.h"

namespace holdfast::test {

std::string line_service();  // the path of the program

// The lines of instance 0 in the order in which they were written, without their times.
std::vector<std::string> log_lines(const Controller& controller, const std::string& service);

struct Runs {
  size_t seen = 0;   // wrote at least a line
  size_t ended = 0;  // wrote their last one, and so exited with 7
};
// Every run of the service numbers its lines from 0 without a gap; fails the test otherwise.
Runs check_lines(const Controller& controller, const std::string& service);

}  // namespace holdfast::test
