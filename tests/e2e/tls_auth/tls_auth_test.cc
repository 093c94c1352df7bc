// The controller as it is exposed to other machines: TLS, tokens with roles, and nothing secret anywhere
// else.
#include <filesystem>
#include <fstream>

#include <SQLiteCpp/SQLiteCpp.h>

#include "controller/base/file.h"
#include "tests/e2e/harness/controller.h"
#include "tests/integration/http/certificate.h"

namespace holdfast::test {
namespace {

namespace fs = std::filesystem;
using http::test::write_certificate;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kSecret = "correct-horse-battery-staple";

class Exposed : public testing::Test {
 protected:
  void SetUp() override {
    write_certificate("first", at("cert.pem"), at("key.pem"));
    fs::copy_file(at("cert.pem"), at("first.pem"));
    for (const auto* role : {"viewer", "operator", "admin"}) tokens_[role] = make_token(role, role);
    ASSERT_TRUE(write_file_atomically(at("secret"), kSecret));
    controller_.write_config(config());
    controller_.setup().listen = "127.0.0.1:0";
    controller_.setup().ca_file = at("first.pem");
    controller_.start();
    ASSERT_TRUE(wait_until([&] {
      return get("/api/v1/services/web").json.at("phase").as_string() == "Running";
    })) << controller_.log();
  }
  [[nodiscard]] std::string at(const std::string& name) const { return controller_.dir() / name; }
  [[nodiscard]] std::string config() const {
    return "apiVersion: holdfast/v1\ncontroller:\n  tls: {certFile: " + at("cert.pem") +
           ", keyFile: " + at("key.pem") + "}\n  auth: {tokensFile: " + at("tokens") +
           "}\n  allowedHosts: [ops.example]\nservices:\n  web:\n    command: [sleep, \"1000\"]\n"
           "    env: {PASSWORD: {secret: {file: " +
           at("secret") + "}}}\n";
  }
  [[nodiscard]] std::string make_token(const std::string& name, const std::string& role) const {
    const auto made =
        run_program({binary("holdfast"), "token", "create", "--file", at("tokens"), name, "--role", role});
    EXPECT_EQ(made.status, 0) << made.output;
    const auto begin = made.output.find("hf_");
    return made.output.substr(begin, made.output.find_first_of(" \n", begin) - begin);
  }
  [[nodiscard]] static std::string bearer(const std::string& token) {
    return "Authorization: Bearer " + token;
  }
  [[nodiscard]] Answer as(const std::string& role, const std::string& method, const std::string& path,
                          const std::string& body = {}) const {
    return controller_.request(method, path, body, {bearer(tokens_.at(role))});
  }
  [[nodiscard]] Answer get(const std::string& path) const { return as("viewer", "GET", path); }
  [[nodiscard]] Finished cli(std::vector<std::string> arguments, const std::string& token) const {
    arguments.insert(arguments.begin(), {"--ca-file", at("first.pem")});
    return controller_.cli(arguments, {{"HOLDFAST_TOKEN", token}});
  }
  [[nodiscard]] std::vector<std::string> audit() const {
    std::vector<std::string> lines;
    SQLite::Database db(controller_.state_dir() + "/holdfast.db", SQLite::OPEN_READONLY, 5000);
    SQLite::Statement query(db, "SELECT body FROM audit ORDER BY id");
    while (query.executeStep()) {
      const auto record = parse_json(query.getColumn(0).getString()).value_or(Json());
      lines.push_back(record.at("actor").as_string() + " " + record.at("action").as_string() + " " +
                      dump_json(record.at("status")));
    }
    return lines;
  }

