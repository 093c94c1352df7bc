#include "api/streaming/parameters.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace holdfast::streaming {
namespace {

Environment environment_of(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

TEST(Parameters, HaveTheDefaultsOfTheFirstSystem) {
  EXPECT_EQ(dump_json(default_parameters(environment_of({}))),
            R"({"input_dir":"/data/incoming","output_dir":"/stage/dsa110-contimg/ms",)"
            R"("queue_db":"state/db/ingest.sqlite3","registry_db":"state/db/cal_registry.sqlite3",)"
            R"("scratch_dir":"/stage/dsa110-contimg","expected_subbands":16,"chunk_duration":5.0,)"
            R"("log_level":"INFO","use_subprocess":true,"monitoring":true,"monitor_interval":60.0,)"
            R"("poll_interval":5.0,"worker_poll_interval":5.0,"max_workers":4,"stage_to_tmpfs":false,)"
            R"("tmpfs_path":"/dev/shm"})");
}

TEST(Parameters, TakeOverridesFromTheEnvironmentAndNameBadOnes) {
  std::vector<std::string> problems;
  const auto values = default_parameters(environment_of({{"CONTIMG_INPUT_DIR", "/in"},
                                                         {"CONTIMG_CHUNK_MINUTES", "2.5"},
                                                         {"CONTIMG_LOG_LEVEL", "loud"},
                                                         {"CONTIMG_EXPECTED_SUBBANDS", "65"},
                                                         {"CONTIMG_MONITOR_INTERVAL", "7x"}}),
                                         &problems);
  EXPECT_EQ(values.at("input_dir").as_string(), "/in");
  EXPECT_EQ(values.at("chunk_duration").as_double(), 2.5);
  EXPECT_EQ(values.at("log_level").as_string(), "INFO");
  EXPECT_EQ(values.at("expected_subbands").as_int(), 16);
  EXPECT_EQ(values.at("monitor_interval").as_double(), 60);
  ASSERT_EQ(problems.size(), 3u);
  EXPECT_NE(problems[0].find("CONTIMG_EXPECTED_SUBBANDS"), std::string::npos) << problems[0];
}

struct BadValue {
  const char* field;
  Json value;
};

TEST(Parameters, RefuseWrongTypesAndRangesByName) {
  const std::vector<BadValue> bad{{"max_workers", 0},
                                  {"max_workers", 33},
                                  {"max_workers", 2.5},
                                  {"max_workers", "2"},
                                  {"max_workers", nullptr},
                                  {"max_workers", true},
                                  {"expected_subbands", 65},
                                  {"expected_subbands", 1e300},
                                  {"chunk_duration", 0},
                                  {"chunk_duration", -1.0},
                                  {"poll_interval", "5"},
                                  {"log_level", "info"},
                                  {"monitoring", 1},
                                  {"input_dir", ""},
                                  {"input_dir", Json::array()},
                                  {"tmpfs_path", std::string("a\0b", 3)}};
  for (const auto& [field, value] : bad) {
    const auto result = check_parameters(Json::object({{field, value}, {"output_dir", "/fine"}}));
    ASSERT_FALSE(result) << field << " " << dump_json(value);
    EXPECT_EQ(result.error().code, ErrorCode::kInvalid);
    EXPECT_TRUE(result.error().message.starts_with(field)) << result.error().message;
    ASSERT_EQ(result.error().details.size(), 1u);
    EXPECT_EQ(result.error().details[0].path, field);
  }
}

TEST(Parameters, NameEveryBadFieldAtOnce) {
  const auto result = check_parameters(Json::object({{"max_workers", 99}, {"log_level", 1}}));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().details.size(), 2u);
  EXPECT_NE(result.error().message.find("log_level"), std::string::npos);
}

TEST(Parameters, TakeWholeDoublesAsIntegersAndIntegersAsNumbers) {
  const auto result =
      check_parameters(Json::object({{"max_workers", 8.0}, {"chunk_duration", 3}, {"color", 1}}));
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->values.at("max_workers").is_int());
  EXPECT_TRUE(result->values.at("chunk_duration").is_double());
  EXPECT_EQ(result->unknown, std::vector<std::string>{"color"});
}

TEST(Parameters, ShowWhatTheServiceDeclaresBeforeTheDefaults) {
  ConfigView view;
  view.merged = *parse_json(
      R"({"services": {"web": {"parameters": {"max_workers": 9, "chunk_duration": 2, "input_dir": 5, "x": 1}}}})");
  const auto values = effective_parameters(view, "web", default_parameters(environment_of({})));
  EXPECT_EQ(values.members().size(), 16u);
  EXPECT_EQ(values.at("max_workers").as_int(), 9);
  EXPECT_EQ(dump_json(values.at("chunk_duration")), "2.0");
  EXPECT_EQ(values.at("input_dir").as_string(), "/data/incoming") << "a value of another type is not shown";
}

}  // namespace
}  // namespace holdfast::streaming
