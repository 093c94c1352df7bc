#include "tests/support/docker_world/scripts.h"

#include <cstdlib>
#include <stdexcept>

#include <gtest/gtest.h>

#include "controller/base/file.h"
#include "tests/support/program.h"

namespace holdfast::test {

std::string world_variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') {
    throw std::runtime_error(std::string(name) + " is not set: run this with ctest, which starts an engine");
  }
  return value;
}

std::string inner_directory(const std::string& word) {
  const auto netns = world_variable("HOLDFAST_TEST_NETNS");
  auto directory = netns.substr(0, netns.rfind('/')) + "/" + word + "-XXXXXX";
  if (!mkdtemp(directory.data())) throw std::runtime_error("cannot make " + directory);
  return directory;
}

std::string run_script(const std::string& script, const std::vector<std::string>& arguments) {
  std::vector<std::string> argv = {std::string(HOLDFAST_WORLD_SCRIPTS) + "/" + script};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  const auto done = run_program(argv);
  if (done.status != 0) throw std::runtime_error(script + ": " + done.output);
  return done.output;
}

void end_world(const std::string& directory) {
  try {
    run_script("engine", {"down", directory});
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what();
  }
}

bool has_ended(pid_t pid) {
  const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  return !stat || stat->find(") Z ") != std::string::npos;
}

}  // namespace holdfast::test
