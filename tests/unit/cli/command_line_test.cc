// What happens before a controller is asked: parsing, hooks, errors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/base/file.h"
#include "tests/support/support.h"
#include "tests/unit/cli/run_cli.h"

namespace holdfast::cli {
namespace {

using testing::HasSubstr;

TEST(CommandLine, NeedsASubcommand) {
  const auto ran = run_cli({});
  EXPECT_EQ(ran.code, kExitError);
  EXPECT_THAT(ran.err, HasSubstr("subcommand"));
}

TEST(CommandLine, HelpAndVersionGoToStdout) {
  EXPECT_THAT(run_cli({"--help"}).out, HasSubstr("serve"));
  EXPECT_EQ(run_cli({"--help"}).code, kExitOk);
  Hooks hooks;
  hooks.version = "1.2.3";
  hooks.revision = "abc";
  EXPECT_EQ(run_cli({"version"}, hooks).out, "holdfast 1.2.3 (abc)\n");
  EXPECT_EQ(run_cli({"version", "-o", "json"}, hooks).out,
            "{\n  \"version\": \"1.2.3\",\n  \"revision\": \"abc\"\n}\n");
}

TEST(CommandLine, UsageErrorsExitWithOne) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"nonsense"},
                                                    {"status", "-o", "xml"},
                                                    {"serve"},
                                                    {"logs"},
                                                    {"config"},
                                                    {"start", "a", "--wait", "--no-wait"},
                                                    {"logs", "a", "--tail", "-1"},
                                                    {"config", "rollback", "x"}}) {
    const auto ran = run_cli(arguments);
    EXPECT_EQ(ran.code, kExitError) << arguments[0];
    EXPECT_FALSE(ran.err.empty());
    EXPECT_TRUE(ran.out.empty());
  }
}

TEST(CommandLine, ServeHandsItsOptionsOn) {
  Hooks hooks;
  ServeOptions seen;
  hooks.serve = [&](const ServeOptions& options) {
    seen = options;
    return 7;
  };
  EXPECT_EQ(run_cli({"serve",
                     "--config",
                     "a.yaml",
                     "--overlay",
                     "x.d",
                     "--overlay",
                     "y.d",
                     "--config-map",
                     "ns/cm",
                     "--listen",
                     "127.0.0.1:1",
                     "--metrics-listen",
                     "127.0.0.1:2",
                     "--insecure",
                     "--log-format",
                     "json",
                     "--log-level",
                     "debug",
                     "--runtime-shim",
                     "/opt/shim",
                     "--state-dir",
                     "/s"},
                    hooks)
                .code,
            7);
  EXPECT_EQ(seen.config, "a.yaml");
  EXPECT_EQ(seen.overlays, (std::vector<std::string>{"x.d", "y.d"}));
  EXPECT_EQ(seen.config_map, "ns/cm");
  EXPECT_EQ(seen.listen, "127.0.0.1:1");
  EXPECT_EQ(seen.metrics_listen, "127.0.0.1:2");
  EXPECT_TRUE(seen.insecure);
  EXPECT_EQ(seen.log_format, "json");
  EXPECT_EQ(seen.log_level, "debug");
  EXPECT_EQ(seen.runtime_shim, "/opt/shim");
  EXPECT_EQ(seen.state_dir, "/s");
  EXPECT_EQ(seen.facade_state_dir, "/s");
}

TEST(CommandLine, TheStateDirComesFromTheEnvironmentOrIsLocal) {
  Hooks hooks;
  ServeOptions seen;
  hooks.serve = [&](const ServeOptions& options) {
    seen = options;
    return 0;
  };
  run_cli({"serve", "--config", "a"}, hooks, {{"PIPELINE_STATE_DIR", "/pipeline"}});
  EXPECT_EQ(seen.state_dir, "/pipeline");
  EXPECT_EQ(seen.facade_state_dir, "/pipeline");
  run_cli({"serve", "--config", "a"}, hooks);
  EXPECT_EQ(seen.state_dir, "state");
  EXPECT_FALSE(seen.listen);
}

TEST(CommandLine, ValidateShowsEveryFault) {
  Hooks hooks;
  hooks.validate = [](const std::vector<std::string>& files) -> Result<size_t> {
    if (files.size() == 2) return 3;
    Error error{ErrorCode::kInvalid, "services.a.replicas: too many", "", true, {}};
    error.details = {{"services.a.replicas", "too many", "base x.yaml:3:5"},
                     {"services.b.comand", "unknown key, did you mean command?", "base x.yaml:9:5"}};
    return fail(std::move(error));
  };
  const auto good = run_cli({"validate", "a", "b"}, hooks);
  EXPECT_EQ(good.code, kExitOk);
  EXPECT_EQ(good.out, "valid: 3 services\n");
  const auto bad = run_cli({"validate", "a"}, hooks);
  EXPECT_EQ(bad.code, kExitError);
  EXPECT_THAT(bad.err, HasSubstr("base x.yaml:3:5: services.a.replicas: too many\n"));
  EXPECT_THAT(bad.err, HasSubstr("did you mean command?"));
  EXPECT_THAT(run_cli({"validate", "a", "-o", "json"}, hooks).out,
              HasSubstr("\"origin\": \"base x.yaml:9:5\""));
}

