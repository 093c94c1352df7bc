#include "tests/integration/docker_engine/fixture.h"

#include <cstdlib>

#include <unistd.h>

#include "tests/support/support.h"

namespace holdfast::docker {

void RealEngine::SetUp() {
  const char* host = std::getenv("HOLDFAST_TEST_DOCKER");
  if (!host) GTEST_FAIL() << "HOLDFAST_TEST_DOCKER has to name the socket of an engine, unix:///...";
  const auto lookup = [&](const std::string& variable) {
    return variable == "DOCKER_HOST" ? std::optional<std::string>(host) : std::nullopt;
  };
  endpoint_ = endpoint_from(lookup, [](const std::string&) { return false; }).value();
  client_ = make_engine_client(endpoint_, clock_);
  const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
  prefix_ = std::string("eng-") + info->name() + "-" + std::to_string(getpid());
}

void RealEngine::TearDown() {
  if (!client_) return;
  for (const auto& name : names_) {
    client_->signal(name, 9);
    EXPECT_TRUE(test::wait_until([&] { return client_->remove(name).has_value(); })) << name;
  }
}

std::string RealEngine::image() {
  const char* image = std::getenv("HOLDFAST_TEST_IMAGE");
  return image ? image : "holdfast-test:1";
}

std::string RealEngine::name(const std::string& suffix) {
  names_.push_back(suffix.empty() ? prefix_ : prefix_ + "-" + suffix);
  return names_.back();
}

CreateSpec RealEngine::shell(const std::string& script) {
  CreateSpec spec;
  spec.image = image();
  spec.entrypoint = std::vector<std::string>{"/bin/sh", "-c"};
  spec.command = {script};
  return spec;
}

CreateSpec RealEngine::labelled(CreateSpec spec) const {
  spec.labels["holdfast-test"] = prefix_;
  return spec;
}

std::string RealEngine::run(const std::string& script) {
  const auto made = name(std::to_string(names_.size()));
  const auto id = client_->create(made, labelled(shell(script)));
  EXPECT_TRUE(id) << id.error().message;
  const auto started = client_->start(made);
  EXPECT_TRUE(started) << started.error().message;
  return id.value_or("");
}

Container RealEngine::inspected(const std::string& container) {
  auto found = client_->inspect(container);
  EXPECT_TRUE(found) << found.error().message;
  return found && *found ? std::move(**found) : Container{};
}

bool RealEngine::exited(const std::string& container) {
  return test::wait_until([&] { return inspected(container).status == "exited"; });
}

}  // namespace holdfast::docker
