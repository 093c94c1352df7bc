#include "runtimes/docker/cli/answers.h"

#include <gtest/gtest.h>

namespace holdfast::docker {
namespace {

TEST(Answers, OfVersion) {
  const auto info = parse_version(
      R"({"Client":{"Version":"28.2.2","ApiVersion":"1.41","DefaultAPIVersion":"1.50"},)"
      R"("Server":{"Components":[{"Name":"Engine","Version":"20.10.24"}],"Version":"20.10.24","ApiVersion":"1.41"}})"
      "\n");
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->name, "Docker Engine 20.10.24");
  EXPECT_EQ(info->api_version, "1.41");
  EXPECT_EQ(info->where, "docker CLI");
  const auto podman = parse_version(
      R"({"Client":{"ApiVersion":"1.41"},"Server":{"Components":[{"Name":"Podman Engine"}],"Version":"4.3.1"}})");
  ASSERT_TRUE(podman) << podman.error().message;
  EXPECT_EQ(podman->name, "Podman Engine 4.3.1");
}

TEST(Answers, OfVersionWithoutServer) {
  for (const char* text : {R"({"Client":{"Version":"4.3.1"}})", R"({"Client":{},"Server":null})"})
    EXPECT_EQ(parse_version(text).error().code, ErrorCode::kUnavailable) << text;
  for (const char* text : {"", "Docker version 1.9", "[]"})
    EXPECT_EQ(parse_version(text).error().code, ErrorCode::kInternal) << text;
}

TEST(Answers, OfRows) {
  const auto row = parse_row(R"({"id":"ab","name":"/web-0","state":"running","labels":{"a":"1,b=2"}})");
  ASSERT_TRUE(row);
  EXPECT_EQ(row->id, "ab");
  EXPECT_EQ(row->name, "web-0");
  EXPECT_EQ(row->state, "running");
  EXPECT_EQ(row->labels.at("a"), "1,b=2");
  EXPECT_TRUE(parse_row(R"({"id":"ab","name":"/web-0","state":"running","labels":null})")->labels.empty());
  EXPECT_FALSE(parse_row("[]"));
  EXPECT_FALSE(parse_row("oops"));
}

TEST(Answers, OfImages) {
  EXPECT_FALSE(parse_image(R"([{"Id":"sha256:1","Config":{}}])")->has_health_check);
  EXPECT_FALSE(
      parse_image(R"([{"Id":"sha256:1","Config":{"Healthcheck":{"Test":["NONE"]}}}])")->has_health_check);
  const auto image = parse_image(R"([{"Id":"sha256:1","Config":{"Healthcheck":{"Test":["CMD","true"]}}}])");
  EXPECT_TRUE(image->has_health_check);
  EXPECT_EQ(image->id, "sha256:1");
  EXPECT_FALSE(parse_image("[]"));
  EXPECT_FALSE(parse_image(""));
}

TEST(Answers, OfEvents) {
  const auto event = parse_event(
      R"({"status":"die","id":"ab","from":"web:1","Type":"container","Action":"die","Actor":{"ID":"ab",)"
      R"("Attributes":{"exitCode":"3","image":"web:1","name":"web-0"}},"scope":"local","time":1795612556,)"
      R"("timeNano":1795612556615217258})");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->action, "die");
  EXPECT_EQ(event->id, "ab");
  EXPECT_EQ(event->attributes.at("exitCode"), "3");
  EXPECT_EQ(event->time_ns, 1795612556615217258);
  EXPECT_TRUE(parse_event(R"({"Type":"container","Action":"start","Actor":{"ID":"ab"},"timeNano":1})"))
      << "the old names of status and id may be missing";
  EXPECT_FALSE(parse_event(R"({"Type":"network","Action":"connect","Actor":{"ID":"ab"},"timeNano":1})"));
  EXPECT_FALSE(parse_event(R"({"Type":"container","Actor":{"ID":"ab"}})"));
  EXPECT_FALSE(parse_event(""));
  EXPECT_FALSE(parse_event("{"));
}

