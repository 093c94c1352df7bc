#include "controller/telemetry/sampler.h"

#include <atomic>

#include "tests/support/support.h"

namespace holdfast::telemetry {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A runtime whose instances use what the test says.
class SamplerTest : public ::testing::Test {
 protected:
  static ObservedInstance instance(const std::string& service, std::uint64_t incarnation = 1) {
    ObservedInstance observed;
    observed.id = {service, 0};
    observed.incarnation = incarnation;
    observed.phase = Phase::kRunning;
    return observed;
  }
  void set_running(const std::vector<ObservedInstance>& instances, RuntimeKind kind = RuntimeKind::kProcess) {
    statuses_.clear();
    for (const auto& observed : instances) {
      auto status = std::make_shared<ServiceStatus>();
      status->runtime = kind;
      status->instances.push_back({.observed = observed});
      statuses_.push_back(status);
    }
  }
  std::vector<ResourceUsage> read(RuntimeKind kind, const std::vector<ObservedInstance>& instances) {
    std::vector<ResourceUsage> result;
    for (const auto& observed : instances) {
      read_.push_back(std::string(to_string(kind)) + ":" + observed.id.service);
      result.push_back(usage_);
    }
    return result;
  }
  // The services read since the last call.
  std::vector<std::string> sample() {
    read_.clear();
    changed_.clear();
    sampler_.sample_due();
    return read_;
  }
  // How often an instance is read while the time goes by in steps of a second.
  size_t reads_within(Duration time) {
    size_t reads = 0;
    for (Duration past{0}; past < time; past += 1s) {
      clock_.advance(1s);
      reads += sample().size();
    }
    return reads;
  }

  holdfast::test::SimClock clock_;
  std::vector<StatusPtr> statuses_;
  ResourceUsage usage_;
  std::vector<std::string> read_, changed_;
  Sampler sampler_{clock_, [this] { return statuses_; },
                   [this](RuntimeKind kind, const auto& instances) { return read(kind, instances); }};

