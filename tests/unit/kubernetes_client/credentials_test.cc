#include "runtimes/kubernetes/client/credentials.h"

#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>

#include "controller/base/file.h"
#include "runtimes/kubernetes/client/command.h"
#include "tests/support/support.h"

namespace holdfast::kubernetes {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

class CredentialsTest : public ::testing::Test {
 protected:
  // A plugin whose body is a shell's text; it appends a line to `runs` first.
  Access plugged(const std::string& body) {
    const auto path = dir_ / "plugin";
    EXPECT_TRUE(
        write_file_atomically(path, "#!/bin/sh\necho >> " + dir_ / "runs" + "\n" + body + "\n", 0755));
    return {.where = "context 'lab'",
            .server = "https://10.0.0.1:6443",
            .ca = {.text = "CA"},
            .plugin = ExecPlugin{.api_version = "client.authentication.k8s.io/v1",
                                 .argv = {path, "one two"},
                                 .environment = {"REGION=west"},
                                 .install_hint = "install it",
                                 .provide_cluster_info = true}};
  }
  size_t runs() { return read_file(dir_ / "runs").value_or("").size(); }
  static std::string answer(const std::string& status) {
    return R"(echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":)" +
           status + "}'";
  }

  test::TempDir dir_;
  test::SimClock clock_;
};

TEST_F(CredentialsTest, ReadsAFileAgainWhenItIsReplaced) {
  const auto path = dir_ / "token";
  ASSERT_TRUE(write_file_atomically(path, "one\n"));
  Credentials credentials({.token = {.path = path}}, clock_, seconds{5});
  EXPECT_EQ(credentials.get()->token, "one");
  ASSERT_TRUE(write_file_atomically(path, "two\n"));
  EXPECT_EQ(credentials.get()->token, "one");  // looked at less than a second ago
  clock_.advance(seconds{1});
  EXPECT_EQ(credentials.get()->token, "two");
  ASSERT_TRUE(write_file_atomically(path, "three\n"));
  credentials.refused(*credentials.get());
  EXPECT_EQ(credentials.get()->token, "three");
  // While it is being replaced it may be missing for a moment.
  std::filesystem::remove(path);
  clock_.advance(seconds{61});
  EXPECT_EQ(credentials.get()->token, "three");
}

TEST_F(CredentialsTest, ReadsAFileOnceAMinuteInAnyCase) {
  const auto path = dir_ / "token";
  ASSERT_TRUE(write_file_atomically(path, "one"));
  struct stat before{};
  ASSERT_EQ(stat(path.c_str(), &before), 0);
  Credentials credentials({.token = {.path = path}}, clock_, seconds{5});
  EXPECT_EQ(credentials.get()->token, "one");
  std::ofstream(path) << "two";  // the same inode, size and, set back, time
  const std::array<timespec, 2> times{before.st_atim, before.st_mtim};
  ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times.data(), 0), 0);
  clock_.advance(seconds{2});
  EXPECT_EQ(credentials.get()->token, "one");
  clock_.advance(seconds{60});
  EXPECT_EQ(credentials.get()->token, "two");
}

TEST_F(CredentialsTest, RefusesATokenOfSeveralLines) {
  Credentials credentials({.where = "w", .token = {.text = "secret\r\nX-Evil: 1"}}, clock_, seconds{5});
  const auto grant = credentials.get();
  ASSERT_FALSE(grant);
  EXPECT_THAT(grant.error().message, Not(HasSubstr("secret")));
  Credentials gone({.where = "w", .token = {.path = dir_ / "gone"}}, clock_, seconds{5});
  EXPECT_EQ(gone.get().error().code, ErrorCode::kUnavailable);
}

