// Two controllers on one engine.
#include "tests/e2e/docker/site.h"

namespace holdfast::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Neighbours : public testing::Test {
 protected:
  [[nodiscard]] std::string host() const { return world_.engine().host(); }

  DockerWorld world_;
};

TEST_F(Neighbours, EachSeesToItsOwnContainersAlone) {
  const auto a = world_.name("a"), b = world_.name("b");
  Controller first(document(container_service(a)), reaching(host()));
  Controller second(document(container_service(b)), reaching(host()));
  first.start();
  second.start();
  const auto pid_a = wait_running(first, a), pid_b = wait_running(second, b);
  EXPECT_EQ(first.get("/api/v1/services").json.at("items").items().size(), 1u);
  EXPECT_EQ(second.get("/api/v1/services").json.at("items").items().size(), 1u);

  // What the second doesn't declare any more goes; what the first runs is none of that.
  second.write_config(document(container_service(world_.name("c"))));
  wait_running(second, world_.name("c"));
  EXPECT_TRUE(wait_until([&] { return count_containers(world_.engine(), b) == 0; })) << second.log();
  EXPECT_NE(main_pid(world_.engine(), container_of(b)), pid_b);
  second.kill9();
  second.start();
  wait_running(second, world_.name("c"));
  EXPECT_EQ(wait_running(first, a), pid_a);
  EXPECT_EQ(main_pid(world_.engine(), container_of(a)), pid_a);
  EXPECT_EQ(first.service(a).at("restarts").as_int(), 0);
}

TEST_F(Neighbours, TheSecondOfOneNameSaysThatItIsTaken) {
  const auto name = world_.name("web");
  Controller first(document(container_service(name)), reaching(host()));
  Controller second(document(container_service(name)), reaching(host()));
  first.start();
  const auto pid = wait_running(first, name);
  second.start();
  const auto refused =
      second.wait_service(name, [](const Json& json) { return !json.at("lastError").is_null(); });
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->at("lastError").at("code").as_string(), "conflict");
  EXPECT_THAT(refused->at("lastError").at("message").as_string(),
              AllOf(HasSubstr(container_of(name)), HasSubstr("taken")));
  EXPECT_THAT(refused->at("lastError").at("hint").as_string(), HasSubstr("docker rename"));
  EXPECT_EQ(refused->at("phase").as_string(), "Waiting");
  EXPECT_EQ(refused->at("instances").items().size(), 0u);
  EXPECT_EQ(second.post("/api/v1/services/" + name + "/stop?wait=60s").status, 200);
  EXPECT_EQ(wait_running(first, name), pid);
  EXPECT_EQ(main_pid(world_.engine(), container_of(name)), pid);

  // When the first gives the name up, the second has it without further asking.
  EXPECT_LT(second.post("/api/v1/services/" + name + "/start").status, 300);
  first.write_config(document(process_service("other")));
  const auto up = wait_running(second, name);
  EXPECT_NE(up, pid);
  EXPECT_EQ(main_pid(world_.engine(), container_of(name)), up);
  EXPECT_EQ(count_containers(world_.engine(), name), 1u);
}

}  // namespace
}  // namespace holdfast::test
