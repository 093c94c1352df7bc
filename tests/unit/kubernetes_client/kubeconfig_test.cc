#include <filesystem>
#include <fstream>

#include "runtimes/kubernetes/client/access.h"
#include "runtimes/kubernetes/client/yaml.h"
#include "tests/support/support.h"

namespace holdfast::kubernetes {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kLab = R"(apiVersion: v1
kind: Config
current-context: lab
clusters:
- name: lab
  cluster:
    server: https://10.0.0.1:6443/
    certificate-authority-data: Q0E=
- name: other
  cluster: {server: "http://127.0.0.1:8080", insecure-skip-tls-verify: true, tls-server-name: api.lab}
users:
- name: me
  user: {token: 0123, client-certificate: me.crt, client-key: keys/me.key}
- name: plugin
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: ./login
      args: [--cluster, 7]
      env:
      - {name: REGION, value: west}
      installHint: apt install login
      provideClusterInfo: true
contexts:
- name: lab
  context: {cluster: lab, user: me, namespace: pipeline}
- name: plugged
  context: {cluster: other, user: plugin}
- name: nobody
  context: {cluster: lab, user: ghost}
)";

class KubeconfigTest : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    const auto path = dir_ / name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
    return path;
  }
  Result<Access> read(const std::string& kubeconfig, const std::string& context = {}) {
    return access_from({.kubeconfig = kubeconfig, .context = context, .lookup = lookup()});
  }
  Result<Access> found(const std::string& context = {}) {
    return access_from({.context = context, .lookup = lookup(), .service_account = dir_ / "account"});
  }
  Lookup lookup() {
    return [this](const std::string& name) {
      const auto it = variables_.find(name);
      return it == variables_.end() ? std::nullopt : std::optional(it->second);
    };
  }
  std::string lab() {
    write("me.crt", "CERT");
    write("keys/me.key", "KEY");
    return write("lab", kLab);
  }

  test::TempDir dir_;
  std::map<std::string, std::string> variables_;
};

TEST_F(KubeconfigTest, ReadsTheCurrentContext) {
  const auto access = read(lab());
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->server, "https://10.0.0.1:6443");
  EXPECT_EQ(access->default_namespace, "pipeline");
  EXPECT_EQ(access->ca.text, "CA");
  EXPECT_EQ(access->token.text, "0123");
  EXPECT_EQ(access->certificate.path, dir_ / "me.crt");
  EXPECT_EQ(access->key.path, dir_ / "keys/me.key");
  EXPECT_TRUE(access->verify);
  EXPECT_EQ(access->where, "context 'lab' of " + dir_.path() + "/lab");
}

TEST_F(KubeconfigTest, ReadsAPlugin) {
  const auto access = read(lab(), "plugged");
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->default_namespace, "default");
  EXPECT_FALSE(access->verify);
  EXPECT_EQ(access->tls_server_name, "api.lab");
  ASSERT_TRUE(access->plugin);
  EXPECT_EQ(access->plugin->argv, (std::vector<std::string>{dir_ / "./login", "--cluster", "7"}));
  EXPECT_EQ(access->plugin->environment, std::vector<std::string>{"REGION=west"});
  EXPECT_TRUE(access->plugin->provide_cluster_info);
}

TEST_F(KubeconfigTest, TheFirstOfSeveralFilesWins) {
  write("a/config",
        "current-context: one\ncontexts:\n- name: one\n  context: {cluster: c, user: u}\n"
        "users:\n- name: u\n  user: {token: first}\n");
  write("b/config",
        "current-context: two\nusers:\n- name: u\n  user: {token: second, tokenFile: t}\n"
        "clusters:\n- name: c\n  cluster: {server: \"https://c:1\", certificate-authority: ca.pem}\n");
  write("b/ca.pem", "CA of b");
  variables_["KUBECONFIG"] = dir_ / "a/config" + ":" + dir_ / "missing" + "::" + dir_ / "b/config";
  const auto access = found();
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->token.text, "first");
  EXPECT_TRUE(access->token.path.empty());
  EXPECT_EQ(access->server, "https://c:1");
  EXPECT_EQ(access->ca.path, dir_ / "b/ca.pem");
}

