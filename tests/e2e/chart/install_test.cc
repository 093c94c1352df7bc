// A release from install to uninstall, on an API server that runs no pods.
#include <gmock/gmock.h>

#include "api/auth/authenticator.h"
#include "controller/base/file.h"
#include "tests/e2e/chart/render.h"
#include "tests/support/support.h"

namespace holdfast::test {
namespace {

using ::testing::HasSubstr;

class Release : public ::testing::Test {
 protected:
  Finished run(const std::string& verb, const Values& values) const {
    std::vector<std::string> arguments{verb, "holdfast", source("charts/holdfast"), "-n", world_.ns()};
    if (verb == "upgrade") arguments.emplace_back("--reset-values");
    for (const auto& value : values) arguments.insert(arguments.end(), {"--set", value});
    return helm(world_.cluster(), arguments);
  }
  void run_ok(const std::string& verb, const Values& values) const {
    const auto done = run(verb, values);
    ASSERT_EQ(done.status, 0) << done.output;
  }
  void uninstall() const {
    const auto done = helm(world_.cluster(), {"uninstall", "holdfast", "-n", world_.ns()});
    EXPECT_EQ(done.status, 0) << done.output;
  }
  std::string secret(const std::string& key) const {
    const auto object = parse_json(world_.kubectl_ok({"get", "secret", "holdfast-tokens", "-o", "json"}));
    if (!object) return {};
    const auto decoded = run_program({"base64", "-d"}, {}, object->at("data").at(key).as_string());
    EXPECT_EQ(decoded.status, 0);
    return decoded.output;
  }
  std::string edits() const {
    return world_.kubectl_ok({"get", "configmap", "holdfast", "-o", "jsonpath={.data}"});
  }
  void write_edit() const {
    world_.kubectl_ok({"patch", "configmap", "holdfast", "--type=merge", "-p",
                       R"({"data": {"edits.json": "{\"services\": {}}"}})"});
  }

  const KubeWorld world_;
};

TEST_F(Release, MakesATokenThatTheControllerTakesAndKeepsIt) {
  run_ok("install", {});
  const TempDir dir;
  const auto file = dir / "tokens";
  ASSERT_TRUE(write_file_atomically(file, secret("tokens"), 0600));
  auto tokens = auth::TokenFile::open(file);
  ASSERT_TRUE(tokens) << tokens.error().message;
  const SimClock clock;
  const auto authenticate = auth::bearer_authenticator(std::move(*tokens), clock);
  http::Request request;
  request.headers = {{"authorization", "Bearer " + secret("token")}};
  const auto identity = authenticate(request);
  ASSERT_TRUE(identity) << identity.error().message;
  EXPECT_EQ(identity->role, http::Role::kAdmin);

  const auto token = secret("token");
  run_ok("upgrade", {"replicas=2"});
  EXPECT_EQ(secret("token"), token);
  uninstall();
}

TEST_F(Release, LeavesEditsAloneFromUpgradeToANewInstall) {
  run_ok("install", {});
  write_edit();
  const auto before = edits();
  EXPECT_THAT(before, HasSubstr("edits.json"));
  run_ok("upgrade", {"replicas=2", "services.web.kubernetes.image=nginx"});
  EXPECT_EQ(edits(), before);
  uninstall();
  EXPECT_EQ(edits(), before);
  EXPECT_NE(world_.kubectl({"get", "deployment", "holdfast"}).status, 0);
  run_ok("install", {"services.web.kubernetes.image=nginx"});
  EXPECT_EQ(edits(), before);
  uninstall();
}

TEST_F(Release, RefusesAnUpgradeThatForgotTheServices) {
  run_ok("install", {"services.web.kubernetes.image=nginx"});
  const auto refused = run("upgrade", {"replicas=2"});
  EXPECT_NE(refused.status, 0);
  EXPECT_THAT(refused.output, HasSubstr("this upgrade has no services, but the release has some"));
  run_ok("upgrade", {"replicas=2", "allowEmpty=true"});
  uninstall();
}

TEST_F(Release, TellsHowToGoOn) {
  const auto done = run("install", {});
  EXPECT_THAT(done.output, HasSubstr("port-forward service/holdfast 8010:8010"));
  EXPECT_THAT(done.output, HasSubstr("get secret holdfast-tokens"));
  EXPECT_THAT(done.output, HasSubstr("`helm uninstall` leaves the services running"));
  uninstall();
}

}  // namespace
}  // namespace holdfast::test
