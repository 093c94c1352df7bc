// Collectors against real databases and a real HTTP server.
#include "controller/telemetry/sources.h"

#include <filesystem>
#include <fstream>

#include <SQLiteCpp/SQLiteCpp.h>
#include <SQLiteCpp/VariadicBind.h>
#include <sys/stat.h>

#include "tests/support/support.h"
#include "tests/support/tiny_server.h"

namespace holdfast::telemetry {
namespace {

using namespace std::chrono_literals;
using holdfast::test::TinyServer;
using ::testing::HasSubstr;

class SqliteSourceTest : public ::testing::Test {
 protected:
  SqliteSourceTest() {
    database_.exec(
        "CREATE TABLE ingest_queue(group_id TEXT PRIMARY KEY, state TEXT, received_at REAL, last_update "
        "REAL)");
  }
  void add(const std::string& id, const std::string& state, int age_seconds) {
    SQLite::Statement insert(
        database_, "INSERT INTO ingest_queue VALUES (?, ?, 0, CAST(strftime('%s','now') AS REAL) - ?)");
    SQLite::bind(insert, id, state, age_seconds);
    insert.exec();
  }
  Result<Values> query(const std::string& sql, Duration deadline = 10s) const {
    return read_sqlite({.path = path_, .query = sql}, path_, deadline);
  }
  Error error(const std::string& sql) const {
    const auto read = query(sql);
    EXPECT_FALSE(read) << sql;
    return read ? Error{} : read.error();
  }

