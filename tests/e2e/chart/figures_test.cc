// The alerts and the dashboard: Prometheus reads them, and every metric in them exists.
#include <regex>
#include <set>

#include <gmock/gmock.h>

#include "controller/base/file.h"
#include "tests/e2e/chart/render.h"
#include "tests/support/support.h"

namespace holdfast::test {
namespace {

std::set<std::string> matches(const std::string& text, const std::string& pattern) {
  std::set<std::string> out;
  const std::regex regex(pattern);
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it) out.insert((*it)[1]);
  return out;
}

std::string with_pattern(const std::string& text, const std::string& pattern, const std::string& by) {
  return std::regex_replace(text, std::regex(pattern), by);
}

// As Grafana would ask it.
std::vector<std::string> questions_of_dashboard() {
  const auto read = parse_json(source_text("charts/holdfast/files/dashboard.json"));
  EXPECT_TRUE(read);
  const Json dashboard = read.value_or(Json());
  std::vector<std::string> out;
  for (const auto& panel : dashboard.at("panels").items()) {
    for (const auto& target : panel.at("targets").items()) {
      auto question = with_pattern(target.at("expr").as_string(), R"(\$__(rate_interval|range))", "5m");
      out.push_back(with_pattern(question, R"(\$(namespace|service))", ".*"));
      EXPECT_EQ(out.back().find('$'), std::string::npos) << out.back();
    }
  }
  return out;
}

Json alerts() {
  return yaml(source_text("charts/holdfast/files/prometheusrule.yaml")).at("spec");
}

void expect_readable(const Json& rules) {
  const TempDir dir;
  ASSERT_TRUE(write_file_atomically(dir / "rules.yml", dump_json(rules)));  // JSON is YAML
  const auto done = run_program({"promtool", "check", "rules", dir / "rules.yml"});
  EXPECT_EQ(done.status, 0) << done.output;
}

TEST(Figures, AreReadByPrometheus) {
  expect_readable(alerts());
  auto rules = Json::array();
  for (const auto& question : questions_of_dashboard())
    rules.push_back(Json::object(
        {{"record", "panel"}, {"expr", question + " + " + std::to_string(rules.items().size())}}));
  EXPECT_GT(rules.items().size(), 20u);
  expect_readable(
      Json::object({{"groups", Json::array({Json::object({{"name", "dashboard"}, {"rules", rules}})})}}));
}

TEST(Figures, RaiseAlertsForWhatIsWrongAlone) {
  const TempDir dir;
  ASSERT_TRUE(write_file_atomically(dir / "rules.yml", dump_json(alerts())));
  ASSERT_TRUE(write_file_atomically(dir / "alerts.yml", source_text("tests/e2e/chart/alerts.yaml")));
  const auto done = run_program({"promtool", "test", "rules", dir / "alerts.yml"});
  EXPECT_EQ(done.status, 0) << done.output;
}

TEST(Figures, AskForMetricsThatExist) {
  std::string code;
  for (const auto* file : {"controller_metrics.cc", "service_metrics.cc"})
    code += source_text("api/metrics/" + std::string(file));
  const auto there = matches(code, R"re("((?:holdfast|process)_[a-z_]+)")re");
  std::string questions = dump_json(alerts());
  for (const auto& question : questions_of_dashboard()) questions += " " + question;
  for (const auto& name : matches(questions, R"(\b((?:holdfast|process)_[a-z_]+)\b)"))
    EXPECT_TRUE(there.contains(with_pattern(name, "_bucket$", ""))) << name;
}

}  // namespace
}  // namespace holdfast::test
