#include "runtimes/docker/cli/upload.h"

#include <gtest/gtest.h>

#include "runtimes/docker/cli/command.h"

namespace holdfast::docker {
namespace {

// As tar itself reads it.
std::string listing(const std::string& archive) {
  const SystemClock clock;
  const auto output = run_command(
      {.argv = {"tar", "--numeric-owner", "-tvf", "-"}, .environment = {"TZ=UTC"}, .input = archive}, clock,
      {});
  EXPECT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->exit_code, 0) << output->err;
  return output->out;
}

TEST(DirectoryArchive, HoldsOneDirectory) {
  const auto archive = directory_archive("/etc/deep/er");
  ASSERT_TRUE(archive) << archive.error().message;
  const auto text = listing(*archive);
  EXPECT_TRUE(text.starts_with("drwxr-xr-x 0/0 ")) << text;
  EXPECT_TRUE(text.ends_with(" etc/deep/er/\n")) << text;
  EXPECT_TRUE(listing(directory_archive("//a//").value_or("")).ends_with(" a/\n"));
}

TEST(DirectoryArchive, HoldsLongPaths) {
  const std::string deep = "/" + std::string(90, 'a') + "/" + std::string(90, 'b');
  EXPECT_TRUE(listing(directory_archive(deep).value_or("")).ends_with(" " + deep.substr(1) + "/\n"));
  EXPECT_EQ(directory_archive("/" + std::string(300, 'a')).error().code, ErrorCode::kInvalid);
}

TEST(DirectoryArchive, RefusesWhatIsNoPath) {
  for (const char* bad : {"", "relative/path", "/", "//"})
    EXPECT_EQ(directory_archive(bad).error().code, ErrorCode::kInvalid) << bad;
}

}  // namespace
}  // namespace holdfast::docker
