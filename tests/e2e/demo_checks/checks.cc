#include "tests/e2e/demo_checks/checks.h"

#include <filesystem>
#include <set>

#include <SQLiteCpp/SQLiteCpp.h>
#include <signal.h>

#include "examples/streaming-converter/join.h"

namespace holdfast::test {

namespace {

namespace fs = std::filesystem;

int number(const DemoWorld& demo, const std::string& sql) {
  try {
    SQLite::Database db(demo.queue_db, SQLite::OPEN_READONLY, 5000);
    SQLite::Statement query(db, sql);
    return query.executeStep() ? query.getColumn(0).getInt() : -1;
  } catch (const SQLite::Exception&) {
    return -1;  // not created yet
  }
}

std::vector<Json> events_of(const Json& answer, const std::string& service, const std::string& type,
                            const std::string& cause) {
  std::vector<Json> found;
  for (const auto& event : answer.at("items").items()) {
    if (event.at("service").as_string() == service && event.at("type").as_string() == type &&
        event.at("cause").as_string() == cause)
      found.push_back(event);
  }
  return found;
}

}  // namespace

pid_t pid_of(const Json& service) {
  const auto& instances = service.at("instances").items();
  return instances.empty() ? -1 : static_cast<pid_t>(instances.front().at("pid").as_int());
}

pid_t running_again(const DemoWorld& demo, pid_t before) {
  const auto up = demo.controller.wait_service(demo.streaming, [before](const Json& service) {
    return service.at("phase").as_string() == "Running" && service.at("ready").as_bool() &&
           pid_of(service) > 0 && pid_of(service) != before;
  });
  return up ? pid_of(*up) : -1;
}

bool feeder_has_ended(const DemoWorld& demo) {
  return demo.controller.service(demo.feeder).at("phase").as_string() == "Completed";
}

void expect_every_group_done_once(const DemoWorld& demo) {
  EXPECT_TRUE(wait_until([&] {
    return number(demo, "SELECT COUNT(*) FROM ingest_queue WHERE state='completed'") == demo.groups;
  })) << number(demo, "SELECT COUNT(*) FROM ingest_queue WHERE state='completed'")
      << " groups were completed\n"
      << demo.controller.log();
  EXPECT_EQ(number(demo, "SELECT COUNT(*) FROM ingest_queue"), demo.groups);
  EXPECT_EQ(number(demo, "SELECT COUNT(*) FROM completions"), demo.groups);
  EXPECT_EQ(number(demo, "SELECT COUNT(DISTINCT group_id) FROM completions"), demo.groups);
  std::set<std::string> groups;
  for (const auto& entry : fs::directory_iterator(demo.products)) {
    const auto product = examples::inspect_product(entry.path());
    ASSERT_TRUE(product) << product.error().message;
    EXPECT_EQ(product->subbands, demo.subbands);
    EXPECT_TRUE(groups.insert(product->group).second) << product->group << " is there twice";
  }
  EXPECT_EQ(groups.size(), static_cast<size_t>(demo.groups));
  EXPECT_TRUE(fs::is_empty(demo.scratch));
}

void expect_restarts_told(const DemoWorld& demo, int kills) {
  const auto& controller = demo.controller;
  const auto count = std::to_string(kills);
  const auto service = controller.service(demo.streaming);
  EXPECT_EQ(dump_json_canonical(service.at("restartsByCause")), R"({"crash":)" + count + R"(,"operator":1})");
  EXPECT_EQ(service.at("restarts").as_int(), kills + 1);
  EXPECT_EQ(service.at("lastExit").at("signal"), Json(SIGKILL));

  const auto events = controller.get("/api/v1/events?limit=10000").json;
  const auto exits = events_of(events, demo.streaming, "Exited", "crash");
  EXPECT_EQ(exits.size(), static_cast<size_t>(kills));
  for (const auto& exit : exits) EXPECT_EQ(exit.at("exit").at("signal"), Json(SIGKILL));
  EXPECT_EQ(events_of(events, demo.streaming, "Started", "crash").size(), static_cast<size_t>(kills));
  EXPECT_EQ(events_of(events, demo.streaming, "Started", "operator").size(), 1u);

  const auto metrics = controller.metrics();
  const std::string series = "holdfast_service_restarts_total{service=\"" + demo.streaming + "\",";
  EXPECT_NE(metrics.find(series + "cause=\"crash\"} " + count + "\n"), std::string::npos) << metrics;
  EXPECT_NE(metrics.find(series + "cause=\"operator\"} 1\n"), std::string::npos);

  const auto status = controller.cli({"status", demo.streaming});
  EXPECT_EQ(status.status, 0);
  EXPECT_NE(status.output.find(std::to_string(kills + 1) + " (crash " + count + ", operator 1)"),
            std::string::npos)
      << status.output;
  const auto told = controller.cli({"events", demo.streaming, "--limit", "10000"});
  EXPECT_EQ(told.status, 0);
  for (const auto* word : {"crash", "operator", "signal 9"}) {
    EXPECT_NE(told.output.find(word), std::string::npos) << word << "\n" << told.output;
  }
}

void expect_facade_tells_queue(const DemoWorld& demo) {
  EXPECT_TRUE(wait_until([&] {
    const auto metrics = demo.controller.get("/api/streaming/metrics").json;
    return metrics.at("queue_stats") == Json::object({{"completed", demo.groups}});
  })) << demo.controller.get("/api/streaming/metrics").text;
}

}  // namespace holdfast::test