  Controller controller_{""};
  std::map<std::string, std::string> tokens_;
};

TEST_F(Exposed, RolesMayDoWhatIsTheirsAndEveryChangeIsAudited) {
  const std::string services = "/api/v1/services/web", patch = R"({"labels": {"a": "b"}})";
  EXPECT_EQ(controller_.get("/livez").status, 200) << "no token is needed";
  EXPECT_EQ(get(services).status, 200);
  EXPECT_EQ(as("viewer", "POST", services + "/restart").status, 403);
  EXPECT_EQ(as("viewer", "PATCH", services, patch).status, 403);
  EXPECT_EQ(as("operator", "POST", services + "/stop?wait=30s").status, 200);
  EXPECT_EQ(as("operator", "POST", services + "/start?wait=30s").status, 200);
  EXPECT_EQ(as("operator", "PATCH", services, patch).status, 403);
  EXPECT_EQ(as("admin", "PATCH", services, patch).status, 200);
  const auto refused = as("viewer", "POST", services + "/stop");
  EXPECT_THAT(refused.json.at("detail").as_string(),
              HasSubstr("\"viewer\" has the role viewer; this needs operator"));
  EXPECT_FALSE(refused.json.at("hint").as_string().empty());
  const std::vector<std::string> expected = {
      "viewer POST /api/v1/services/web/restart 403", "viewer PATCH /api/v1/services/web 403",
      "operator POST /api/v1/services/web/stop 200",  "operator POST /api/v1/services/web/start 200",
      "operator PATCH /api/v1/services/web 403",      "admin PATCH /api/v1/services/web 200",
      "viewer POST /api/v1/services/web/stop 403"};
  EXPECT_TRUE(wait_until([&] { return audit() == expected; })) << testing::PrintToString(audit());
  const auto events = get("/api/v1/events").text;
  EXPECT_THAT(events, HasSubstr(R"("actor":"operator")")) << "events name who asked";
}

TEST_F(Exposed, AWrongTokenLearnsNothing) {
  const auto id_of_admin = tokens_["admin"].substr(0, tokens_["admin"].rfind('_') + 1);
  const auto none = controller_.get("/api/v1/services");
  const auto unknown = controller_.request("GET", "/api/v1/services", {},
                                           {bearer("hf_0123456789abcdef_" + std::string(64, '0'))});
  const auto near =
      controller_.request("GET", "/api/v1/services", {}, {bearer(id_of_admin + std::string(64, '0'))});
  const auto elsewhere = controller_.request("GET", "/api/v1/nowhere", {}, {bearer(id_of_admin)});
  for (const auto* answer : {&none, &unknown, &near}) {
    EXPECT_EQ(answer->status, 401);
    EXPECT_EQ(answer->headers.at("www-authenticate"), "Bearer");
    EXPECT_FALSE(answer->json.at("hint").as_string().empty()) << answer->text;
    EXPECT_THAT(answer->text, Not(HasSubstr("web")));
    EXPECT_THAT(answer->text, Not(HasSubstr("admin")));
  }
  EXPECT_EQ(unknown.json.at("detail"), near.json.at("detail")) << "half a token is no better than none";
  EXPECT_NE(elsewhere.status, 200);
  EXPECT_EQ(get("/api/v1/services").status, 200);
}

TEST_F(Exposed, ANewTokenWorksAndAWithdrawnOneStops) {
  const auto late = make_token("late", "viewer");
  const auto status = [&] {
    return controller_.request("GET", "/api/v1/services", {}, {bearer(late)}).status;
  };
  EXPECT_TRUE(wait_until([&] { return status() == 200; }));
  const auto gone = run_program({binary("holdfast"), "token", "revoke", "--file", at("tokens"), "late"});
  EXPECT_EQ(gone.status, 0) << gone.output;
  EXPECT_TRUE(wait_until([&] { return status() == 401; }));
}

TEST_F(Exposed, TheCommandLineSpeaksTlsAndSendsItsToken) {
  const auto status = cli({"status"}, tokens_["viewer"]);
  EXPECT_EQ(status.status, 0) << status.output;
  EXPECT_THAT(status.output, HasSubstr("web"));
  ASSERT_TRUE(write_file_atomically(at("my-token"), tokens_["operator"] + "\n", 0600));
  const auto from_file =
      controller_.cli({"--ca-file", at("first.pem"), "--token-file", at("my-token"), "restart", "web"});
  EXPECT_EQ(from_file.output, "web: restarted\n");
  const auto denied = cli({"stop", "web"}, tokens_["viewer"]);
  EXPECT_EQ(denied.status, 1);
  EXPECT_THAT(denied.output, HasSubstr("this needs operator"));
  const auto anonymous = cli({"status"}, "");
  EXPECT_EQ(anonymous.status, 1);
  EXPECT_THAT(anonymous.output, HasSubstr("--token-file"));
  const auto stranger = controller_.cli({"status"}, {{"HOLDFAST_TOKEN", tokens_["viewer"]}});
  EXPECT_EQ(stranger.status, 1) << "the certificate is nobody's whom this machine trusts";
  EXPECT_THAT(stranger.output, HasSubstr("--ca-file"));
  const auto edited = cli({"config", "set", "services.web.labels.a", "c"}, tokens_["admin"]);
  EXPECT_EQ(edited.status, 0) << edited.output;
}

TEST_F(Exposed, ANewCertificateIsServedAndABrokenOneIsNot) {
  const auto trusting = [&](const std::string& file) {
    return http_request({.url = controller_.target().url, .ca_file = at(file)}, "GET", "/livez").status;
  };
  EXPECT_EQ(trusting("first.pem"), 200);
  write_certificate("second", at("second.pem"), at("second-key.pem"));
  EXPECT_EQ(trusting("second.pem"), 0);
  fs::copy_file(at("second-key.pem"), at("key.pem"), fs::copy_options::overwrite_existing);
  fs::copy_file(at("second.pem"), at("cert.pem"), fs::copy_options::overwrite_existing);
  ASSERT_TRUE(wait_until([&] { return trusting("second.pem") == 200; })) << controller_.log();
  EXPECT_EQ(trusting("first.pem"), 0);
  ASSERT_TRUE(write_file_atomically(at("cert.pem"), "no certificate"));
  EXPECT_TRUE(wait_until([&] {
    return trusting("second.pem") == 200 && controller_.log().find("cert.pem") != std::string::npos;
  })) << controller_.log();
  EXPECT_EQ(trusting("second.pem"), 200);
}

TEST_F(Exposed, OtherHostsOriginsAndClearTextAreTurnedAway) {
  const auto token = bearer(tokens_["operator"]);
  const auto with = [&](const std::string& header) {
    return controller_.request("POST", "/api/v1/services/web/start", {}, {token, header}).status;
  };
  EXPECT_EQ(with("Host: evil.example"), 421);
  EXPECT_EQ(with("Host: ops.example"), 202);
  EXPECT_EQ(with("Origin: https://evil.example"), 403);
  EXPECT_EQ(with("Origin: null"), 403);
  EXPECT_EQ(with("Origin: " + controller_.target().url), 202);
  auto plain = controller_.target();
  plain.url.replace(0, std::string("https").size(), "http");
  const auto answer = http_request(plain, "GET", "/livez");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.text, HasSubstr("https"));
}

TEST_F(Exposed, NoSecretIsAnywhereButWhereItBelongs) {
  const auto pid = get("/api/v1/services/web").json.at("instances").items().at(0).at("pid").as_int();
  EXPECT_THAT(read_file("/proc/" + std::to_string(pid) + "/environ").value_or(""), HasSubstr(kSecret))
      << "the service itself gets it";
  const std::string wrong = "hf_0123456789abcdef_" + std::string(64, 'f');
  controller_.request("GET", "/api/v1/services", {}, {bearer(wrong)});
  controller_.request("POST", "/api/v1/services/web/stop?token=" + tokens_["admin"], {}, {bearer(wrong)});
  EXPECT_EQ(as("admin", "PATCH", "/api/v1/services/web",
               R"({"env": {"MORE": {"secret": {"file": ")" + at("secret") + R"("}}}})")
                .status,
            200);
  EXPECT_EQ(as("operator", "POST", "/api/v1/services/web/restart?wait=30s").status, 200);
  std::map<std::string, std::string> places = {{"log", controller_.log()},
                                               {"metrics", controller_.metrics()}};
  for (const auto* path : {"/api/v1/services", "/api/v1/services/web", "/api/v1/services/web/instances",
                           "/api/v1/services/web/events", "/api/v1/services/web/logs", "/api/v1/events",
                           "/api/v1/config", "/api/v1/config/layers", "/api/v1/config/explain",
                           "/api/v1/config/revisions", "/api/v1/runtimes", "/api/v1/version", "/readyz"}) {
    const auto answer = as("admin", "GET", path);
    EXPECT_EQ(answer.status, 200) << path;
    places[path] = answer.text;
  }
  for (const auto& entry : fs::recursive_directory_iterator(controller_.state_dir())) {
    if (entry.is_regular_file()) places[entry.path()] = read_file(entry.path(), 64u << 20).value_or("");
  }
  EXPECT_TRUE(places.contains(controller_.state_dir() + "/holdfast.db"));
  const auto secret_of = [](const std::string& token) { return token.substr(token.rfind('_') + 1); };
  for (const auto& [place, text] : places) {
    EXPECT_THAT(text, Not(HasSubstr(kSecret))) << place;
    for (const auto& [role, token] : tokens_) EXPECT_THAT(text, Not(HasSubstr(secret_of(token)))) << place;
    EXPECT_THAT(text, Not(HasSubstr(secret_of(wrong)))) << place;
  }
}

TEST(Exposure, BeyondThisMachineNeedsTokens) {
  const TempDir dir;
  ASSERT_TRUE(write_file_atomically(dir / "c.yaml", "services: {web: {command: [sleep, \"1000\"]}}\n"));
  for (const auto& [api, metrics] : {std::pair<std::string, std::string>{"0.0.0.0:0", "unix:" + (dir / "m")},
                                     {"unix:" + (dir / "a"), "[::]:0"}}) {
    const auto refused = run_program({binary("holdfast"), "serve", "--config", dir / "c.yaml", "--state-dir",
                                      dir / "st", "--listen", api, "--metrics-listen", metrics});
    EXPECT_EQ(refused.status, 1);
    EXPECT_THAT(refused.output, HasSubstr("can be reached from other machines"));
    EXPECT_THAT(refused.output, HasSubstr("--insecure"));
    EXPECT_FALSE(fs::exists(dir / "st/run/web"));
  }
}

}  // namespace
}  // namespace holdfast::test
