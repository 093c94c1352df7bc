#include "tests/integration/docker_cli/engine.h"

#include <cstdlib>

#include <unistd.h>

#include "tests/support/support.h"

namespace holdfast::docker {

void EngineTest::SetUp() {
  const char* socket = std::getenv("HOLDFAST_TEST_DOCKER");
  ASSERT_NE(socket, nullptr) << "set HOLDFAST_TEST_DOCKER to the address of an engine for tests, such as "
                                "unix:///tmp/engine/docker.sock";
  const char* image = std::getenv("HOLDFAST_TEST_IMAGE");
  socket_ = socket;
  image_ = image != nullptr ? image : "holdfast-test:1";
  client_ = make_cli_client(options(), clock_);
}

void EngineTest::TearDown() {
  for (const auto& name : names_) {
    client_->unpause(name);
    client_->signal(name, 9);
    EXPECT_TRUE(test::wait_until([&] { return client_->remove(name).has_value(); })) << name;
  }
}

std::string EngineTest::name(const std::string& suffix) {
  const auto* info = testing::UnitTest::GetInstance()->current_test_info();
  names_.push_back("cli-" + std::string(info->name()) + "-" + std::to_string(getpid()) + suffix);
  return names_.back();
}

CreateSpec EngineTest::shell(const std::string& script) {
  CreateSpec spec;
  spec.image = image_;
  spec.entrypoint = {{"/bin/sh", "-c"}};
  spec.command = {script};
  return spec;
}

std::string EngineTest::run(const std::string& script, const std::string& suffix) {
  const auto container = name(suffix);
  const auto id = client_->create(container, shell(script));
  EXPECT_TRUE(id) << id.error().message;
  const auto started = client_->start(container);
  EXPECT_TRUE(started) << started.error().message;
  return container;
}

Container EngineTest::look(const std::string& container) {
  auto found = client_->inspect(container);
  EXPECT_TRUE(found) << found.error().message;
  EXPECT_TRUE(found && *found) << container << " is gone";
  return found && *found ? std::move(**found) : Container{};
}

void EngineTest::wait_for_status(const std::string& container, const std::string& status) {
  EXPECT_TRUE(test::wait_until([&] { return look(container).status == status; }))
      << container << " is " << look(container).status;
}

std::string EngineTest::log_of(const std::string& container) {
  std::string text;
  for (const auto& line : client_->logs(container, false, {}).value_or(std::vector<LogLine>{}))
    text += line.text + "\n";
  return text;
}

CliOptions EngineTest::options() {
  CliOptions options;
  options.environment = {"DOCKER_HOST=" + socket_};
  return options;
}

}  // namespace holdfast::docker
