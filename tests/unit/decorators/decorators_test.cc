#include "runtimes/decorators.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtimes/fake/fake_runtime.h"
#include "tests/fakes/faulty_runtime.h"
#include "tests/support/support.h"

namespace holdfast {
namespace {

class DecoratorsTest : public testing::Test {
 protected:
  [[nodiscard]] size_t running() const { return inner_->observe("web")->instances.size(); }
  static ActionContext context() {
    auto spec = std::make_shared<ServiceSpec>();
    spec->name = "web";
    return {spec, 0};
  }
  static Action start(int ordinal) { return StartInstance{{"web", ordinal}, 1, "test"}; }

  test::SimClock clock_;
  std::shared_ptr<fake::FakeRuntime> inner_ =
      std::make_shared<fake::FakeRuntime>(clock_, RuntimeKind::kDocker);
};

TEST_F(DecoratorsTest, ADecoratorHandsEverythingOn) {
  RuntimeDecorator runtime(inner_);
  std::vector<std::string> told;
  runtime.on_change([&](const std::string& service) { told.push_back(service); });
  ASSERT_TRUE(runtime.execute(start(0), context()));
  inner_->write_log({"web", 0}, "stdout", "hello");
  EXPECT_EQ(runtime.kind(), RuntimeKind::kDocker);
  EXPECT_EQ(runtime.capabilities().features, inner_->capabilities().features);
  EXPECT_FALSE(runtime.validate(ServiceSpec{}));
  EXPECT_EQ(runtime.observe("web")->instances.size(), 1u);
  EXPECT_THAT(*runtime.list_owned(), testing::ElementsAre("web"));
  EXPECT_EQ(runtime.usage(runtime.observe("web")->instances).size(), 1u);
  EXPECT_EQ(runtime.logs()->read("web", {})->size(), 1u);
  EXPECT_EQ(runtime.exec(), nullptr);
  EXPECT_THAT(told, testing::ElementsAre("web"));
}

TEST_F(DecoratorsTest, ADryRunSeesTheWorldAndLeavesItAlone) {
  ASSERT_TRUE(inner_->execute(start(0), context()));
  DryRunRuntime runtime(inner_);
  ASSERT_TRUE(runtime.execute(start(1), context()));
  EXPECT_EQ(runtime.observe("web")->instances.size(), 1u);
  EXPECT_THAT(runtime.would_do(), testing::ElementsAre(start(1)));
}

TEST_F(DecoratorsTest, ADryRunKeepsTheNewestActions) {
  DryRunRuntime runtime(inner_);
  for (size_t i = 0; i <= DryRunRuntime::kMaxKept; ++i)
    ASSERT_TRUE(runtime.execute(start(static_cast<int>(i)), context()));
  const auto kept = runtime.would_do();
  EXPECT_EQ(kept.size(), DryRunRuntime::kMaxKept);
  EXPECT_EQ(kept.front(), start(1));
}

TEST_F(DecoratorsTest, AFaultyRuntimeFailsBeforeAndAfterAnAction) {
  test::FaultyRuntime runtime(inner_, 1);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(runtime.observe("web"));
  runtime.fail_one_in(3);
  int done = 0, lost = 0, refused = 0;
  for (int ordinal = 0; ordinal < 100; ++ordinal) {
    const size_t before = running();
    const bool good = runtime.execute(start(ordinal), context()).has_value();
    const bool effect = running() > before;
    done += good ? 1 : 0;
    lost += !good && effect ? 1 : 0;
    refused += !good && !effect ? 1 : 0;
    EXPECT_TRUE(!good || effect);
  }
  EXPECT_GT(done, 0);
  EXPECT_GT(lost, 0);
  EXPECT_GT(refused, 0);
  EXPECT_GE(runtime.failures(), 1u);
}

}  // namespace
}  // namespace holdfast