  void SetUp() override {
    sampler_.on_change([this](const std::string& service) { changed_.push_back(service); });
  }
};

TEST_F(SamplerTest, KnowsNothingBeforeTheFirstSample) {
  set_running({instance("web")});
  const auto usage = sampler_.usage(instance("web"));
  EXPECT_FALSE(usage.cpu_percent);
  EXPECT_FALSE(usage.memory_bytes);
}

TEST_F(SamplerTest, GivesPercentOfOneCoreFromTheSecondSampleOn) {
  set_running({instance("web")});
  usage_.cpu_seconds_total = 10;
  usage_.memory_bytes = 1 << 20;
  EXPECT_THAT(sample(), ElementsAre("process:web"));
  EXPECT_THAT(changed_, ElementsAre("web"));
  EXPECT_FALSE(sampler_.usage(instance("web")).cpu_percent);
  EXPECT_EQ(sampler_.usage(instance("web")).memory_bytes, 1 << 20);
  clock_.advance(1s);
  usage_.cpu_seconds_total = 11.5;
  EXPECT_THAT(sample(), ElementsAre("process:web"));
  EXPECT_DOUBLE_EQ(*sampler_.usage(instance("web")).cpu_percent, 150);
}

TEST_F(SamplerTest, UsesMonotonicTime) {
  set_running({instance("web")});
  usage_.cpu_seconds_total = 10;
  sample();
  clock_.advance(2s);
  clock_.set_wall(WallTime{});
  usage_.cpu_seconds_total = 11;
  sample();
  EXPECT_DOUBLE_EQ(*sampler_.usage(instance("web")).cpu_percent, 50);
}

TEST_F(SamplerTest, SaysNothingWhenTheCounterGoesBack) {
  set_running({instance("web")});
  usage_.cpu_seconds_total = 10;
  sample();
  clock_.advance(1s);
  usage_.cpu_seconds_total = 4;
  sample();
  EXPECT_FALSE(sampler_.usage(instance("web")).cpu_percent);
}

TEST_F(SamplerTest, KeepsThePercentOfARuntimeThatMeasuresItself) {
  set_running({instance("web")}, RuntimeKind::kDocker);
  usage_.cpu_percent = 12.5;
  EXPECT_THAT(sample(), ElementsAre("docker:web"));
  EXPECT_DOUBLE_EQ(*sampler_.usage(instance("web")).cpu_percent, 12.5);
}

TEST_F(SamplerTest, KeepsRunsApart) {
  set_running({instance("web", 1)});
  usage_.cpu_seconds_total = 1000;
  sample();
  set_running({instance("web", 2)});
  clock_.advance(1s);
  usage_.cpu_seconds_total = 1001;
  sample();
  EXPECT_FALSE(sampler_.usage(instance("web", 2)).cpu_percent);
  EXPECT_FALSE(sampler_.usage(instance("web", 1)).cpu_seconds_total) << "gone, and forgotten";
}

TEST_F(SamplerTest, ReadsOnlyWhatRuns) {
  auto exited = instance("a");
  exited.phase = Phase::kExited;
  auto unknown = instance("b");
  unknown.phase = Phase::kUnknown;
  set_running({exited, unknown});
  EXPECT_THAT(sample(), IsEmpty());
}

TEST_F(SamplerTest, LooksLessOftenAtTheIdle) {
  set_running({instance("web")});
  usage_.cpu_seconds_total = 1;
  usage_.memory_bytes = 100 << 20;
  reads_within(60s);
  EXPECT_EQ(reads_within(200s), 10u);
  EXPECT_THAT(changed_, IsEmpty());
}

TEST_F(SamplerTest, LooksOftenAtTheBusy) {
  set_running({instance("web")});
  usage_.cpu_seconds_total = 0;
  sample();
  size_t reads = 0;
  for (int second = 0; second < 100; ++second) {
    *usage_.cpu_seconds_total += second % 10 < 5 ? 0.1 : 0.9;
    reads += reads_within(1s);
  }
  EXPECT_GE(reads, 19u);
  EXPECT_LE(reads, 22u);
}

TEST_F(SamplerTest, TellsOfMoreThanATrifle) {
  set_running({instance("web")});
  usage_.cpu_seconds_total = 1;
  usage_.memory_bytes = 100 << 20;
  usage_.open_fds = 10;
  sample();
  reads_within(60s);
  const auto told = [&](auto change) {
    change();
    std::vector<std::string> all;
    for (int i = 0; i < 20; ++i) {
      clock_.advance(1s);
      sample();
      all.insert(all.end(), changed_.begin(), changed_.end());
    }
    return !all.empty();
  };
  EXPECT_FALSE(told([] {}));
  EXPECT_FALSE(told([&] { *usage_.memory_bytes += 64 << 10; }));
  EXPECT_TRUE(told([&] { *usage_.memory_bytes += 10 << 20; }));
  EXPECT_TRUE(told([&] { *usage_.open_fds += 1; }));
  EXPECT_TRUE(told([&] { *usage_.cpu_seconds_total += 5; }));
}

TEST_F(SamplerTest, SurvivesARuntimeThatAnswersTooLittle) {
  Sampler sampler(
      clock_, [this] { return statuses_; },
      [](RuntimeKind, const auto&) { return std::vector<ResourceUsage>{}; });
  set_running({instance("web"), instance("db")});
  sampler.sample_due();
  EXPECT_FALSE(sampler.usage(instance("web")).memory_bytes);
}

TEST(SamplerThread, SamplesInTheBackgroundWhileOthersRead) {
  const SystemClock clock;
  std::atomic<int> reads = 0;
  auto status = std::make_shared<ServiceStatus>();
  ObservedInstance observed;
  observed.id = {"web", 0};
  observed.phase = Phase::kRunning;
  status->instances.push_back({.observed = observed});
  Sampler sampler(
      clock, [&] { return std::vector<StatusPtr>{status}; },
      [&](RuntimeKind, const auto& instances) {
        ResourceUsage usage;
        usage.cpu_seconds_total = ++reads;
        return std::vector<ResourceUsage>(instances.size(), usage);
      },
      {.tick = 1ms, .interval = 2ms, .idle_interval = 4ms});
  sampler.start();
  EXPECT_TRUE(holdfast::test::wait_until([&] { return sampler.usage(observed).cpu_percent.has_value(); }));
  EXPECT_TRUE(holdfast::test::wait_until([&] { return reads > 5; }));
  sampler.stop();
}

}  // namespace
}  // namespace holdfast::telemetry
