// The real converter with well-made and damaged input.
#include <algorithm>
#include <filesystem>
#include <random>

#include <gmock/gmock.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "tests/integration/converter/notify_socket.h"
#include "tests/integration/converter/site.h"

namespace holdfast::examples::test {

namespace {

using holdfast::test::wait_until;
namespace fs = std::filesystem;

const std::string kFirst = "2026-01-01T00:00:00";
const std::string kSecond = "2026-01-01T00:05:00";
const std::string kThird = "2026-01-01T00:10:00";

void write(const Site& site, const std::string& group) {
  const auto written = write_group(site.small_groups(), group);
  ASSERT_TRUE(written) << written.error().message;
}

int stop(Program& converter) {
  converter.signal(SIGTERM);
  return converter.wait();
}

// The kernel kills whoever writes a file past the limit, with SIGXFSZ: a conversion that dies of its data.
constexpr unsigned long kFileLimit = 1u << 20;

void write_deadly(const Site& site, const std::string& group) {
  auto large = site.small_groups();
  large.channels = 48;
  large.baselines = 700;  // 2 MB joined
  ASSERT_TRUE(write_group(large, group));
}

void expect_only_the_deadly_group_failed(const Site& site, Program& converter) {
  EXPECT_TRUE(
      wait_until([&] { return site.state_of(kFirst) == "failed" && site.in_state("completed") == 1; }));
  EXPECT_THAT(site.text("SELECT error FROM ingest_queue WHERE state='failed'"),
              testing::HasSubstr("killed by signal " + std::to_string(SIGXFSZ)));
  EXPECT_TRUE(converter.running());
  expect_product_of(site, kSecond, 16);
  EXPECT_EQ(stop(converter), 0);
  EXPECT_EQ(files_in(site.scratch()), std::vector<std::string>{});
}

}  // namespace

TEST(Converter, JoinsSubbandsThatArriveOutOfOrder) {
  const Site site;
  Program converter(site.converter());
  std::vector<int> order(16);
  for (int i = 0; i < 16; ++i) order[static_cast<size_t>(i)] = i;
  std::ranges::shuffle(order, std::mt19937(1));
  for (std::size_t i = 0; i < order.size(); ++i) {
    const SubbandName name{kFirst, order[i]};
    const auto part = site.input() + "/.part", target = site.input() + "/" + subband_file_name(name);
    ASSERT_TRUE(write_subband(part, synthesize(site.small_groups(), name)));
    fs::rename(part, target);
    const auto arrived = std::to_string(i + 1);
    ASSERT_TRUE(wait_until([&] { return site.text("SELECT subbands FROM ingest_queue") == arrived; }));
    if (i + 1 < order.size()) {
      EXPECT_EQ(site.state_of(kFirst), "collecting");
    }
  }
  ASSERT_TRUE(wait_until([&] { return site.state_of(kFirst) == "completed"; }));
  expect_product_of(site, kFirst, 16);
  EXPECT_EQ(stop(converter), 0);
}

TEST(Converter, FindsWhatArrivedBeforeItAndDoesNothingTwice) {
  const Site site;
  write(site, kFirst);
  for (int run = 0; run < 2; ++run) {
    NotifySocket supervisor(site.at("notify" + std::to_string(run)));
    Program converter(site.converter(), {{{"NOTIFY_SOCKET", site.at("notify" + std::to_string(run))}}});
    ASSERT_TRUE(supervisor.receive("READY=1"));
    ASSERT_TRUE(wait_until([&] { return site.state_of(kFirst) == "completed"; }));
    EXPECT_EQ(stop(converter), 0);
  }
  EXPECT_EQ(site.number("SELECT COUNT(*) FROM completions"), 1);
  EXPECT_EQ(site.number("SELECT attempts FROM ingest_queue"), 1);
}

TEST(Converter, RecordsAProductThatIsAlreadyInPlaceWithoutMakingItAgain) {
  const Site site;
  write(site, kFirst);
  fs::file_time_type made;
  for (int run = 0; run < 2; ++run) {
    Program converter(site.converter());
    ASSERT_TRUE(wait_until([&] { return site.state_of(kFirst) == "completed"; }));
    EXPECT_EQ(stop(converter), 0);
    if (run == 1) break;
    made = fs::last_write_time(site.product(kFirst));
    for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(site.queue() + suffix);
  }
  EXPECT_EQ(fs::last_write_time(site.product(kFirst)), made);
}

TEST(Converter, RedoesAnInvalidProduct) {
  const Site site;
  write(site, kFirst);
  ASSERT_TRUE(write_file_atomically(site.product(kFirst), "not a product"));
  Program converter(site.converter());
  ASSERT_TRUE(wait_until([&] { return site.state_of(kFirst) == "completed"; }));
  expect_product_of(site, kFirst, 16);
}

TEST(Converter, GivesUpOnDamagedGroupsAndGoesOnWithOthers) {
  const Site site;
  write(site, kFirst);
  write(site, kSecond);
  write(site, kThird);
  const auto garbage = site.input() + "/" + subband_file_name({kFirst, 3});
  const auto torn = site.input() + "/" + subband_file_name({kSecond, 0});
  ASSERT_TRUE(write_file_atomically(garbage, "no HDF5 at all"));
  fs::resize_file(torn, fs::file_size(torn) / 2);
  Program converter(site.converter());
  EXPECT_TRUE(
      wait_until([&] { return site.in_state("failed") == 2 && site.state_of(kThird) == "completed"; }));
  EXPECT_EQ(site.number("SELECT MIN(attempts) FROM ingest_queue WHERE state='failed'"), 3);
  EXPECT_EQ(site.number("SELECT MAX(attempts) FROM ingest_queue WHERE state='failed'"), 3);
  EXPECT_THAT(site.text("SELECT error FROM ingest_queue WHERE group_id='" + kFirst + "'"),
              testing::HasSubstr(garbage));
  EXPECT_EQ(files_in(site.output()), std::vector<std::string>{kThird + ".hdf5"});
  EXPECT_EQ(files_in(site.scratch()), std::vector<std::string>{});
  EXPECT_EQ(stop(converter), 0);
}

TEST(Converter, SurvivesTheDeathOfASubprocess) {
  const Site site;
  write_deadly(site, kFirst);
  write(site, kSecond);
  Program converter(site.converter({"--use-subprocess"}), {{}, kFileLimit});
  expect_only_the_deadly_group_failed(site, converter);
  EXPECT_EQ(site.number("SELECT attempts FROM ingest_queue WHERE state='failed'"), 3);
}

TEST(Converter, PutsAGroupApartThatKilledItSeveralTimes) {
  const Site site;
  write_deadly(site, kFirst);
  write(site, kSecond);
  for (int death = 0; death < 3; ++death) {
    Program converter(site.converter(), {{}, kFileLimit});
    EXPECT_EQ(converter.wait(), 128 + SIGXFSZ);
  }
  Program converter(site.converter(), {{}, kFileLimit});
  expect_only_the_deadly_group_failed(site, converter);
}

TEST(Converter, StagesInMemory) {
  const Site site;
  const fs::path tmpfs = "/dev/shm";
  if (access(tmpfs.c_str(), W_OK) != 0) GTEST_SKIP() << "no tmpfs here";
  write(site, kFirst);
  Program converter(site.converter({"--stage-to-tmpfs", "--tmpfs-path", tmpfs.string(), "--monitoring"}));
  EXPECT_TRUE(wait_until([&] { return site.state_of(kFirst) == "completed"; }));
  expect_product_of(site, kFirst, 16);
  EXPECT_EQ(files_in(site.output()), std::vector<std::string>{kFirst + ".hdf5"});
  EXPECT_EQ(stop(converter), 0);
}

TEST(Converter, TellsItsSupervisorHowItDoes) {
  const Site site;
  for (const auto& name : {site.at("notify"), "@" + site.at("abstract")}) {
    NotifySocket supervisor(name);
    Program converter(site.converter(), {{{"NOTIFY_SOCKET", name}, {"WATCHDOG_USEC", "100000"}}});
    EXPECT_TRUE(supervisor.receive("READY=1\nSTATUS="));
    EXPECT_TRUE(supervisor.receive("WATCHDOG=1"));
    EXPECT_TRUE(supervisor.receive("WATCHDOG=1"));
    EXPECT_TRUE(supervisor.receive("STATUS="));
    converter.signal(SIGTERM);
    EXPECT_TRUE(supervisor.receive("STOPPING=1"));
    EXPECT_EQ(converter.wait(), 0);
  }
}

TEST(Converter, ASuccessorWaitsForTheQueueOfItsPredecessor) {
  const Site site;
  NotifySocket first_supervisor(site.at("first")), second_supervisor(site.at("second"));
  Program first(site.converter(), {{{"NOTIFY_SOCKET", site.at("first")}}});
  ASSERT_TRUE(first_supervisor.receive("READY=1"));
  Program second(site.converter(), {{{"NOTIFY_SOCKET", site.at("second")}}});
  EXPECT_EQ(stop(first), 0);
  EXPECT_TRUE(second_supervisor.receive("READY=1"));
  EXPECT_EQ(stop(second), 0);
}

TEST(Feeder, TellsReadyAndStopsOnRequest) {
  const Site site;
  NotifySocket supervisor(site.at("notify"));
  Program feeder(site.feeder({"--rate", "1"}), {{{"NOTIFY_SOCKET", site.at("notify")}}});
  EXPECT_TRUE(supervisor.receive("READY=1"));
  EXPECT_TRUE(supervisor.receive("STATUS=1 groups"));
  EXPECT_EQ(stop(feeder), 0);
  EXPECT_EQ(files_in(site.input()).size(), 16u);
}

TEST(Feeder, KeepsOnlyTheNewestGroups) {
  const Site site;
  Program feeder(site.feeder({"--interval", "0", "--groups", "5", "--keep", "2"}));
  EXPECT_EQ(feeder.wait(), 0);
  EXPECT_EQ(files_in(site.input()).size(), 32u);
  EXPECT_EQ(files_in(site.input()).front(), "2026-01-01T00:15:00_sb00.hdf5");
}

}  // namespace holdfast::examples::test
