#include <filesystem>
#include <fstream>

#include "controller/base/file.h"
#include "tests/unit/streaming/fixture.h"

namespace holdfast::streaming {
namespace {

using testing::HasSubstr;

class StreamingFilesTest : public StreamingTest {
 protected:
  StreamingFilesTest() { options_.state_dir = dir_.path(); }

  [[nodiscard]] Json saved() const {
    const auto text = read_file(config_path_);
    const auto parsed = text ? parse_json(*text) : Result<Json>(Json());
    return parsed ? *parsed : Json();
  }
  // Edits in place, as `echo >` does.
  void edit(const std::string& text) const { std::ofstream(config_path_) << text; }
  bool comes_to(const std::string& field, const Json& value) {
    return test::wait_until([&] { return get("config").at(field) == value; });
  }
  bool exists(const std::string& name) const { return std::filesystem::exists(dir_ / name); }

  const std::string config_path_ = dir_ / "streaming_config.json";
  const std::string pid_path_ = dir_ / "streaming.pid";
};

TEST_F(StreamingFilesTest, WritesThePidWhileTheServiceRuns) {
  declare();
  facade();
  ASSERT_TRUE(test::wait_until([&] { return read_file(pid_path_).value_or("") == "4000\n"; }));
  post("restart");
  ASSERT_TRUE(test::wait_until([&] { return read_file(pid_path_).value_or("") == "4001\n"; }));
  post("stop");
  EXPECT_TRUE(test::wait_until([&] { return !exists("streaming.pid"); }));
}

TEST_F(StreamingFilesTest, NeverReadsAStalePidFile) {
  ASSERT_TRUE(write_file_atomically(pid_path_, "1\n"));
  declare();
  control_.command("streaming", Verb::kStop, {});
  facade();
  EXPECT_TRUE(test::wait_until([&] { return !exists("streaming.pid"); }));
}

TEST_F(StreamingFilesTest, WritesTheConfigPlainlyAndKeepsItCurrent) {
  declare();
  facade();
  ASSERT_TRUE(test::wait_until([&] { return saved().members().size() == 16; }));
  EXPECT_THAT(*read_file(config_path_), HasSubstr("\n  \"input_dir\": \"/in\",\n"));
  post("config", R"({"max_workers": 2})");
  EXPECT_TRUE(test::wait_until([&] { return saved().at("max_workers") == Json(2); }));
}

TEST_F(StreamingFilesTest, PicksUpAnEditByHand) {
  declare();
  facade();
  ASSERT_TRUE(test::wait_until([&] { return exists("streaming_config.json"); }));
  edit(R"({"max_workers": 11, "comment": "ours"})");
  EXPECT_TRUE(comes_to("max_workers", 11));
  EXPECT_EQ(get("config").at("input_dir").as_string(), "/in") << "fields left out keep their value";
  EXPECT_EQ(control_.revisions().size(), 1u);
  EXPECT_EQ(control_.revisions()[0].actor, "streaming_config.json");
}

TEST_F(StreamingFilesTest, PicksUpAFileThatReplacedTheOldOne) {
  declare();
  facade();
  ASSERT_TRUE(test::wait_until([&] { return exists("streaming_config.json"); }));
  ASSERT_TRUE(write_file_atomically(config_path_, R"({"max_workers": 12})"));
  EXPECT_TRUE(comes_to("max_workers", 12));
}

TEST_F(StreamingFilesTest, AnInvalidEditChangesNothingAndIsReported) {
  declare();
  facade();
  ASSERT_TRUE(test::wait_until([&] { return exists("streaming_config.json"); }));
  edit(R"({"max_workers": 1000})");
  ASSERT_TRUE(test::wait_until([&] { return !control_.audited().empty(); }));
  EXPECT_THAT(control_.audited()[0].result, HasSubstr("max_workers"));
  EXPECT_EQ(control_.audited()[0].status, 422);
  EXPECT_EQ(get("config").at("max_workers").as_int(), 4);
  EXPECT_EQ(saved().at("max_workers").as_int(), 1000) << "the edit is left to be corrected";
  edit(R"({"max_workers": 10})");
  EXPECT_TRUE(comes_to("max_workers", 10));
  EXPECT_FALSE(exists("streaming_config.json.rejected"));
}

TEST_F(StreamingFilesTest, AnEditThatIsBeingWrittenIsNeitherJudgedNorOverwritten) {
  declare();
  facade();
  ASSERT_TRUE(test::wait_until([&] { return exists(".streaming_config.written"); }));
  {
    std::ofstream file(config_path_);
    file << R"({"input_dir": "/half)" << std::flush;
    // A change from elsewhere makes the facade look at the file, and would have it written.
    EXPECT_TRUE(post("config", R"({"max_workers": 5})").at("success").as_bool());
    EXPECT_FALSE(post("start").at("success").as_bool());  // decided after the change was looked at
    EXPECT_EQ(read_file(config_path_).value_or(""), R"({"input_dir": "/half)");
    EXPECT_TRUE(control_.audited().empty());
    file << R"(-way"})";
  }
  EXPECT_TRUE(comes_to("input_dir", "/half-way"));
  EXPECT_EQ(get("config").at("max_workers").as_int(), 5);
}

