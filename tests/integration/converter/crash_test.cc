// The converter is killed again and again while groups arrive: none may be lost, none done twice.
#include <chrono>
#include <map>
#include <random>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/inotify.h>

#include "tests/integration/converter/notify_socket.h"
#include "tests/integration/converter/site.h"

namespace holdfast::examples::test {

namespace {

using holdfast::test::wait_until;

constexpr int kGroups = 60;
constexpr int kKills = 30;

// Three kinds of moments: any at all, a product half-made, and a product in place but not yet recorded.
class Killer {
 public:
  explicit Killer(const Site& site)
      : half_made_(site.scratch(), IN_CREATE), in_place_(site.output(), IN_MOVED_TO) {}

  void kill_once(const std::vector<std::string>& argv) {
    half_made_.drain();
    in_place_.drain();
    Program converter(argv);
    constexpr int kPatienceMs = 300;  // there may be nothing to do just now
    if (round_ % 3 == 0) poll(nullptr, 0, std::uniform_int_distribution<int>(0, 120)(random_));
    if (round_ % 3 == 1 && half_made_.wait(kPatienceMs)) spin();
    if (round_ % 3 == 2) in_place_.wait(kPatienceMs);
    ++round_;
    converter.signal(SIGKILL);
    EXPECT_EQ(converter.wait(), 128 + SIGKILL);
  }
  [[nodiscard]] int rounds() const { return round_; }

 private:
  // Less than a scheduler's tick: to hit between two writes.
  void spin() {
    const auto until = std::chrono::steady_clock::now() +
                       std::chrono::microseconds(std::uniform_int_distribution<int>(0, 8000)(random_));
    while (std::chrono::steady_clock::now() < until) {
    }
  }

  DirectoryEvents half_made_, in_place_;
  std::mt19937 random_{20260101};
  int round_ = 0;
};

void run_crashes(const std::vector<std::string>& flags) {
  const Site site;
  std::vector<std::string> more{"--max-workers", "2"};
  more.insert(more.end(), flags.begin(), flags.end());
  Program feeder(site.feeder({"--interval", "60ms", "--groups", std::to_string(kGroups)}));
  Killer killer(site);
  while (killer.rounds() < kKills || feeder.running()) killer.kill_once(site.converter(more));
  EXPECT_EQ(feeder.wait(), 0);

  NotifySocket supervisor(site.at("notify"));
  Program converter(site.converter(more), {{{"NOTIFY_SOCKET", site.at("notify")}}});
  ASSERT_TRUE(supervisor.receive("READY=1"));
  ASSERT_TRUE(wait_until([&] { return site.in_state("completed") == kGroups; })) << site.text(
      "SELECT group_concat(group_id || ' ' || state || ' ' || coalesce(error, '')) FROM ingest_queue "
      "WHERE state<>'completed'");
  converter.signal(SIGTERM);
  EXPECT_EQ(converter.wait(), 0);

  EXPECT_EQ(site.number("SELECT COUNT(*) FROM ingest_queue"), kGroups);
  EXPECT_EQ(site.number("SELECT COUNT(*) FROM completions"), kGroups);
  EXPECT_EQ(site.number("SELECT COUNT(DISTINCT group_id) FROM completions"), kGroups);
  EXPECT_GT(site.number("SELECT SUM(crashes) FROM ingest_queue"), 0) << "no kill hit anything";
  EXPECT_EQ(files_in(site.scratch()), std::vector<std::string>{});
  const auto products = files_in(site.output());
  EXPECT_EQ(products.size(), static_cast<std::size_t>(kGroups));
  for (const auto& file : products) expect_product_of(site, file.substr(0, file.find('.')), 16);
}

}  // namespace

TEST(ConverterCrash, KilledAtRandomMomentsLosesNothingAndRepeatsNothing) {
  run_crashes({});
}

TEST(ConverterCrash, KilledAroundSubprocessesLosesNothingAndRepeatsNothing) {
  run_crashes({"--use-subprocess"});
}

TEST(FeederCrash, ARestartReusesNoGroupAndTheTornGroupWaits) {
  const Site site;
  Program converter(site.converter({"--chunk-duration", "0.005"}));
  {
    DirectoryEvents files(site.input(), IN_MOVED_TO);
    Program feeder(site.feeder({"--interval", "0"}));
    ASSERT_TRUE(files.wait(10'000));
    // Stopped between two of its files; then it dies there.
    while (files_in(site.input()).size() % 17 != 5) {
    }
    feeder.signal(SIGKILL);
    feeder.wait();
  }
  std::map<std::string, int> before;
  for (const auto& file : files_in(site.input())) {
    if (const auto name = parse_subband_file_name(file)) ++before[name->group];
  }
  Program feeder(site.feeder({"--interval", "0", "--groups", "3"}));
  EXPECT_EQ(feeder.wait(), 0);
  int whole = 3;
  for (const auto& [group, count] : before) whole += count == 16 ? 1 : 0;
  EXPECT_TRUE(wait_until([&] { return site.in_state("completed") == whole; }));
  std::map<std::string, int> after;
  for (const auto& file : files_in(site.input())) {
    const auto name = parse_subband_file_name(file);
    ASSERT_TRUE(name) << file << " was left behind";
    ++after[name->group];
  }
  EXPECT_EQ(after.size(), before.size() + 3);
  for (const auto& [group, count] : before) EXPECT_EQ(after[group], count) << group;
  const int torn = static_cast<int>(after.size()) - whole;
  EXPECT_TRUE(wait_until([&] {
    return site.number(
               "SELECT COUNT(*) FROM ingest_queue WHERE state='collecting' AND error LIKE 'incomplete%'") ==
           torn;
  }));
}

}  // namespace holdfast::examples::test
