// The ways in which a client shows who it is.
#include "tests/integration/kubernetes_client/fixture.h"

namespace holdfast::kubernetes {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class AccessTest : public SharedServerTest {
 protected:
  Access admin() { return access_by(cluster().kubeconfig()); }
  static Result<std::string> ask(Client& client) {
    const auto found = client.get(kNamespaces, {}, "default");
    if (!found) return fail(found.error());
    return name_of(**found);
  }
  static std::string exec_answer(const std::string& status) {
    return R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","status":)" +
           status + "}";
  }
};

TEST_F(AccessTest, ATokenFileIsReadAgainWhenItIsReplaced) {
  auto access = admin();
  const auto path = write("token", "no-such-token");
  access.token = {.path = path};
  const auto client = client_of(access);
  const auto refused = ask(*client);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kPermission);
  EXPECT_THAT(refused.error().message, HasSubstr("doesn't accept the credentials"));
  EXPECT_THAT(refused.error().message, Not(HasSubstr("no-such-token")));
  write("next", cluster().token() + "\n");
  std::filesystem::rename(dir_ / "next", path);
  const auto found = ask(*client);  // at once: the refusal has it looked at
  EXPECT_TRUE(found) << found.error().message;
  write("next", cluster().token("test-b"));
  std::filesystem::rename(dir_ / "next", path);
  EXPECT_TRUE(test::wait_until([&] {
    const auto now = ask(*client);
    return !now && now.error().message.find("as test-b") != std::string::npos;
  }));
}

TEST_F(AccessTest, APluginTellsAToken) {
  auto access = admin();
  const auto answer = write("answer", exec_answer(R"({"token":"stale"})"));
  const auto program =
      write("plugin", "#!/bin/sh\necho >> " + dir_ / "runs" + "\ncat " + answer + "\n", 0700);
  access.token = {};
  access.plugin = ExecPlugin{.api_version = "client.authentication.k8s.io/v1beta1", .argv = {program}};
  const auto client = client_of(access);
  EXPECT_EQ(ask(*client).error().code, ErrorCode::kPermission);
  write("answer", exec_answer(R"({"token":")" + cluster().token() + "\"}"));
  const auto found = ask(*client);
  EXPECT_TRUE(found) << found.error().message;
  EXPECT_TRUE(ask(*client));
  EXPECT_EQ(std::filesystem::file_size(dir_ / "runs"), 3u);
}

TEST_F(AccessTest, APodFindsItsServiceAccount) {
  const auto access = admin();
  write("ca.crt", access.ca.text);
  write("token", cluster().token());
  write("namespace", ns());
  const auto port = access.server.substr(access.server.rfind(':') + 1);
  const std::map<std::string, std::string> variables{{"KUBERNETES_SERVICE_HOST", "127.0.0.1"},
                                                     {"KUBERNETES_SERVICE_PORT", port}};
  const auto inside =
      access_from({.lookup =
                       [&](const std::string& name) {
                         const auto it = variables.find(name);
                         return it == variables.end() ? std::nullopt : std::optional(it->second);
                       },
                   .service_account = dir_.path()});
  ASSERT_TRUE(inside) << inside.error().message;
  const auto client = client_of(*inside);
  EXPECT_EQ(client->default_namespace(), ns());
  const auto found = ask(*client);
  EXPECT_TRUE(found) << found.error().message;
}

TEST_F(AccessTest, ChecksTheServersNameAndAuthority) {
  auto access = admin();
  access.tls_server_name = "kubernetes.default";
  auto found = ask(*client_of(access));
  EXPECT_TRUE(found) << found.error().message;
  access.tls_server_name = "elsewhere";
  found = ask(*client_of(access));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(found.error().message, HasSubstr("elsewhere"));
  access = admin();
  access.ca = {};
  found = ask(*client_of(access));
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message, HasSubstr("certificate"));
  EXPECT_THAT(found.error().hint, HasSubstr("certificate authority"));
  access.verify = false;
  found = ask(*client_of(access));
  EXPECT_TRUE(found) << found.error().message;
}

// An authority of the test's own, that a server takes for its clients'.
class CertificateTest : public ::testing::Test {
 protected:
  void openssl(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "openssl");
    const auto done = test::run_program(arguments);
    ASSERT_EQ(done.status, 0) << done.output;
  }
  void SetUp() override {
    const std::vector<std::string> key{
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"};
    auto authority = key, mine = key;
    authority.insert(authority.end(),
                     {"-subj", "/CN=ca", "-keyout", dir_ / "ca.key", "-out", dir_ / "ca.crt"});
    mine.insert(mine.end(), {"-subj", "/O=system:masters/CN=someone", "-keyout", dir_ / "me.key", "-out",
                             dir_ / "me.crt", "-CA", dir_ / "ca.crt", "-CAkey", dir_ / "ca.key", "-addext",
                             "extendedKeyUsage=clientAuth"});
    openssl(authority);
    openssl(mine);
  }
  std::string text(const std::string& name) const {
    std::ifstream stream(dir_ / name);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  const test::TempDir dir_;
  SystemClock clock_;
};

TEST_F(CertificateTest, AClientCertificateIsShown) {
  const test::PrivateCluster server({.api_flags = {"--client-ca-file=" + dir_ / "ca.crt"}});
  auto access = access_by(server.cluster().kubeconfig());
  access.token = {};
  const auto ask = [&] { return make_client(access, clock_)->get(kNamespaces, {}, "default"); };
  const auto nobody = ask();
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, ErrorCode::kPermission);
  access.certificate = {.path = dir_ / "me.crt"};
  access.key = {.path = dir_ / "me.key"};
  auto found = ask();
  EXPECT_TRUE(found) << found.error().message;
  access.certificate = {.text = text("me.crt")};
  access.key = {.text = text("me.key")};
  found = ask();
  EXPECT_TRUE(found) << found.error().message;

  const auto told = Json::object({{"kind", "ExecCredential"},
                                  {"apiVersion", "client.authentication.k8s.io/v1"},
                                  {"status", Json::object({{"clientCertificateData", text("me.crt")},
                                                           {"clientKeyData", text("me.key")}})}});
  std::ofstream(dir_ / "answer") << dump_json(told);
  access.certificate = access.key = {};
  access.plugin =
      ExecPlugin{.api_version = "client.authentication.k8s.io/v1", .argv = {"cat", dir_ / "answer"}};
  found = ask();
  EXPECT_TRUE(found) << found.error().message;
}

}  // namespace
}  // namespace holdfast::kubernetes