TEST_F(KubeconfigTest, LooksForThePodBeforeTheHome) {
  variables_ = {{"HOME", dir_ / "home"}, {"KUBERNETES_SERVICE_HOST", "fd00::1"}};
  lab();
  write("home/.kube/config",
        "current-context: home\ncontexts:\n- name: home\n  context: {cluster: c}\n"
        "clusters:\n- name: c\n  cluster: {server: \"https://home:1\"}\n");
  const auto bare = found();
  ASSERT_FALSE(bare);
  EXPECT_THAT(bare.error().message, HasSubstr("account/ca.crt"));
  write("account/ca.crt", "CA");
  write("account/token", "secret\n");
  write("account/namespace", "team\n");
  const auto pod = found();
  ASSERT_TRUE(pod) << pod.error().message;
  EXPECT_EQ(pod->server, "https://[fd00::1]:443");
  EXPECT_EQ(pod->default_namespace, "team");
  EXPECT_EQ(pod->token.path, dir_ / "account/token");
  EXPECT_EQ(found("home")->server, "https://home:1");  // a context is of a file
  variables_.erase("KUBERNETES_SERVICE_HOST");
  EXPECT_EQ(found()->server, "https://home:1");
  variables_["HOME"] = dir_ / "nobody";
  const auto none = found();
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(none.error().message, HasSubstr("nobody/.kube/config"));
}

TEST_F(KubeconfigTest, SaysWhatIsWrongWithoutASecret) {
  struct Case {
    std::string from, to, context, message;
  };
  for (const auto& [from, to, context, message] : std::vector<Case>{
           {"", "", "prod", "no context 'prod'"},
           {"", "", "nobody", "no user 'ghost' (wanted by context 'nobody')"},
           {"Q0E=", "not base64!", "", "certificate-authority-data isn't base64"},
           {"https://10.0.0.1:6443/", "10.0.0.1", "", "server isn't"},
           {"https://10.0.0.1:6443/", "https://me:0123@10.0.0.1", "", "server isn't"},
           {"me.crt, client-key", "me.crt, clientkey", "", "one is missing"},
           {"token: 0123", "username: me, password: 0123", "", "username isn't supported"},
           {"token: 0123", "as: root, token: 0123", "", "as isn't supported"},
           {"token: 0123", "auth-provider: {name: gcp}", "", "auth-provider isn't supported"},
           {"io/v1\n", "io/v1alpha1\n", "plugged", "exec.apiVersion"},
           {"./login", "", "plugged", "names no command"},
           {"tls-server-name: api", "proxy-url: \"http://x\", x: api", "plugged",
            "proxy-url isn't supported"},
           {"me.crt", "gone.crt", "", "gone.crt"},
           {"token: 0123", "token: 0123, token: 0123", "", "there twice"},
           {"kind: Config", "kind: [Config", "", "line "},
       }) {
    lab();
    std::string text = kLab;
    if (!from.empty()) text.replace(text.find(from), from.size(), to);
    const auto access = read(write("bad", text), context);
    ASSERT_FALSE(access) << message;
    EXPECT_THAT(access.error().message, HasSubstr(message));
    EXPECT_THAT(access.error().message + access.error().hint, Not(HasSubstr("0123")));
    EXPECT_THAT(access.error().message, HasSubstr(dir_.path()));
  }
  const auto unknown = read(lab(), "prod");
  EXPECT_THAT(unknown.error().hint, HasSubstr("lab, nobody, plugged"));
  EXPECT_EQ(read(dir_ / "missing").error().code, ErrorCode::kNotFound);
  EXPECT_THAT(read(write("none", "clusters: []\n")).error().message, HasSubstr("no context is chosen"));
  EXPECT_THAT(read(write("text", "hello\n")).error().message, HasSubstr("isn't a kubeconfig"));
}

TEST(KubeconfigYaml, BoundsWhatAliasesAndNestingMake) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const auto last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int k = 0; k < 9; ++k) bomb += ", " + last;
    bomb += "]\n";
  }
  EXPECT_THAT(parse_yaml(bomb).error().message, HasSubstr("too large"));
  EXPECT_THAT(parse_yaml("a: &a [*a]\n").error().message, HasSubstr("part of"));
  EXPECT_FALSE(parse_yaml(std::string(40, '[') + std::string(40, ']')));
  EXPECT_FALSE(parse_yaml("a: 1\n---\nb: 2\n"));
  EXPECT_FALSE(parse_yaml(std::string("a: \0", 4)));
  EXPECT_FALSE(parse_yaml("a: \xff\n"));
  EXPECT_FALSE(parse_yaml("a: 'b\n"));
  EXPECT_FALSE(parse_yaml(std::string(5u << 20, ' ')));
  const auto aliased = parse_yaml("a: &x {k: 010}\nb: *x\nc: ~\n");
  ASSERT_TRUE(aliased) << aliased.error().message;
  EXPECT_EQ(aliased->at("b").at("k"), Json("010"));
  EXPECT_TRUE(aliased->at("c").is_null());
  EXPECT_TRUE(parse_yaml("")->is_null());
}

}  // namespace
}  // namespace holdfast::kubernetes