TEST_F(CredentialsTest, RunsAPluginOncePerLifeOfItsToken) {
  const auto access =
      plugged("[ \"$1\" = 'one two' ] && [ $REGION = west ] || exit 9\necho \"$KUBERNETES_EXEC_INFO\" > " +
              dir_ / "info\n" + answer(R"({"token":"t-1","expirationTimestamp":"2026-01-01T00:10:00Z"})"));
  Credentials credentials(access, clock_, seconds{20});
  const auto first = credentials.get();
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->token, "t-1");
  EXPECT_EQ(first->ca, "CA");
  EXPECT_EQ(credentials.get()->token, "t-1");
  EXPECT_EQ(runs(), 1u);
  clock_.advance(std::chrono::minutes{10});
  EXPECT_TRUE(credentials.get());
  EXPECT_EQ(runs(), 2u);
  clock_.set_wall(WallTime{seconds{1767225600}});
  Grant older = *credentials.get();
  older.token = "t-0";
  credentials.refused(older);  // has been replaced meanwhile
  EXPECT_TRUE(credentials.get());
  const auto before = runs();
  credentials.refused(*credentials.get());
  EXPECT_TRUE(credentials.get());
  EXPECT_EQ(runs(), before + 1);
  const auto info = parse_json(read_file(dir_ / "info").value_or(""));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->at("apiVersion").as_string(), "client.authentication.k8s.io/v1");
  EXPECT_EQ(info->at("spec").at("cluster").at("server").as_string(), "https://10.0.0.1:6443");
  EXPECT_EQ(info->at("spec").at("cluster").at("certificate-authority-data").as_string(), "Q0E=");
}

TEST_F(CredentialsTest, TakesAClientCertificateFromAPlugin) {
  const auto access = plugged(answer(R"({"clientCertificateData":"CERT","clientKeyData":"KEY"})"));
  Credentials credentials(access, clock_, seconds{20});
  const auto grant = credentials.get();
  ASSERT_TRUE(grant) << grant.error().message;
  EXPECT_EQ(grant->certificate, "CERT");
  EXPECT_EQ(grant->key, "KEY");
}

TEST_F(CredentialsTest, SaysWhatIsWrongWithAPlugin) {
  struct Case {
    std::string body, message;
  };
  for (const auto& [body, message] : std::vector<Case>{
           {"echo first >&2; printf 'not\\033logged in\\n' >&2; exit 3", "ended with code 3: not logged in"},
           {"echo hello", "didn't write JSON"},
           {"echo '{}'", "didn't write an ExecCredential"},
           {R"(echo '{"kind":"ExecCredential","apiVersion":"v2"}')", "speaks another version"},
           {answer(R"({})"), "neither a token nor"},
           {answer(R"({"clientKeyData":"secret"})"), "only one of"},
           {answer(R"({"token":"secret","expirationTimestamp":"soon"})"), "is no time"},
           {"kill -9 $$", "ended with code 137"},
       }) {
    Credentials credentials(plugged(body), clock_, seconds{20});
    const auto grant = credentials.get();
    ASSERT_FALSE(grant) << body;
    EXPECT_EQ(grant.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(grant.error().message, HasSubstr(message));
    EXPECT_THAT(grant.error().message, Not(HasSubstr("secret")));
  }
  auto missing = plugged("");
  missing.plugin->argv = {dir_ / "missing"};
  const auto gone = Credentials(missing, clock_, seconds{20}).get();
  EXPECT_THAT(gone.error().message, HasSubstr("cannot start " + dir_ / "missing"));
  EXPECT_EQ(gone.error().hint, "install it");
}

TEST_F(CredentialsTest, EndsAPluginAtItsDeadline) {
  Credentials credentials(plugged("sleep 600 & sleep 600"), clock_, std::chrono::milliseconds{300});
  EXPECT_EQ(credentials.get().error().code, ErrorCode::kTimeout);
  // What it leaves behind doesn't hold up its answer.
  Credentials lingering(plugged("sleep 600 &\n" + answer(R"({"token":"t"})")), clock_, seconds{20});
  EXPECT_EQ(lingering.get()->token, "t");
  EXPECT_EQ(run_command({"sh", "-c", "head -c 3000000 /dev/zero"}, {}, seconds{20}).error().code,
            ErrorCode::kInvalid);
}

}  // namespace
}  // namespace holdfast::kubernetes
