// examples/demo.yaml is valid, and what it makes of its parameters is what the programs accept.
#include "programs.h"
#include <gtest/gtest.h>

#include "controller/base/file.h"
#include "controller/config/config.h"
#include "examples/streaming-converter/options.h"
#include "examples/subband-feeder/options.h"

namespace holdfast::examples::test {

namespace {

std::vector<const char*> pointers(const std::vector<std::string>& argv) {
  std::vector<const char*> out;
  out.reserve(argv.size());
  for (const auto& argument : argv) out.push_back(argument.c_str());
  return out;
}

config::Loaded load_demo(const std::string& edits) {
  const auto text = read_file(kDemoConfig);
  EXPECT_TRUE(text) << text.error().message;
  return config::load({{"base", kDemoConfig, *text}, {"edits", "edits.json", edits}});
}

}  // namespace

TEST(DemoConfig, GivesTheProgramsCommandLinesThatTheyAccept) {
  const auto loaded = load_demo(
      R"({"services": {"streaming": {"parameters": {"stage_to_tmpfs": true, "max_workers": 2, "poll_interval": 0.5}}}})");
  for (const auto& error : loaded.errors) ADD_FAILURE() << error.path << ": " << error.message;
  ASSERT_TRUE(loaded.document);
  const auto& services = loaded.document->services;
  const auto converter = pointers(services.at("streaming")->argv);
  const auto parsed = parse_options(static_cast<int>(converter.size()), converter.data());
  ASSERT_TRUE(std::holds_alternative<Options>(parsed)) << std::get<EarlyExit>(parsed).text;
  const auto& options = std::get<Options>(parsed);
  EXPECT_EQ(options.max_workers, 2);
  EXPECT_EQ(options.poll_interval, 0.5);
  EXPECT_TRUE(options.use_subprocess && options.monitoring && options.stage_to_tmpfs);
  EXPECT_EQ(options.tmpfs_path, "/dev/shm");

  const auto feeder = pointers(services.at("feeder")->argv);
  const auto feeding = parse_feeder_options(static_cast<int>(feeder.size()), feeder.data());
  ASSERT_TRUE(std::holds_alternative<FeederOptions>(feeding)) << std::get<FeederExit>(feeding).text;
  EXPECT_EQ(std::get<FeederOptions>(feeding).output_dir, options.input_dir);
  EXPECT_EQ(std::get<FeederOptions>(feeding).interval, std::chrono::seconds(5));
}

TEST(DemoConfig, RefusesWhatTheConverterWouldRefuse) {
  EXPECT_FALSE(load_demo(R"({"services": {"streaming": {"parameters": {"max_workers": 33}}}})").document);
  EXPECT_FALSE(load_demo(R"({"services": {"streaming": {"parameters": {"log_level": "LOUD"}}}})").document);
  EXPECT_FALSE(load_demo(R"({"services": {"streaming": {"parameters": {"poll_interval": 0}}}})").document);
}

}  // namespace holdfast::examples::test
