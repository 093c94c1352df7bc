// What the classes of this folder share: the scripts beside them, and the fixture's directory.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace holdfast::test {

std::string world_variable(const char* name);  // of the fixture's environment; throws outside of it

// A fresh directory within the shared world's, whose end takes along what is there.
std::string inner_directory(const std::string& word);

// Runs one of the scripts; its output, or throws it if it fails.
std::string run_script(const std::string& script, const std::vector<std::string>& arguments);

void end_world(const std::string& directory);  // for destructors: a failure fails the test

bool has_ended(pid_t pid);  // also if nobody has reaped it

}  // namespace holdfast::test
