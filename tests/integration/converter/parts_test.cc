// The parts of the converter that can be looked at alone: command line, names, join, queue.
#include <cstdlib>

#include <gtest/gtest.h>

#include "controller/base/file.h"
#include "examples/streaming-converter/join.h"
#include "examples/streaming-converter/options.h"
#include "examples/streaming-converter/publish.h"
#include "examples/streaming-converter/queue.h"
#include "tests/integration/converter/site.h"

namespace holdfast::examples::test {

namespace {

const std::string kGroup = "2026-01-01T00:00:00";

std::variant<Options, EarlyExit> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "streaming-converter");
  return parse_options(static_cast<int>(arguments.size()), arguments.data());
}

int refusal(const std::vector<const char*>& arguments) {
  const auto parsed = parse(arguments);
  const auto* early = std::get_if<EarlyExit>(&parsed);
  return early ? early->code : -1;
}

std::vector<std::string> write_inputs(const Site& site, const std::vector<Subband>& subbands) {
  std::vector<std::string> paths;
  for (const auto& subband : subbands) {
    paths.push_back(site.input() + "/" + subband_file_name(subband.name));
    EXPECT_TRUE(write_subband(paths.back(), subband));
  }
  return paths;
}

// Two channels and two rows; the values tell where they came from.
Subband tiny(int index, double first_hz) {
  const auto base = static_cast<float>(10 * index);
  return {{kGroup, index}, 2, {first_hz, first_hz + 1}, {base, base + 1, base + 2, base + 3}};
}

}  // namespace

TEST(ConverterOptions, AcceptTheCommandLineOfTheFacade) {
  const auto parsed = parse({"--input-dir",
                             "i",
                             "--output-dir",
                             "o",
                             "--queue-db",
                             "q",
                             "--registry-db",
                             "r",
                             "--scratch-dir",
                             "s",
                             "--log-level",
                             "DEBUG",
                             "--expected-subbands",
                             "8",
                             "--chunk-duration",
                             "2.5",
                             "--monitor-interval",
                             "1.5",
                             "--poll-interval",
                             "0.5",
                             "--worker-poll-interval",
                             "0.25",
                             "--max-workers",
                             "2",
                             "--use-subprocess",
                             "--monitoring",
                             "--stage-to-tmpfs",
                             "--tmpfs-path",
                             "/t"});
  ASSERT_TRUE(std::holds_alternative<Options>(parsed)) << std::get<EarlyExit>(parsed).text;
  const auto& o = std::get<Options>(parsed);
  EXPECT_EQ(o.input_dir + o.output_dir + o.queue_db + o.registry_db + o.scratch_dir + o.tmpfs_path,
            "ioqrs/t");
  EXPECT_EQ(log_level_of(o), log::Level::kDebug);
  EXPECT_EQ(o.expected_subbands, 8);
  EXPECT_EQ(o.max_workers, 2);
  EXPECT_EQ(o.chunk_duration + o.monitor_interval + o.poll_interval + o.worker_poll_interval, 4.75);
  EXPECT_TRUE(o.use_subprocess && o.monitoring && o.stage_to_tmpfs);
}

TEST(ConverterOptions, RefuseWhatTheyDoNotKnow) {
  EXPECT_EQ(refusal({"--bogus"}), 2);
  EXPECT_EQ(refusal({"stray"}), 2);
  EXPECT_EQ(refusal({"--max-workers", "33"}), 2);
  EXPECT_EQ(refusal({"--poll-interval", "0"}), 2);
  EXPECT_EQ(refusal({"--poll-interval", "nan"}), 2);
  EXPECT_EQ(refusal({"--log-level", "LOUD"}), 2);
  EXPECT_EQ(refusal({"--help"}), 0);
}

TEST(ConverterOptions, TakeDefaultsFromTheEnvironment) {
  setenv("CONTIMG_EXPECTED_SUBBANDS", "4", 1);
  setenv("CONTIMG_CHUNK_MINUTES", "7.5", 1);
  setenv("PIPELINE_STATE_DIR", "/state", 1);
  const auto from_environment = parse({});
  const auto overridden = parse({"--expected-subbands", "5"});
  setenv("CONTIMG_EXPECTED_SUBBANDS", "400", 1);
  EXPECT_EQ(refusal({}), 2);
  for (const char* name : {"CONTIMG_EXPECTED_SUBBANDS", "CONTIMG_CHUNK_MINUTES", "PIPELINE_STATE_DIR"}) {
    unsetenv(name);
  }
  EXPECT_EQ(std::get<Options>(from_environment).expected_subbands, 4);
  EXPECT_EQ(std::get<Options>(from_environment).chunk_duration, 7.5);
  EXPECT_EQ(std::get<Options>(from_environment).queue_db, "/state/db/ingest.sqlite3");
  EXPECT_EQ(std::get<Options>(overridden).expected_subbands, 5);
}

