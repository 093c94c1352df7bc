#include "api/metrics/metrics.h"

#include <array>
#include <cstdio>
#include <limits>
#include <sstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "tests/fakes/fake_control_plane.h"
#include "tests/support/support.h"

namespace holdfast::metrics {
namespace {

using testing::HasSubstr;
using testing::Not;

class MetricsTest : public ::testing::Test {
 protected:
  std::string text() { return scrape(control_, {"1.2.3", "abc", http::Role::kNone}).body; }
  void add_service(const std::string& name) { control_.set_service(test::running_service(name, clock_)); }
  void change(const std::string& name, const std::function<void(ServiceStatus&)>& function) {
    control_.change_service(name, function);
  }

  test::SimClock clock_;
  test::FakeControlPlane control_{clock_};
};

// Exit code and output of `promtool check metrics`, which reads the text from its standard input.
std::pair<int, std::string> promtool(const std::string& text) {
  const test::TempDir dir;
  const auto input = dir / "metrics.txt", output = dir / "output.txt";
  EXPECT_TRUE(write_file_atomically(input, text));
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, input.c_str(), O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  std::array<std::string, 3> words{"promtool", "check", "metrics"};
  std::array<char*, 4> argv{words[0].data(), words[1].data(), words[2].data(), nullptr};
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, "promtool", &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  EXPECT_EQ(error, 0) << "promtool is in Debian's package prometheus";
  if (error != 0) return {-1, "not started"};
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(output).value_or("")};
}

TEST_F(MetricsTest, PromtoolHasNothingToSay) {
  ReconcilerStats stats;
  stats.reconciles_success = 5;
  stats.duration_buckets = {{0.001, 3}, {0.01, 5}};
  stats.duration_sum = 0.02;
  stats.duration_count = 5;
  control_.set_stats(stats);
  add_service("web");
  change("web", [this](ServiceStatus& s) {
    s.restarts_by_cause = {{"crash", 2}, {"config", 1}};
    s.last_exit = ExitRecord{.code = 3, .signal = {}, .reason = "exit code 3", .at = clock_.wall()};
    s.last_heartbeat = clock_.wall();
    s.collected["queue"].values = {{"pending", 5}, {"a \"b\" \\ \n c", 1.5}, {"\xff\xfe", 2}};
    s.collected["app"].values = {{"nan", std::numeric_limits<double>::quiet_NaN()},
                                 {"inf", std::numeric_limits<double>::infinity()}};
    s.collected["app"].error = "down";
  });
  const auto [code, output] = promtool(text());
  EXPECT_EQ(code, 0) << output;
  EXPECT_EQ(output, "") << text();
}

TEST_F(MetricsTest, PromtoolWouldComplain) {
  const auto [code, output] = promtool("# TYPE bad_total gauge\nbad_total 1\n");
  EXPECT_NE(output, "");
}

TEST_F(MetricsTest, IsServedAsPrometheusText) {
  const auto served = routes(control_, {"1.2.3", "", http::Role::kNone});
  ASSERT_EQ(served.size(), 1u);
  EXPECT_EQ(served[0].path, "/metrics");
  const auto response = std::get<http::Handler>(served[0].handler)({});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(response.body, HasSubstr("holdfast_build_info{version=\"1.2.3\""));
}

TEST_F(MetricsTest, EveryFamilyHasHelpAndType) {
  add_service("web");
  std::istringstream lines(text());
  std::string help, type;
  size_t families = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# HELP ")) {
      help = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_GT(line.size(), 7 + help.size() + 1) << line;
      ++families;
    } else if (line.starts_with("# TYPE ")) {
      type = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_EQ(type, help);
    } else if (!line.empty()) {
      EXPECT_TRUE(line.starts_with(type)) << line;
    }
  }
  EXPECT_GT(families, 30u);
}

TEST_F(MetricsTest, TellsARunningServiceFromAStoppedOne) {
  add_service("web");
  EXPECT_THAT(text(), HasSubstr("holdfast_service_up{service=\"web\"} 1\n"));
  EXPECT_THAT(text(), HasSubstr("holdfast_service_ready{service=\"web\"} 1\n"));
  EXPECT_THAT(text(), HasSubstr("holdfast_service_cpu_seconds_total{service=\"web\",ordinal=\"0\"} 3.25\n"));
  EXPECT_THAT(text(),
              HasSubstr("holdfast_service_resident_memory_bytes{service=\"web\",ordinal=\"0\"} 67108864\n"));
  EXPECT_THAT(text(), HasSubstr("holdfast_service_open_fds{service=\"web\",ordinal=\"0\"} 9\n"));
  EXPECT_THAT(text(), HasSubstr("holdfast_service_processes{service=\"web\",ordinal=\"0\"} 1\n"));
  EXPECT_THAT(text(),
              HasSubstr("holdfast_service_health{service=\"web\",ordinal=\"0\",state=\"healthy\"} 1\n"));
  control_.command("web", Verb::kStop, {});
  EXPECT_THAT(text(), HasSubstr("holdfast_service_desired{service=\"web\"} 0\n"));
  EXPECT_THAT(text(), HasSubstr("holdfast_service_ready{service=\"web\"} 0\n"));
  EXPECT_THAT(text(), HasSubstr("holdfast_service_instances{service=\"web\"} 0\n"));
  EXPECT_THAT(text(), Not(HasSubstr("holdfast_service_open_fds")));
}

