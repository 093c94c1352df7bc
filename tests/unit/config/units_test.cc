#include <limits>

#include "controller/config/config.h"

namespace holdfast::config {
namespace {

using namespace std::chrono_literals;

TEST(Durations, AreReadExactly) {
  const std::vector<std::pair<std::string, Duration>> cases = {
      {"0", 0s},        {"0s", 0s},         {"250ms", 250ms},      {"30s", 30s},
      {"5m", 5min},     {"1h", 1h},         {"1h30m", 90min},      {"1m30s", 90s},
      {"1.5s", 1500ms}, {"0.1s", 100ms},    {"1h0.5s", 3600500ms}, {"100us", 100us},
      {"7ns", 7ns},     {"87600h", 87600h}, {"1s1ns", 1s + 1ns},
  };
  for (const auto& [text, expected] : cases) {
    const auto read = parse_duration(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(*read, expected) << text;
  }
}

TEST(Durations, WhatIsNoneIsRefused) {
  for (const std::string text : {"",       " ",
                                 "5",      "s",
                                 "5 s",    " 5s",
                                 "5s ",    "-5s",
                                 "+5s",    "5S",
                                 "5sec",   "1m1h",
                                 "1s1s",   "1.s",
                                 ".s",     "1..5s",
                                 "1,5s",   "1e3s",
                                 "0x5s",   "inf",
                                 "nan",    "99999999999999999999h",
                                 "87601h", "0.0000000001s",
                                 "5d",     "\xC2\xB5s"}) {
    const auto read = parse_duration(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, ErrorCode::kInvalid);
    EXPECT_FALSE(read.error().hint.empty()) << text;
  }
}

TEST(Durations, RoundTrip) {
  for (const Duration duration : {Duration{0}, Duration{1ns}, Duration{1500ms}, Duration{90s}, Duration{60s},
                                  Duration{1h + 1ms}, Duration{999999999ns}, Duration{87600h}}) {
    const auto text = format_duration(duration);
    const auto read = parse_duration(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(*read, duration) << text;
  }
  EXPECT_EQ(format_duration(90s), "1m30s");
  EXPECT_EQ(format_duration(60s), "1m");
  EXPECT_EQ(format_duration(1500ms), "1s500ms");
  EXPECT_EQ(format_duration(0s), "0s");
  EXPECT_EQ(format_duration(-90s), "-1m30s");
  EXPECT_THAT(format_duration(Duration::min()), testing::StartsWith("-2562047h"));
}

TEST(Sizes, AreReadExactly) {
  const std::vector<std::pair<std::string, std::int64_t>> cases = {
      {"0", 0},
      {"1024", 1024},
      {"512Mi", std::int64_t{512} << 20},
      {"2Gi", std::int64_t{2} << 30},
      {"4Ki", 4096},
      {"1k", 1000},
      {"1.5G", 1'500'000'000},
      {"0.5Ki", 512},
      {"0.1Ki", 103},  // rounded up, as Kubernetes does
      {"1e3", 1000},
      {"2E6", 2'000'000},
      {"1E", 1'000'000'000'000'000'000},
      {"7Ei", std::int64_t{7} << 60},
      {"9223372036854775.807k", std::numeric_limits<std::int64_t>::max()},
  };
  for (const auto& [text, expected] : cases) {
    const auto read = parse_quantity_bytes(text);
    if (text == "9223372036854775.807k") {
      EXPECT_FALSE(read) << "19 digits are more than a quantity needs";
      continue;
    }
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(*read, expected) << text;
  }
}

TEST(Sizes, WhatIsNoneIsRefused) {
  for (const std::string text :
       {"", "-1", "+1", "Mi", "1 Mi", "4GB", "4gb", "1K", "1m", "1MiB", "1e", "1e-3", "1e99", "1.", ".Mi",
        "0x10", "8Ei", "999999999999999999E", "9999999999999999999"}) {
    const auto read = parse_quantity_bytes(text);
    ASSERT_FALSE(read) << text << " " << *read;
    EXPECT_EQ(read.error().code, ErrorCode::kInvalid);
  }
}

TEST(Cores, AreThousandths) {
  const std::vector<std::pair<std::string, std::int64_t>> cases = {
      {"1", 1000}, {"0.5", 500}, {"500m", 500}, {"1000m", 1000}, {"2.25", 2250}, {"0.0001", 1}, {"1.5m", 2}};
  for (const auto& [text, expected] : cases) {
    const auto read = parse_cpu_millis(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(*read, expected) << text;
  }
  for (const std::string text : {"", "m", "-1", "1k", "1 m", "1e3", "one", "999999999999999999"})
    EXPECT_FALSE(parse_cpu_millis(text)) << text;
}

}  // namespace
}  // namespace holdfast::config