TEST(SubbandName, IsExact) {
  EXPECT_EQ(parse_subband_file_name(kGroup + "_sb07.hdf5"), (SubbandName{kGroup, 7}));
  for (const char* other :
       {"2026-01-01T00:00:00_sb7.hdf5", "2026-01-01T00:00:00_sb007.hdf5", ".2026-01-01T00:00:00_sb07.hdf5",
        "2026-13-01T00:00:00_sb07.hdf5", "2026-01-01 00:00:00_sb07.hdf5", "2026-01-01T00:00:00_sb+7.hdf5",
        "2026-01-01T00:00:00.hdf5", ""}) {
    EXPECT_FALSE(parse_subband_file_name(other)) << other;
  }
}

TEST(Join, OrdersByFrequencyWhateverTheNumbers) {
  const Site site;
  const auto inputs = write_inputs(site, {tiny(0, 300), tiny(1, 200), tiny(2, 100)});  // downwards
  const auto joined = join_subbands(inputs, kGroup, site.product(kGroup));
  ASSERT_TRUE(joined) << joined.error().message;
  const auto product = inspect_product(site.product(kGroup));
  ASSERT_TRUE(product);
  EXPECT_EQ(product->first_hz, 100);
  EXPECT_EQ(product->last_hz, 301);
  expect_product_of(site, kGroup, 3);
}

TEST(Join, RefusesWhatDoesNotBelongTogether) {
  const Site site;
  auto stranger = tiny(1, 200);
  stranger.name.group = "2026-01-01T00:05:00";
  auto longer = tiny(2, 300);
  longer.rows = 1;
  longer.visibilities.resize(2);
  const auto output = site.product(kGroup);
  EXPECT_FALSE(join_subbands(write_inputs(site, {tiny(0, 100), stranger}), kGroup, output));
  EXPECT_FALSE(join_subbands(write_inputs(site, {tiny(0, 100), longer}), kGroup, output));
  EXPECT_FALSE(join_subbands(write_inputs(site, {tiny(0, 100), tiny(1, 101)}), kGroup, output));
  EXPECT_FALSE(join_subbands({}, kGroup, output));
  EXPECT_FALSE(join_subbands({site.input() + "/absent"}, kGroup, output));
}

TEST(PartNames, SweepOnlyTheirOwn) {
  const Site site;
  const PartNames mine("/queue/mine"), other("/queue/other");
  const auto keep = other.make(site.scratch(), kGroup);
  for (const auto& path : {mine.make(site.scratch(), kGroup), keep, site.scratch() + "/file"}) {
    ASSERT_TRUE(write_file_atomically(path, "x"));
  }
  mine.sweep(site.scratch());
  EXPECT_EQ(files_in(site.scratch()).size(), 2u);
  EXPECT_TRUE(read_file(keep));
}

TEST(ConverterQueue, ResumesWhatACrashLeftAndOnlyOnce) {
  const Site site;
  const auto queue = std::move(*Queue::open(site.queue()));
  ASSERT_TRUE(queue->record({{"a", 16, true}, {"b", 3, false}}));
  ASSERT_EQ((*queue->claim({}))->group, "a");
  EXPECT_FALSE(*queue->claim({})) << "claimed twice, or incomplete";
  EXPECT_EQ(*queue->recover(), 1);
  EXPECT_EQ((*queue->counts())["resuming"], 1);
  const auto claim = **queue->claim({});
  EXPECT_EQ(claim.attempts, 2);
  EXPECT_EQ(claim.crashes, 1);
  ASSERT_TRUE(queue->complete("a", "/a"));
  ASSERT_TRUE(queue->complete("a", "/a"));
  ASSERT_TRUE(queue->record({{"a", 16, true}}));  // its files arrive again
  EXPECT_EQ(site.number("SELECT COUNT(*) FROM completions"), 1);
  EXPECT_EQ(*queue->settled_groups(), std::vector<std::string>{"a"});
}

TEST(ConverterQueue, FailsAfterAFewFailures) {
  const Site site;
  const auto queue = std::move(*Queue::open(site.queue()));
  ASSERT_TRUE(queue->record({{"a", 16, true}}));
  for (int i = 1; i <= kMaxFailures; ++i) {
    ASSERT_TRUE(*queue->claim({}));
    EXPECT_EQ(*queue->fail_attempt("a", {ErrorCode::kInvalid, "no", "", false}, {}), i == kMaxFailures);
  }
  EXPECT_FALSE(*queue->claim({}));
}

TEST(ConverterQueue, ARetryWaitsForItsDelay) {
  const Site site;
  const auto queue = std::move(*Queue::open(site.queue()));
  constexpr auto kDelay = std::chrono::hours(1);
  ASSERT_TRUE(queue->record({{"a", 16, true}}));
  ASSERT_TRUE(*queue->claim(kDelay));
  ASSERT_FALSE(*queue->fail_attempt("a", {ErrorCode::kInvalid, "no", "", false}, kDelay));
  EXPECT_FALSE(*queue->claim(kDelay));
  EXPECT_TRUE(*queue->claim(kDelay / 2)) << "further away than the delay: the clock went back";
}

}  // namespace holdfast::examples::test