TEST_F(MetricsTest, CountsRestartsByCauseFromZero) {
  add_service("web");
  EXPECT_THAT(text(), HasSubstr("holdfast_service_restarts_total{service=\"web\",cause=\"crash\"} 0\n"));
  change("web", [](ServiceStatus& s) { s.restarts_by_cause = {{"crash", 2}, {"liveness", 1}}; });
  EXPECT_THAT(text(), HasSubstr("holdfast_service_restarts_total{service=\"web\",cause=\"crash\"} 2\n"));
  EXPECT_THAT(text(), HasSubstr("holdfast_service_restarts_total{service=\"web\",cause=\"liveness\"} 1\n"));
}

TEST_F(MetricsTest, ExitCodesTellSignals) {
  add_service("web");
  EXPECT_THAT(text(), Not(HasSubstr("holdfast_service_last_exit_code")));
  change("web", [](ServiceStatus& s) { s.last_exit = ExitRecord{.code = {}, .signal = 9, .reason = {}}; });
  EXPECT_THAT(text(), HasSubstr("holdfast_service_last_exit_code{service=\"web\"} 137\n"));
}

TEST_F(MetricsTest, UnknownUsageHasNoSeries) {
  add_service("web");
  change("web", [](ServiceStatus& s) { s.instances[0].usage = {}; });
  EXPECT_THAT(text(), Not(HasSubstr("holdfast_service_resident_memory_bytes")));
}

TEST_F(MetricsTest, ShowsWhatCollectorsBring) {
  add_service("web");
  change("web", [](ServiceStatus& s) {
    s.collected["queue"].values = {{"pending", 5}};
    s.collected["queue"].error = "locked";
  });
  EXPECT_THAT(
      text(),
      HasSubstr("holdfast_service_collected{service=\"web\",collector=\"queue\",name=\"pending\"} 5\n"));
  EXPECT_THAT(text(), HasSubstr("holdfast_service_collector_up{service=\"web\",collector=\"queue\"} 0\n"));
}

TEST_F(MetricsTest, ARemovedServiceLeavesNoSeries) {
  add_service("web");
  control_.remove_service("web");
  EXPECT_THAT(text(), Not(HasSubstr("web")));
}

TEST_F(MetricsTest, ShowsTheLoopLikeControllerRuntime) {
  ReconcilerStats stats;
  stats.reconciles_success = 7;
  stats.reconciles_error = 2;
  stats.duration_buckets = {{0.01, 8}};
  stats.duration_sum = 0.5;
  stats.duration_count = 9;
  stats.queue_depth = 3;
  stats.queue_adds = 12;
  stats.queue_retries = 2;
  stats.longest_running_seconds = 1.5;
  stats.workers = 4;
  control_.set_stats(stats);
  for (const auto* line :
       {"holdfast_reconcile_total{result=\"success\"} 7\n", "holdfast_reconcile_total{result=\"error\"} 2\n",
        "holdfast_reconcile_errors_total 2\n", "holdfast_reconcile_duration_seconds_bucket{le=\"0.01\"} 8\n",
        "holdfast_reconcile_duration_seconds_bucket{le=\"+Inf\"} 9\n",
        "holdfast_reconcile_duration_seconds_sum 0.5\n", "holdfast_workqueue_depth 3\n",
        "holdfast_workqueue_adds_total 12\n", "holdfast_workqueue_retries_total 2\n",
        "holdfast_workqueue_longest_running_processor_seconds 1.5\n", "holdfast_workers 4\n"}) {
    EXPECT_THAT(text(), HasSubstr(line));
  }
}

TEST_F(MetricsTest, ShowsItsOwnProcess) {
  std::istringstream lines(text());
  std::map<std::string, double> values;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("process_"))
      values[line.substr(0, line.find(' '))] = std::stod(line.substr(line.find(' ')));
  }
  EXPECT_GT(values["process_cpu_seconds_total"], 0);
  EXPECT_GT(values["process_resident_memory_bytes"], 1e6);
  EXPECT_GE(values["process_open_fds"], 3);
  EXPECT_GE(values["process_max_fds"], values["process_open_fds"]);
  const auto now = std::chrono::duration<double>(SystemClock().wall().time_since_epoch()).count();
  EXPECT_LE(values["process_start_time_seconds"], now + 1);
  EXPECT_GT(values["process_start_time_seconds"], now - 86400);
}

}  // namespace
}  // namespace holdfast::metrics