TEST(CommandLine, AnImportGoesThroughTheHookAndOverNothing) {
  Hooks hooks;
  hooks.import_compose = [](const std::string& file, const Environment& environment) -> Result<Imported> {
    if (file == "bad") return fail(ErrorCode::kInvalid, "bad:3:5: services.web.ports: expected a list");
    return Imported{Json::object({{"apiVersion", *environment("V")}}), {"services.web.x: not carried over"}};
  };
  const std::map<std::string, std::string> variables{{"V", "holdfast/v1"}};
  const auto shown = run_cli({"import", "compose", "good"}, hooks, variables);
  EXPECT_EQ(shown.code, kExitOk);
  EXPECT_EQ(shown.out, "apiVersion: holdfast/v1\n");
  EXPECT_EQ(shown.err, "services.web.x: not carried over\n");

  const test::TempDir dir;
  for (const auto& [name, text] :
       std::map<std::string, std::string>{{"a.yaml", "apiVersion: holdfast/v1\n"},
                                          {"a.json", "{\n  \"apiVersion\": \"holdfast/v1\"\n}\n"}}) {
    const auto file = dir / name;
    EXPECT_EQ(run_cli({"import", "compose", "good", "-o", file}, hooks, variables).code, kExitOk);
    EXPECT_EQ(read_file(file).value_or(""), text);
    const auto again = run_cli({"import", "compose", "good", "-o", file}, hooks, variables);
    EXPECT_EQ(again.code, kExitError);
    EXPECT_THAT(again.err, HasSubstr(name + " is there already"));
  }

  const auto bad = run_cli({"import", "compose", "bad"}, hooks, variables);
  EXPECT_EQ(bad.code, kExitError);
  EXPECT_EQ(bad.out, "");
  EXPECT_THAT(bad.err, HasSubstr("bad:3:5: services.web.ports: expected a list"));
}

TEST(CommandLine, TokensGoThroughTheHooks) {
  Hooks hooks;
  hooks.create_token = [](const std::string& file, const std::string& name, const std::string& role) {
    return Result<std::string>(file + name + role);
  };
  hooks.list_tokens = [](const std::string&) {
    return Result<std::vector<TokenEntry>>({{"ci", "operator", "1f", "2026-01-01T00:00:00Z"}});
  };
  hooks.revoke_token = [](const std::string&, const std::string& name) -> Status {
    return fail(ErrorCode::kNotFound, "no token named " + name);
  };
  EXPECT_EQ(run_cli({"token", "create", "ci", "--file", "f", "--role", "admin"}, hooks).out, "fciadmin\n");
  EXPECT_THAT(run_cli({"token", "list", "--file", "f"}, hooks).out, HasSubstr("ci    operator"));
  const auto ran = run_cli({"token", "revoke", "x", "--file", "f"}, hooks);
  EXPECT_EQ(ran.code, kExitError);
  EXPECT_EQ(ran.err, "holdfast: no token named x\n");
}

TEST(CommandLine, AnUnreachableControllerIsSaidWithWhatToDo) {
  const test::TempDir dir;
  const auto ran = run_cli({"status", "--server", "unix:" + (dir / "none.sock")});
  EXPECT_EQ(ran.code, kExitError);
  EXPECT_THAT(ran.err, HasSubstr("cannot reach the controller at unix:" + (dir / "none.sock")));
  EXPECT_THAT(ran.err, HasSubstr("holdfast serve --config"));
  EXPECT_TRUE(ran.out.empty());
}

TEST(CommandLine, BadAddressesAndTokensAreSaidBeforeAnythingIsSent) {
  EXPECT_THAT(run_cli({"status"}, {}, {{"HOLDFAST_SERVER", "nonsense"}}).err,
              HasSubstr("\"nonsense\" is not the address of a controller"));
  EXPECT_THAT(run_cli({"status", "--token-file", "/does/not/exist"}).err, HasSubstr("--token-file"));
  EXPECT_THAT(run_cli({"status"}, {}, {{"HOLDFAST_TOKEN", "two words"}}).err, HasSubstr("several lines"));
}

TEST(CommandLine, FollowingLogsIsRefusedClearly) {
  const auto ran = run_cli({"logs", "web", "-f"});
  EXPECT_EQ(ran.code, kExitError);
  EXPECT_THAT(ran.err, HasSubstr("can't follow logs"));
}

}  // namespace
}  // namespace holdfast::cli
