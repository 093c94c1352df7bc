// What a controller leaves that dies between two steps: a container that was made, and of which nothing was
// written down.
#include "controller/base/file.h"
#include "tests/integration/docker/fixture.h"

namespace holdfast::test {
namespace {

class DockerLeftoverTest : public DockerTest {
 protected:
  // As the adapter makes it, for run 2.
  void make_half(const std::string& service) {
    const auto controller = read_file(bench_.state_dir() + "/docker/controller").value_or("");
    const auto made = name(service);
    std::vector<std::string> arguments = {"create", "--name", made, "--network", "none"};
    for (const auto& label : {"holdfast.controller=" + controller, "holdfast.service=" + service,
                              std::string("holdfast.ordinal=0"), std::string("holdfast.spec-hash=hash"),
                              std::string("holdfast.incarnation=2"),
                              "holdfast.prefix=" + made.substr(0, made.size() - service.size() - 2)}) {
      arguments.insert(arguments.end(), {"--label", label});
    }
    arguments.insert(arguments.end(), {DockerBench::image(), "sh", "-c", kRunsOnScript});
    bench_.by_hand(arguments);
  }
};

TEST_F(DockerLeftoverTest, AContainerThatWasOnlyMadeIsUsed) {
  const auto web = runs_on("web");
  bench_.declare({web});  // first: what nobody declares goes at once
  make_half("web");
  EXPECT_FALSE(bench_.see("web"));
  const auto made = bench_.client().inspect(name("web"));
  ASSERT_TRUE(made && *made);
  ASSERT_OK(bench_.start(web, 2));
  ASSERT_TRUE(bench_.reaches("web", Phase::kRunning));
  const auto runs = bench_.client().inspect(name("web"));
  ASSERT_TRUE(runs && *runs);
  EXPECT_EQ((*runs)->id, (*made)->id);
}

TEST_F(DockerLeftoverTest, AContainerThatWasOnlyMadeGoesIfNobodyDeclaresIt) {
  make_half("web");
  bench_.replace_adapter();
  EXPECT_TRUE(wait_until([&] { return !exists(name("web")); }));
}

// The engine may still be at it when the next controller looks.
TEST_F(DockerLeftoverTest, AContainerThatIsMadeLateGoesIfNobodyDeclaresIt) {
  make_half("web");
  EXPECT_TRUE(wait_until([&] { return !exists(name("web")); }));
}

TEST_F(DockerLeftoverTest, AContainerThatWasOnlyMadeGoesWithItsDeclaration) {
  bench_.declare({runs_on("web")});
  make_half("web");
  EXPECT_TRUE(is_told("web"));
  EXPECT_FALSE(bench_.see("web"));
  bench_.undeclare("web");
  EXPECT_TRUE(wait_until([&] { return !exists(name("web")); }));
}

TEST_F(DockerLeftoverTest, AReplacementThatWasOnlyMadeIsNoRun) {
  const auto web = runs_on("web");
  start_running(web);
  ASSERT_OK(bench_.stop("web"));
  ASSERT_TRUE(bench_.reaches("web", Phase::kExited));
  bench_.drop_adapter();
  bench_.by_hand({"rm", name("web")});
  make_half("web");
  bench_.make_adapter();
  EXPECT_FALSE(bench_.see("web")) << "a run is told that never was";
  EXPECT_THAT(bench_.notes(), testing::IsEmpty());
  ASSERT_OK(bench_.start(web, 2));
  ASSERT_TRUE(bench_.reaches("web", Phase::kRunning));
  EXPECT_EQ(bench_.see("web")->incarnation, 2u);
}

TEST_F(DockerLeftoverTest, AReplacementThatWasOnlyMadeGoesWithItsDeclaration) {
  const auto web = runs_on("web");
  start_running(web);
  ASSERT_OK(bench_.stop("web"));
  ASSERT_TRUE(bench_.reaches("web", Phase::kExited));
  bench_.drop_adapter();
  bench_.by_hand({"rm", name("web")});
  make_half("web");
  bench_.make_adapter();
  bench_.undeclare("web");
  EXPECT_TRUE(wait_until([&] { return !exists(name("web")); }));
}

}  // namespace
}  // namespace holdfast::test