TEST(Answers, OfSizes) {
  EXPECT_EQ(parse_size("0B"), 0);
  EXPECT_EQ(parse_size("468KiB"), 468 * 1024);
  EXPECT_EQ(parse_size("12.5MiB"), 12'500LL * 1024 * 1024 / 1000);
  EXPECT_EQ(parse_size(" 23.54GiB "), 25275882537);
  EXPECT_EQ(parse_size("1.6kB"), 1600);
  EXPECT_EQ(parse_size("7"), 7);
  for (const char* bad : {"", "--", "B", "-1B", "1XB", "nan", "inf", "1e300B", "9999999PiB"})
    EXPECT_FALSE(parse_size(bad)) << bad;
}

TEST(Answers, OfPercents) {
  EXPECT_DOUBLE_EQ(*parse_percent("0.15%"), 0.15);
  EXPECT_DOUBLE_EQ(*parse_percent("200.00%"), 200);
  for (const char* bad : {"", "--", "%", "1", "1%%", "x%", "inf%"}) EXPECT_FALSE(parse_percent(bad)) << bad;
}

TEST(Answers, OfStats) {
  const auto row = parse_stats(
      R"({"BlockIO":"0B / 0B","CPUPerc":"12.50%","Container":"web-0","ID":"ab","MemPerc":"0.00%",)"
      R"("MemUsage":"12MiB / 1GiB","Name":"web-0","NetIO":"1.6kB / 0B","PIDs":"2"})");
  ASSERT_TRUE(row);
  EXPECT_EQ(row->first, "web-0");
  EXPECT_EQ(row->second.memory_bytes, 12 << 20);
  EXPECT_EQ(row->second.cpu_percent, 12.5);
  EXPECT_EQ(row->second.processes, 2);
  for (const char* idle : {R"({"Container":"w","CPUPerc":"0.00%","MemUsage":"0B / 0B","PIDs":"0"})",
                           R"({"Container":"w","CPUPerc":"--","MemUsage":"-- / --","PIDs":"--"})"}) {
    const auto none = parse_stats(idle);
    ASSERT_TRUE(none) << idle;
    EXPECT_FALSE(none->second.memory_bytes || none->second.cpu_percent || none->second.processes) << idle;
  }
  EXPECT_FALSE(parse_stats("{}"));
  EXPECT_FALSE(parse_stats("x"));
}

TEST(Answers, OfPulls) {
  PullLines lines;
  EXPECT_FALSE(lines.add("1: Pulling from library/web"));
  EXPECT_EQ(lines.add("0123456789ab: Pulling fs layer")->message, "pulling, 0 of 1 layers");
  EXPECT_EQ(lines.add("0123456789ac: Already exists")->fraction, 0.5);
  EXPECT_EQ(lines.add("0123456789ad: Pulling fs layer")->fraction, 0.5) << "it doesn't run back";
  EXPECT_EQ(lines.add("0123456789ae: Waiting")->message, "pulling, 1 of 4 layers");
  EXPECT_EQ(lines.add("0123456789ae: Retrying in 5 seconds")->message,
            "pulling, 1 of 4 layers, one is tried again");
  for (const std::string layer : {"0123456789ab", "0123456789ad", "0123456789ae"}) {
    lines.add(layer + ": Verifying Checksum");
    lines.add(layer + ": Download complete");
  }
  EXPECT_EQ(lines.add("0123456789ab: Pull complete\r")->fraction, 0.75);
  lines.add("0123456789ad: Pull complete");
  const auto last = lines.add("0123456789ae: Pull complete");
  EXPECT_EQ(last->message, "pulling, 4 of 4 layers");
  EXPECT_EQ(last->fraction, 1);
  EXPECT_FALSE(lines.add("Digest: sha256:0123456789ab"));
  EXPECT_FALSE(lines.add("Status: Downloaded newer image for web:1"));
  EXPECT_FALSE(lines.add("docker.io/library/web:1"));
  EXPECT_FALSE(lines.add(""));
}

}  // namespace
}  // namespace holdfast::docker