TEST_F(StreamingFilesTest, AnInvalidEditIsSetAsideByTheNextChange) {
  declare();
  facade();
  ASSERT_TRUE(test::wait_until([&] { return exists("streaming_config.json"); }));
  edit("{ not json");
  ASSERT_TRUE(test::wait_until([&] { return !control_.audited().empty(); }));
  post("config", R"({"max_workers": 3})");
  ASSERT_TRUE(test::wait_until([&] { return saved().at("max_workers") == Json(3); }));
  EXPECT_EQ(read_file(dir_ / "streaming_config.json.rejected").value_or(""), "{ not json");
}

TEST_F(StreamingFilesTest, TakesOverAFileOfTheFirstSystem) {
  ASSERT_TRUE(
      write_file_atomically(config_path_, R"({"input_dir": "/old", "max_workers": 4, "retired": true})"));
  declare();
  facade();
  EXPECT_TRUE(comes_to("input_dir", "/old"));
  EXPECT_TRUE(test::wait_until([&] { return saved().members().size() == 16; })) << "completed";
}

TEST_F(StreamingFilesTest, TellsAnEditFromAnOldFileAfterARestart) {
  declare();
  facade();
  ASSERT_TRUE(test::wait_until([&] { return exists(".streaming_config.written"); }));
  facade_.reset();
  declare(Json::object({{"input_dir", "/moved"}, {"max_workers", 4}}));  // the base file changed meanwhile
  facade();
  EXPECT_TRUE(test::wait_until([&] { return saved().at("input_dir") == Json("/moved"); }));
  EXPECT_EQ(get("config").at("input_dir").as_string(), "/moved");
  EXPECT_TRUE(control_.revisions().empty());

  facade_.reset();
  auto edited = saved();
  edited.set("max_workers", 13);
  ASSERT_TRUE(write_file_atomically(config_path_, dump_json_pretty(edited)));
  declare(Json::object({{"input_dir", "/again"}, {"max_workers", 4}}));
  facade();
  EXPECT_TRUE(comes_to("max_workers", 13));
  EXPECT_EQ(get("config").at("input_dir").as_string(), "/again") << "only what was edited is taken";
}

TEST_F(StreamingFilesTest, ADeletedFileIsWrittenAgain) {
  declare();
  facade();
  ASSERT_TRUE(test::wait_until([&] { return exists(".streaming_config.written"); }));
  std::filesystem::remove(config_path_);
  EXPECT_TRUE(test::wait_until([&] { return saved().members().size() == 16; }));
}

}  // namespace
}  // namespace holdfast::streaming
