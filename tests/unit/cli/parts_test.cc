// The parts without a controller: addresses, event streams, tables, YAML, paths, patches.
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/address.h"
#include "cli/client.h"
#include "cli/edit.h"
#include "cli/output.h"
#include "cli/paths.h"
#include "cli/sse.h"
#include "controller/base/text.h"
#include "tests/support/support.h"

namespace holdfast::cli {
namespace {

TEST(Address, TakesUrlsHostsAndSockets) {
  EXPECT_EQ(parse_address("http://127.0.0.1:8010/")->base_url, "http://127.0.0.1:8010");
  EXPECT_TRUE(parse_address("http://127.0.0.1:8010")->local);
  EXPECT_EQ(parse_address("localhost:80")->base_url, "http://localhost:80");
  EXPECT_TRUE(parse_address("[::1]:8010")->local);
  EXPECT_FALSE(parse_address("https://control.example:8010")->local);
  EXPECT_EQ(parse_address("unix:/run/h.sock")->unix_socket, "/run/h.sock");
  for (const auto* bad : {"", "nonsense", "ftp://x:1", "unix:relative", "http://", "http://a b",
                          "http://u@h:1", "http://h:1/path?x", "http://h:1\r\nX: y"}) {
    EXPECT_FALSE(parse_address(bad)) << bad;
  }
}

TEST(Client, EncodesForUrls) {
  EXPECT_EQ(percent_encode("a-b_c.d~9"), "a-b_c.d~9");
  EXPECT_EQ(percent_encode("../a b?&\xc3\xa4"), "..%2Fa%20b%3F%26%C3%A4");
}

std::vector<StreamEvent> events_of(const std::vector<std::string>& pieces) {
  std::vector<StreamEvent> events;
  EventParser parser([&](const StreamEvent& event) {
    events.push_back(event);
    return true;
  });
  for (const auto& piece : pieces) EXPECT_TRUE(parser.feed(piece));
  return events;
}

TEST(EventParser, ReadsEventsHoweverTheyAreCut) {
  const std::string text =
      ": heartbeat\n\nid: 7\nevent: service\ndata: {\"a\":1}\n\ndata: one\r\ndata:two\r\n\r\nevent: "
      "empty\n\n";
  const auto whole = events_of({text});
  ASSERT_EQ(whole.size(), 2u);
  EXPECT_EQ(whole[0].id, "7");
  EXPECT_EQ(whole[0].name, "service");
  EXPECT_EQ(whole[0].data, "{\"a\":1}");
  EXPECT_EQ(whole[1].id, "7") << "the newest id stands";
  EXPECT_EQ(whole[1].name, "message");
  EXPECT_EQ(whole[1].data, "one\ntwo");
  for (size_t cut = 1; cut < text.size(); ++cut) {
    EXPECT_EQ(events_of({text.substr(0, cut), text.substr(cut)}).size(), 2u) << cut;
  }
}

TEST(EventParser, StopsWhenTheSinkHasEnough) {
  int seen = 0;
  EventParser parser([&](const StreamEvent&) { return ++seen < 2; });
  EXPECT_TRUE(parser.feed("data: 1\n\n"));
  EXPECT_FALSE(parser.feed("data: 2\n\ndata: 3\n\n"));
  EXPECT_EQ(seen, 2);
}

TEST(EventParser, RefusesALineWithoutEnd) {
  EventParser parser([](const StreamEvent&) { return true; });
  const std::string mebibyte(1u << 20, 'x');
  bool more = true;
  for (int i = 0; i < 17 && more; ++i) more = parser.feed(mebibyte);
  EXPECT_FALSE(more);
}

TEST(Table, AlignsByCodePointsAndShowsNoControlCharacters) {
  Table table({"NAME", "B"});
  table.add({"h\xc3\xa4", "x\x1b[31m"});
  table.add({"longer", "y"});
  std::ostringstream out;
  table.print(out, false);
  EXPECT_EQ(out.str(), "NAME    B\nh\xc3\xa4      x?[31m\nlonger  y\n");
}

TEST(Table, PaintsOnlyWhenAsked) {
  Table table({"A"});
  table.add({Cell("bad", Colour::kRed)});
  std::ostringstream plain, painted;
  table.print(plain, false);
  table.print(painted, true);
  EXPECT_EQ(plain.str().find('\x1b'), std::string::npos);
  EXPECT_NE(painted.str().find("\x1b[31mbad\x1b[0m"), std::string::npos);
}

TEST(Yaml, QuotesWhatCouldBeReadAsSomethingElse) {
  const auto value = *parse_json(
      R"({"plain": "a/b.c", "number": "10", "flag": "yes", "null": "~", "empty": "", "colon": "a: b", "n": null,
          "list": [1, "two", {"a": 1, "b": [[]]}, [3]], "nothing": {}, "lines": "a\nb"})");
  EXPECT_EQ(dump_yaml(value), R"(plain: a/b.c
number: "10"
flag: "yes"
"null": "~"
empty: ""
colon: "a: b"
"n": null
list:
  - 1
  - two
  - a: 1
    b:
      - []
  - - 3
nothing: {}
lines: "a\nb"
)");
}

TEST(Human, WritesDurationsSizesAndTimes) {
  EXPECT_EQ(human_duration(0.4), "0s");
  EXPECT_EQ(human_duration(59), "59s");
  EXPECT_EQ(human_duration(61), "1m1s");
  EXPECT_EQ(human_duration(7200), "2h");
  EXPECT_EQ(human_duration(90061), "1d1h");
  EXPECT_EQ(human_bytes(512), "512");
  EXPECT_EQ(human_bytes(1536), "1.5Ki");
  EXPECT_EQ(human_bytes(64 << 20), "64Mi");
  EXPECT_EQ(human_time("2026-11-22T18:47:03.123456Z"), "2026-11-22 18:47:03Z");
}

TEST(Paths, AreDottedOrPointers) {
  using Keys = std::vector<std::string>;
  EXPECT_EQ(*parse_path("services.web.replicas"), (Keys{"services", "web", "replicas"}));
  EXPECT_EQ(*parse_path("/services/web/labels/a.b~1c~0d"), (Keys{"services", "web", "labels", "a.b/c~d"}));
  EXPECT_TRUE(parse_path("")->empty());
  EXPECT_FALSE(parse_path("a..b"));
  EXPECT_EQ(dump_json(nested({"a", "b"}, 3)), R"({"a":{"b":3}})");
  const auto document = *parse_json(R"({"a": [1, {"b": 2}]})");
  EXPECT_EQ(find_at(document, {"a", "1", "b"})->as_int(), 2);
  EXPECT_EQ(find_at(document, {"a", "7"}), nullptr);
  EXPECT_EQ(find_at(document, {"a", "x"}), nullptr);
}

TEST(Paths, TypeValuesAsJsonWhereTheyAreJson) {
  EXPECT_TRUE(typed_value("3").is_int());
  EXPECT_TRUE(typed_value("null").is_null());
  EXPECT_EQ(typed_value("always").as_string(), "always");
  EXPECT_EQ(typed_value("[\"a\"]").items().size(), 1u);
}

TEST(EditPatch, GivesTheResultOfTheEditedLayer) {
  const auto lower = *parse_json(
      R"({"services": {"a": {"command": ["a"], "replicas": 1, "labels": {"x": "1"}}}, "streaming": {"service": "s"}})");
  const auto before = *parse_json(
      R"({"services": {"a": {"replicas": 2, "user": "u", "labels": {"x": "2", "y": "3"}}, "b": {"command": ["b"]}},
          "streaming": {"service": "other"}})");
  for (
      const auto* text :
      {R"({})", R"({"services": {"a": {"replicas": 3}}})",
       R"({"services": {"a": {"user": "u"}, "c": {"nice": 1}}})",
       R"({"services": {"a": {"labels": {"y": "4"}}, "b": {"command": ["new"]}}, "streaming": {"service": "s2"}})"}) {
    const auto after = *parse_json(text);
    auto wanted = lower;
    merge_patch(wanted, after);
    auto result = lower;
    merge_patch(result, before);
    merge_patch(result, edit_patch(before, after, lower));
    EXPECT_EQ(result, wanted) << text << dump_json(result);
  }
}

TEST(EditPatch, SaysNothingAboutWhatStayed) {
  const auto layer = *parse_json(R"({"services": {"a": {"replicas": 2}, "b": {"nice": 1}}})");
  EXPECT_TRUE(edit_patch(layer, layer, Json::object()).members().empty());
  const auto after = *parse_json(R"({"services": {"a": {"replicas": 3}, "b": {"nice": 1}}})");
  EXPECT_EQ(dump_json(edit_patch(layer, after, Json::object())), R"({"services":{"a":{"replicas":3}}})");
}

}  // namespace
}  // namespace holdfast::cli
