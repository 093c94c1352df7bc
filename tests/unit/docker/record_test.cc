#include "runtimes/docker/record.h"

#include <filesystem>

#include "controller/base/file.h"
#include "controller/base/json.h"
#include "tests/support/support.h"

namespace holdfast::docker {
namespace {

using holdfast::test::TempDir;
using testing::HasSubstr;

// Fails to compile when a record has got a member that its file may not know: extend reader, writer and the
// round trip, then this.
[[maybe_unused]] void knows_every_member(const RunRecord& record) {
  [[maybe_unused]] const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m] = record;
}

RunRecord full_record() {
  return {.container = "c0ffee",
          .incarnation = 12,
          .previous = 11,
          .restart_nonce = 7,
          .spec_hash = "abc",
          .before = "2026-01-01T00:00:00.000000001Z",
          .started = "2026-01-01T00:00:05.000000009Z",
          .started_mono = MonoTime{std::chrono::nanoseconds{1'234'567'890'123}},
          .stopping_since = MonoTime{std::chrono::nanoseconds{2'234'567'890'123}},
          .start_error = "exec: \"x\": no such file\n\xc3\xa4",
          .boot = boot_id(),
          .adopted = "postgres",
          .forgotten = true};
}

class Record : public testing::Test {
 protected:
  std::optional<RunRecord> back(const RunRecord& record) {
    EXPECT_TRUE(write_run_record(path_, record));
    const auto read = read_run_record(path_);
    EXPECT_TRUE(read) << read.error().message;
    return read ? *read : std::nullopt;
  }
  TempDir dir_;
  const std::string path_ = dir_ / "0.json";
};

TEST_F(Record, KeepsEveryMember) {
  EXPECT_EQ(back(full_record()), full_record());
  EXPECT_EQ(back(RunRecord{}), RunRecord{});
}

TEST_F(Record, IsForItsOwnerOnly) {
  ASSERT_TRUE(write_run_record(path_, full_record()));
  EXPECT_EQ(std::filesystem::status(path_).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(Record, OfAnotherBootHasNoMonotonicTimes) {
  auto record = full_record();
  record.boot = "another";
  auto expected = record;
  expected.started_mono.reset();
  expected.stopping_since.reset();
  EXPECT_EQ(back(record), expected);
}

TEST_F(Record, ThatIsMissingIsNone) {
  const auto read = read_run_record(path_);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, std::nullopt);
}

TEST_F(Record, ThatCannotBeUnderstoodIsAnError) {
  for (const auto& text :
       {std::string(), std::string("{"), std::string("[]"), std::string("{}"), std::string(300, '\0'),
        std::string(R"({"container": "a"})"), std::string(R"({"incarnation": 1})"),
        std::string(R"({"container": 4, "incarnation": 1})"),
        std::string(R"({"container": "a", "incarnation": "1"})")}) {
    ASSERT_TRUE(write_file_atomically(path_, text));
    const auto read = read_run_record(path_);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(read.error().message, HasSubstr(path_ + " is corrupt"));
  }
  ASSERT_TRUE(write_file_atomically(path_, std::string(1u << 20, ' ')));
  ASSERT_FALSE(read_run_record(path_));
}

// An older controller's has fewer members.
TEST_F(Record, WithoutWhatCameLaterIsRead) {
  ASSERT_TRUE(write_file_atomically(path_, R"({"container": "a", "incarnation": 3, "later": [1]})"));
  const auto read = read_run_record(path_);
  ASSERT_TRUE(read && *read);
  EXPECT_EQ(**read, (RunRecord{.container = "a", .incarnation = 3}));
}

}  // namespace
}  // namespace holdfast::docker