  holdfast::test::TempDir dir_;
  // A name that would mean something else inside a URI.
  const std::string path_ = dir_ / "a queue?mode=rwc#100%41.sqlite3";
  SQLite::Database database_{path_, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
};

constexpr auto kStates = "SELECT state, COUNT(*) FROM ingest_queue GROUP BY state";
constexpr auto kRate =
    "SELECT 'completed_last_hour', COUNT(*) FROM ingest_queue WHERE state='completed' AND last_update >= "
    "strftime('%s','now') - 3600";

TEST_F(SqliteSourceTest, CountsTheQueueByState) {
  EXPECT_EQ(query(kStates), Values{});
  add("a", "pending", 5);
  add("b", "completed", 60);
  add("c", "completed", 7200);
  EXPECT_EQ(query(kStates), (Values{{"completed", 2}, {"pending", 1}}));
}

TEST_F(SqliteSourceTest, CountsWhatWasDoneInTheLastHour) {
  EXPECT_EQ(query(kRate), (Values{{"completed_last_hour", 0}}));
  add("a", "completed", 60);
  add("b", "completed", 3500);
  add("c", "completed", 3700);
  add("d", "failed", 60);
  EXPECT_EQ(query(kRate), (Values{{"completed_last_hour", 2}}));
}

TEST_F(SqliteSourceTest, TakesAnyNumbersAndLeavesOutNull) {
  EXPECT_EQ(query("SELECT 'a', 1.5 UNION SELECT NULL, 2 UNION SELECT 3, -4 UNION SELECT 'n', NULL"),
            (Values{{"a", 1.5}, {"null", 2}, {"3", -4}}));
}

TEST_F(SqliteSourceTest, ReadsWhileTheServiceWrites) {
  database_.exec("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE");
  add("a", "pending", 5);
  EXPECT_EQ(query(kStates), Values{}) << "not committed yet";
  database_.exec("COMMIT");
  EXPECT_EQ(query(kStates), (Values{{"pending", 1}}));
}

TEST_F(SqliteSourceTest, SaysWhatIsMissing) {
  const auto missing = read_sqlite({.path = "x", .query = kStates}, dir_ / "none.sqlite3", 1s);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr(dir_ / "none.sqlite3"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "none.sqlite3")) << "never created";
  EXPECT_THAT(error("SELECT a, b FROM other").message, HasSubstr("no such table: other"));
}

TEST_F(SqliteSourceTest, GivesUpOnALockedDatabase) {
  add("a", "pending", 5);
  database_.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  const auto locked = error(kStates);
  EXPECT_EQ(locked.code, ErrorCode::kUnavailable);
  EXPECT_THAT(locked.message, HasSubstr("locked"));
  database_.exec("COMMIT");
}

TEST_F(SqliteSourceTest, EndsAQueryThatTakesTooLong) {
  const auto endless = query(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT 'x', MAX(i) FROM n", 50ms);
  ASSERT_FALSE(endless);
  EXPECT_EQ(endless.error().code, ErrorCode::kTimeout);
}

TEST_F(SqliteSourceTest, RefusesOtherShapes) {
  EXPECT_EQ(error("SELECT state FROM ingest_queue").code, ErrorCode::kInvalid);
  EXPECT_THAT(error("SELECT 1, 2, 3").message, HasSubstr("two columns"));
  EXPECT_THAT(error("SELECT 'x', 'many'").message, HasSubstr("row \"x\" is not a number"));
  EXPECT_THAT(
      error("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000) SELECT i, i FROM n")
          .message,
      HasSubstr("1000 rows"));
  EXPECT_EQ(error("SELEC").code, ErrorCode::kInvalid);
  EXPECT_EQ(error("").code, ErrorCode::kInvalid);
}

TEST_F(SqliteSourceTest, NeverWrites) {
  add("a", "pending", 5);
  EXPECT_FALSE(query("DELETE FROM ingest_queue RETURNING group_id, 1"));
  EXPECT_EQ(query(kStates), (Values{{"pending", 1}}));
}

TEST_F(SqliteSourceTest, OpensOnlyFiles) {
  ASSERT_EQ(mkfifo((dir_ / "fifo").c_str(), 0600), 0);
  EXPECT_FALSE(read_sqlite({}, dir_ / "fifo", 1s));
  EXPECT_FALSE(read_sqlite({}, dir_.path(), 1s));
  std::ofstream(dir_ / "text") << std::string(5000, 'x');
  const auto text = read_sqlite({.path = "", .query = kStates}, dir_ / "text", 1s);
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message, HasSubstr("not a database"));
}

PrometheusCollector from(const TinyServer& server, std::vector<std::string> include = {}) {
  return {.host = "127.0.0.1", .port = server.port(), .path = "/metrics", .include = std::move(include)};
}

TEST(Scrape, ReadsAPage) {
  const TinyServer server([](const std::string& head) {
    EXPECT_THAT(head, HasSubstr("GET /metrics HTTP/1.1"));
    EXPECT_THAT(head, HasSubstr("Accept: text/plain"));
    return TinyServer::reply("200 OK", "a_total 3\nb{x=\"y\"} 0.5\n", "Content-Type: text/plain\r\n");
  });
  EXPECT_EQ(scrape(from(server), 10s), (Values{{"a_total", 3}, {"b{x=\"y\"}", 0.5}}));
  EXPECT_EQ(scrape(from(server, {"a_*"}), 10s), (Values{{"a_total", 3}}));
}

TEST(Scrape, ExplainsWhatWentWrong) {
  const TinyServer broken(
      [](const auto&) { return TinyServer::reply("500 Internal Server Error", "a 1\n"); });
  EXPECT_THAT(scrape(from(broken), 10s).error().message, HasSubstr("status 500"));
  const TinyServer html([](const auto&) { return TinyServer::reply("200 OK", "<html></html>"); });
  EXPECT_THAT(scrape(from(html), 10s).error().message, HasSubstr("line 1"));
  const TinyServer moved(
      [](const auto&) { return TinyServer::reply("302 Found", "", "Location: http://127.0.0.1:1/\r\n"); });
  EXPECT_THAT(scrape(from(moved), 10s).error().message, HasSubstr("status 302"));
  const holdfast::test::DeafPort deaf;
  EXPECT_EQ(scrape({.host = "127.0.0.1", .port = deaf.port(), .path = "/", .include = {}}, 10s).error().code,
            ErrorCode::kUnavailable);
}

TEST(Scrape, IsBoundedInTimeAndSize) {
  const TinyServer silent([](const auto&) { return std::nullopt; });
  EXPECT_EQ(scrape(from(silent), 30ms).error().code, ErrorCode::kTimeout);
  const TinyServer endless([](const auto&) {
    std::string page;
    while (page.size() < 9u << 20) page += "# " + std::string(1000, 'x') + "\n";
    return TinyServer::reply("200 OK", page);
  });
  EXPECT_THAT(scrape(from(endless), 30s).error().message, HasSubstr("8 MiB"));
}

}  // namespace
}  // namespace holdfast::telemetry
