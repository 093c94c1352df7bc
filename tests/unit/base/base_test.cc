#include <filesystem>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "controller/base/clock.h"
#include "controller/base/event_loop.h"
#include "controller/base/file.h"
#include "controller/base/text.h"
#include "tests/support/support.h"

namespace holdfast {
namespace {

using namespace std::chrono_literals;

TEST(Time, RoundTripsRfc3339) {
  const auto time = parse_rfc3339("2026-11-22T18:47:03.123456Z");
  ASSERT_TRUE(time);
  EXPECT_EQ(format_rfc3339(*time), "2026-11-22T18:47:03.123456Z");
  EXPECT_EQ(parse_rfc3339("2026-11-22T20:47:03.123456+02:00"), time);
  for (const auto* bad :
       {"", "2026-13-01T00:00:00Z", "2026-11-22", "2026-11-22T18:47:03", "2026-11-22T18:47:03.Z", "x",
        "1013-11-25T13:25:33Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"}) {
    EXPECT_FALSE(parse_rfc3339(bad)) << bad;
  }
}

TEST(File, ReplacesAtomicallyAndBoundsReads) {
  const test::TempDir dir;
  const auto path = dir / "a";
  ASSERT_TRUE(write_file_atomically(path, "one", 0600));
  ASSERT_TRUE(write_file_atomically(path, "two", 0600));
  EXPECT_EQ(*read_file(path), "two");
  struct stat info{};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
  EXPECT_EQ(read_file(path, 2).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(read_file(dir / "none").error().code, ErrorCode::kNotFound);
}

TEST(File, LeavesTheOldFileWhenTheDiskIsFull) {
  const auto status = write_file_atomically("/dev/full/x", "text");
  EXPECT_FALSE(status);
}

TEST(EventLoop, RunsTimersInOrderAndPostedWork) {
  EventLoop loop;
  std::vector<int> order;
  loop.after(2ms, [&] {
    order.push_back(2);
    loop.stop();
  });
  loop.after(1ms, [&] { order.push_back(1); });
  const auto never = loop.after(0ms, [&] { order.push_back(9); });
  loop.cancel(never);
  loop.post([&] { order.push_back(0); });
  loop.run();
  EXPECT_EQ(order, (std::vector{0, 1, 2}));
}

TEST(EventLoop, ForgetsAnUnwatchedDescriptor) {
  EventLoop loop;
  int pipe_fds[2];
  ASSERT_EQ(pipe2(pipe_fds, O_CLOEXEC), 0);
  const UniqueFd reader(pipe_fds[0]), writer(pipe_fds[1]);
  int calls = 0;
  EventLoop::WatchId id = 0;
  id = loop.watch(reader.get(), EPOLLIN, [&](std::uint32_t) {
    ++calls;
    loop.unwatch(id);
    loop.after(1ms, [&] { loop.stop(); });
  });
  ASSERT_EQ(write(writer.get(), "x", 1), 1);
  loop.run();
  EXPECT_EQ(calls, 1);
}

TEST(Text, HexHasTwoDigitsForEachByte) {
  EXPECT_EQ(to_hex(std::array<unsigned char, 4>{0x00, 0x0f, 0xa5, 0xff}), "000fa5ff");
  EXPECT_EQ(to_hex({}), "");
}

TEST(Text, JoinSeparatesItems) {
  EXPECT_EQ(join({}, ", "), "");
  EXPECT_EQ(join({"a"}, ", "), "a");
  EXPECT_EQ(join({"a", "b", "c"}, "; "), "a; b; c");
}

}  // namespace
}  // namespace holdfast
