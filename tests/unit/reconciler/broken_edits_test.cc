// Edits that others have broken, where others write them too.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/reconciler/config_service.h"
#include "tests/support/support.h"

namespace holdfast::reconciler {
namespace {

using ::testing::HasSubstr;

// What others write is `theirs`; nullopt: it can't be understood.
class SharedEdits final : public state::EditStore {
 public:
  explicit SharedEdits(const std::optional<Json>& theirs) : theirs_(theirs) {}
  Status refresh() override {
    if (!theirs_) return fail(ErrorCode::kInvalid, "shared, key edits.json: line 1, column 2: no value");
    layer_ = *theirs_;
    return {};
  }
  [[nodiscard]] std::string where() const override { return "shared"; }
  [[nodiscard]] const Json& layer() const override { return layer_; }
  [[nodiscard]] std::uint64_t revision() const override { return 0; }
  [[nodiscard]] std::vector<RevisionInfo> revisions() const override { return {}; }
  Result<Json> read(std::uint64_t /*revision*/) const override { return Json::object(); }
  Result<std::uint64_t> commit(const Json& /*layer*/, const Actor& /*actor*/,
                               const std::string& /*summary*/) override {
    return fail_terminal(ErrorCode::kConflict, "not written over");
  }
  [[nodiscard]] std::vector<std::string> quarantined() const override { return {}; }

 private:
  const std::optional<Json>& theirs_;
  Json layer_ = Json::object();
};

class BrokenEdits : public testing::Test {
 protected:
  std::vector<ConfigError> reload(const std::string& name) {
    return config_.reload({{"base", "base.yaml", "services: {" + name + ": {command: [/bin/true]}}"}});
  }

  holdfast::test::TempDir dir_;
  std::optional<Json> theirs_ = Json::object();
  int rejections_ = 0;
  ConfigService config_{std::make_unique<SharedEdits>(theirs_),
                        dir_.path(),
                        {.validate = {},
                         .applied = [](const auto&, auto, const auto&) {},
                         .rejected = [this](const auto&) { ++rejections_; }}};
};

TEST_F(BrokenEdits, LeaveInForceWhatIsInForce) {
  EXPECT_TRUE(reload("web").empty());
  theirs_.reset();
  EXPECT_EQ(reload("db").size(), 1u);
  EXPECT_TRUE(config_.document()->services.contains("web"));
  EXPECT_EQ(rejections_, 1);
  ASSERT_EQ(config_.view()->problems.size(), 1u);
  EXPECT_THAT(config_.view()->problems.front().message, HasSubstr("line 1, column 2"));
  theirs_ = Json::object();
  EXPECT_TRUE(reload("db").empty());
  EXPECT_TRUE(config_.document()->services.contains("db"));
  EXPECT_TRUE(config_.view()->problems.empty());
}

TEST_F(BrokenEdits, DoNotKeepAControllerFromBeginning) {
  theirs_.reset();
  EXPECT_TRUE(reload("web").empty());
  ASSERT_TRUE(config_.document());
  EXPECT_TRUE(config_.document()->services.contains("web"));
  ASSERT_EQ(config_.view()->problems.size(), 1u);
  EXPECT_EQ(config_.view()->problems.front().origin.file, "shared");
  EXPECT_EQ(rejections_, 1);
  EXPECT_FALSE(config_.patch(Json::object({{"services", Json::object()}}), {}, {}));
}

}  // namespace
}  // namespace holdfast::reconciler
