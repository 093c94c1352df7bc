#include "tests/support/docker_world/registry.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <signal.h>

#include "controller/base/file.h"
#include "tests/support/docker_world/scripts.h"
#include "tests/support/support.h"

namespace holdfast::test {

Registry::Registry(EngineAddress engine, Options options)
    : engine_(std::move(engine)), directory_(inner_directory("r")) {
  std::vector<std::string> arguments = {"up", directory_, "--netns", engine_.netns()};
  if (options.auth) arguments.emplace_back("--auth");
  address_ = run_script("registry", arguments);
  address_.pop_back();  // the newline
  // What `docker login` writes; the value is base64 of "holdfast:secret".
  std::filesystem::create_directory(directory_ + "/config");
  std::ofstream(directory_ + "/config/config.json")
      << R"({"auths": {")" << address_ << R"(": {"auth": "aG9sZGZhc3Q6c2VjcmV0"}}})";
}

Registry::~Registry() {
  end_world(directory_);
}

// The image goes with its last name.
std::string Registry::publish(const std::string& image, const std::string& name) const {
  auto reference = address_ + "/" + name;
  engine_.docker_ok({"tag", image, reference});
  const auto pushed = run_program(
      {"docker", "--config", directory_ + "/config", "--host", engine_.host(), "push", "--quiet", reference});
  EXPECT_EQ(pushed.status, 0) << pushed.output;
  engine_.docker_ok({"rmi", reference});
  return reference;
}

std::string Registry::publish_file(size_t bytes, const std::string& name) const {
  const TempDir directory;
  const auto made = run_program(
      {"sh", "-euc", "head -c \"$1\" /dev/urandom >\"$0/content\"; tar -C \"$0\" -cf \"$0/image\" content",
       directory.path(), std::to_string(bytes)});
  EXPECT_EQ(made.status, 0) << made.output;
  return publish(engine_.docker_ok({"import", directory / "image"}), name);
}

pid_t Registry::pid() const {
  const auto text = read_file(directory_ + "/pid");
  const pid_t pid = text ? static_cast<pid_t>(std::atoi(text->c_str())) : -1;
  return pid > 0 && !has_ended(pid) ? pid : -1;
}

void Registry::hang() const {
  ASSERT_TRUE(signal_process(pid(), SIGSTOP)) << "the registry has ended";
}

void Registry::resume() const {
  ASSERT_TRUE(signal_process(pid(), SIGCONT)) << "the registry has ended";
}

void Registry::kill() const {
  const pid_t registry = pid();
  ASSERT_TRUE(signal_process(registry, SIGKILL)) << "the registry has ended";
  ASSERT_TRUE(wait_until([&] { return has_ended(registry); }));
}

}  // namespace holdfast::test
