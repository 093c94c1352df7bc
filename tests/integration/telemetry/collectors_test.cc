#include "controller/telemetry/collectors.h"

#include <atomic>
#include <filesystem>
#include <mutex>
#include <set>

#include <SQLiteCpp/SQLiteCpp.h>

#include "tests/support/support.h"
#include "tests/support/tiny_server.h"

namespace holdfast::telemetry {
namespace {

using namespace std::chrono_literals;
using holdfast::test::TinyServer;
using holdfast::test::wait_until;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CollectorsTest : public ::testing::Test {
 protected:
  CollectorsTest() {
    collectors_->on_change([this](const std::string& service) {
      const std::lock_guard lock(mutex_);
      told_.insert(service);
    });
  }
  void make_queue(const std::string& path) {
    SQLite::Database database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    database.exec("CREATE TABLE q(state TEXT); INSERT INTO q VALUES ('pending'), ('pending'), ('failed')");
  }
  static CollectorSpec sqlite(const std::string& path, Duration interval = 20ms) {
    return {.source = SqliteCollector{.path = path, .query = "SELECT state, COUNT(*) FROM q GROUP BY state"},
            .interval = interval};
  }
  static CollectorSpec prometheus(int port, Duration interval = 20ms) {
    return {
        .source = PrometheusCollector{.host = "127.0.0.1", .port = port, .path = "/metrics", .include = {}},
        .interval = interval};
  }
  static SpecPtr spec(const std::string& name, std::map<std::string, CollectorSpec> collectors,
                      const std::string& working_dir = {}) {
    auto result = std::make_shared<ServiceSpec>();
    result->name = name;
    result->collectors = std::move(collectors);
    result->working_dir = working_dir;
    return result;
  }
  void follow(const std::vector<SpecPtr>& specs) {
    std::map<std::string, SpecPtr> services;
    for (const auto& each : specs) services[each->name] = each;
    collectors_->follow(services);
  }
  CollectedValues get(const std::string& service, const std::string& collector) {
    const auto values = collectors_->values(service);
    const auto it = values.find(collector);
    return it == values.end() ? CollectedValues{} : it->second;
  }
  bool told(const std::string& service) {
    const std::lock_guard lock(mutex_);
    return told_.contains(service);
  }

  holdfast::test::TempDir dir_;
  const SystemClock clock_;
  std::mutex mutex_;
  std::set<std::string> told_;
  std::unique_ptr<Collectors> collectors_ =
      Collectors::create(clock_, {.state_dir = dir_.path(), .deadline = 10s, .max_threads = 4});
};

TEST_F(CollectorsTest, CollectsFromBothSources) {
  make_queue(dir_ / "q.db");
  const TinyServer server([](const auto&) { return TinyServer::reply("200 OK", "load 0.25\n"); });
  follow({spec("web", {{"queue", sqlite(dir_ / "q.db")}, {"app", prometheus(server.port())}})});
  ASSERT_TRUE(wait_until([&] { return get("web", "queue").at && get("web", "app").at; }));
  EXPECT_EQ(get("web", "queue").values, (std::map<std::string, double>{{"failed", 1}, {"pending", 2}}));
  EXPECT_EQ(get("web", "app").values, (std::map<std::string, double>{{"load", 0.25}}));
  EXPECT_EQ(get("web", "queue").error, "");
  EXPECT_TRUE(wait_until([&] { return told("web"); }));
}

TEST_F(CollectorsTest, ReadsAgainAtTheInterval) {
  std::atomic<int> count = 0;
  const TinyServer server(
      [&](const auto&) { return TinyServer::reply("200 OK", "n " + std::to_string(++count) + "\n"); });
  follow({spec("web", {{"app", prometheus(server.port())}})});
  EXPECT_TRUE(wait_until([&] { return get("web", "app").values["n"] >= 3; }));
}

TEST_F(CollectorsTest, KeepsTheLastGoodValuesBesideAnError) {
  make_queue(dir_ / "q.db");
  follow({spec("web", {{"queue", sqlite(dir_ / "q.db")}})});
  ASSERT_TRUE(wait_until([&] { return get("web", "queue").at.has_value(); }));
  std::filesystem::rename(dir_ / "q.db", dir_ / "away.db");
  ASSERT_TRUE(wait_until([&] { return !get("web", "queue").error.empty(); }));
  EXPECT_THAT(get("web", "queue").error, HasSubstr("q.db"));
  EXPECT_EQ(get("web", "queue").values.at("pending"), 2);
  std::filesystem::rename(dir_ / "away.db", dir_ / "q.db");
  EXPECT_TRUE(wait_until([&] { return get("web", "queue").error.empty(); }));
}

TEST_F(CollectorsTest, TellsOfADatabaseThatIsNotThereYet) {
  follow({spec("web", {{"queue", sqlite(dir_ / "q.db")}})});
  ASSERT_TRUE(wait_until([&] { return !get("web", "queue").error.empty(); }));
  EXPECT_THAT(get("web", "queue").values, IsEmpty());
  EXPECT_FALSE(get("web", "queue").at);
  make_queue(dir_ / "q.db");
  EXPECT_TRUE(wait_until([&] { return get("web", "queue").values.size() == 2; }));
}

TEST_F(CollectorsTest, FindsRelativePathsWhereTheServiceDoes) {
  std::filesystem::create_directories(dir_ / "run/web/0");
  make_queue(dir_ / "run/web/0/q.db");
  std::filesystem::create_directories(dir_ / "work");
  make_queue(dir_ / "work/q.db");
  SQLite::Database(dir_ / "work/q.db", SQLite::OPEN_READWRITE).exec("DELETE FROM q WHERE state = 'failed'");
  follow(
      {spec("web", {{"queue", sqlite("q.db")}}), spec("other", {{"queue", sqlite("q.db")}}, dir_ / "work")});
  EXPECT_TRUE(wait_until([&] { return get("web", "queue").values.size() == 2; }));
  EXPECT_TRUE(wait_until([&] { return get("other", "queue").values.size() == 1; }));
}

TEST_F(CollectorsTest, FollowsTheConfiguration) {
  make_queue(dir_ / "q.db");
  make_queue(dir_ / "r.db");
  SQLite::Database(dir_ / "r.db", SQLite::OPEN_READWRITE).exec("DELETE FROM q WHERE state = 'failed'");
  follow({spec("web", {{"queue", sqlite(dir_ / "q.db", 1h)}}),
          spec("db", {{"queue", sqlite(dir_ / "q.db", 1h)}})});
  ASSERT_TRUE(wait_until([&] { return get("web", "queue").at && get("db", "queue").at; }));

  follow({spec("web", {{"queue", sqlite(dir_ / "r.db", 1h)}}),
          spec("db", {{"queue", sqlite(dir_ / "q.db", 1h)}})});
  EXPECT_EQ(get("db", "queue").values.size(), 2u) << "what stays the same keeps its values";
  EXPECT_TRUE(wait_until([&] { return get("web", "queue").values.size() == 1; }));

  follow({spec("db", {})});
  EXPECT_THAT(collectors_->values("web"), IsEmpty());
  EXPECT_THAT(collectors_->values("db"), IsEmpty());
}

TEST_F(CollectorsTest, LetsASlowSourceHoldUpNoOther) {
  make_queue(dir_ / "q.db");
  auto silent = std::make_unique<TinyServer>([](const auto&) { return std::nullopt; });
  collectors_ = Collectors::create(clock_, {.state_dir = dir_.path(), .deadline = 1h, .max_threads = 4});
  follow({spec("slow", {{"a", prometheus(silent->port(), 1h)}, {"b", prometheus(silent->port(), 1h)}}),
          spec("web", {{"queue", sqlite(dir_ / "q.db")}})});
  EXPECT_TRUE(wait_until([&] { return get("web", "queue").at.has_value(); }));
  EXPECT_EQ(get("slow", "a").error, "");
  EXPECT_EQ(get("slow", "b").error, "");
  silent.reset();  // lets the two go
  EXPECT_TRUE(wait_until([&] { return !get("slow", "a").error.empty() && !get("slow", "b").error.empty(); }));
}

TEST_F(CollectorsTest, DropsTheAnswerOfACollectorThatEnded) {
  const TinyServer silent([](const auto&) { return std::nullopt; });
  collectors_ = Collectors::create(clock_, {.state_dir = dir_.path(), .deadline = 100ms, .max_threads = 1});
  follow({spec("web", {{"app", prometheus(silent.port(), 1h)}})});
  ASSERT_TRUE(wait_until([&] { return silent.requests() == 1; }));
  const TinyServer server([](const auto&) { return TinyServer::reply("200 OK", "n 1\n"); });
  follow({spec("web", {{"app", prometheus(server.port(), 1h)}})});
  ASSERT_TRUE(wait_until([&] { return get("web", "app").at.has_value(); }));
  EXPECT_EQ(get("web", "app").error, "");
}

}  // namespace
}  // namespace holdfast::telemetry
