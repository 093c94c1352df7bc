// What a program is given, and what is said when it can't be given that.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtimes/process/proc.h"
#include "tests/integration/process/fixture.h"

namespace holdfast::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class StartTest : public ProcessTest {
 protected:
  std::string make_file(const std::string& name, const std::string& content, unsigned mode) {
    const std::string path = files_ / name;
    std::ofstream(path) << content;
    chmod(path.c_str(), mode);
    return path;
  }
  ServiceSpec of(std::vector<std::string> argv) {
    auto spec = ProcessWorld::spec("web", {});
    spec.argv = std::move(argv);
    return spec;
  }
  std::string start_failure(const ServiceSpec& spec) {
    EXPECT_TRUE(start(spec));
    const auto exit = exit_of("web");
    EXPECT_TRUE(exit.start_failed);
    return exit.reason;
  }
  TempDir files_;
};

TEST_F(StartTest, AMissingProgramIsNamed) {
  EXPECT_THAT(start_failure(of({"/no/such/program"})), HasSubstr("/no/such/program: No such file"));
}

TEST_F(StartTest, ANameThatPathDoesNotHoldIsNamed) {
  auto spec = of({"no-such-program"});
  EXPECT_EQ(runtime().validate(spec).error().code, ErrorCode::kInvalid);
  EXPECT_THAT(start_failure(spec), HasSubstr("no-such-program: no such program in the service's PATH"));
}

TEST_F(StartTest, AFileThatIsNotExecutableIsNamed) {
  const auto path = make_file("plain", "text", 0644);
  const auto refused = runtime().validate(of({path}));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("isn't executable"));
  EXPECT_THAT(start_failure(of({path})), HasSubstr("Permission denied"));
}

TEST_F(StartTest, AScriptWithoutItsInterpreterIsTold) {
  const auto path = make_file("script", "#!/no/such/interpreter\n", 0755);
  EXPECT_THAT(start_failure(of({path})), HasSubstr("interpreter"));
}

TEST_F(StartTest, AFileOfNoKnownFormatIsTold) {
  const auto path = make_file("noise", "\x01\x02 no program", 0755);
  EXPECT_THAT(start_failure(of({path})), HasSubstr("not a program that this machine can run"));
}

TEST_F(StartTest, AMissingWorkingDirectoryIsTold) {
  auto spec = ProcessWorld::spec("web", {"pause"});
  spec.working_dir = "/no/such/directory";
  EXPECT_EQ(runtime().validate(spec).error().code, ErrorCode::kInvalid);
  EXPECT_THAT(start_failure(spec), HasSubstr("/no/such/directory"));
}

TEST_F(StartTest, TheWorkingDirectoryIsTheInstancesOwnOrTheOneSet) {
  ASSERT_TRUE(start("web", {"ids", "pause"}));
  ASSERT_TRUE(wait_until([&] { return !texts("web").empty(); }));
  EXPECT_THAT(texts("web")[0], HasSubstr("cwd " + world_.run_dir("web")));
  auto spec = ProcessWorld::spec("api", {"ids", "pause"});
  spec.working_dir = files_.path();
  ASSERT_TRUE(start(spec));
  ASSERT_TRUE(wait_until([&] { return !texts("api").empty(); }));
  EXPECT_THAT(texts("api")[0], HasSubstr("cwd " + files_.path()));
}

TEST_F(StartTest, TheEnvironmentIsTheControllersWithoutItsOwnSecrets) {
  setenv("HOLDFAST_TOKEN", "controller-secret", 1);
  setenv("COMMON_SETTING", "inherited", 1);
  auto spec = ProcessWorld::spec("web", {"env", "HOLDFAST_TOKEN", "env", "COMMON_SETTING", "env", "MINE",
                                         "env", "HOLDFAST_SERVICE", "print", "done", "pause"});
  spec.env["MINE"] = "a=b=c $HOME";
  ASSERT_TRUE(start(spec));
  ASSERT_TRUE(says("web", "done"));
  unsetenv("HOLDFAST_TOKEN");
  unsetenv("COMMON_SETTING");
  EXPECT_THAT(texts("web"), testing::ElementsAre("HOLDFAST_TOKEN=(unset)", "COMMON_SETTING=inherited",
                                                 "MINE=a=b=c $HOME", "HOLDFAST_SERVICE=web", "done"));
}

TEST_F(StartTest, NoDescriptorOfTheControllerOrTheShimIsInherited) {
  ASSERT_TRUE(start("web", {"print", "up", "pause"}));
  ASSERT_TRUE(says("web", "up"));
  std::vector<std::string> numbers;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(*observe("web")->pid) + "/fd"))
    numbers.push_back(entry.path().filename().string());
  EXPECT_THAT(numbers, testing::UnorderedElementsAre("0", "1", "2"));
}

TEST_F(StartTest, SecretsReachTheEnvironmentAndNothingElse) {
  const std::string secret = "s3cr3t-value-of-the-test";
  auto spec = ProcessWorld::spec("web", {"env", "PASSWORD", "print", "done", "pause"});
  spec.env["PASSWORD"] = SecretRef{
      .source = SecretRef::Source::kFile, .name = make_file("secret", secret + "\n", 0600), .key = {}};
  ASSERT_TRUE(start(spec));
  ASSERT_TRUE(says("web", "done"));
  EXPECT_THAT(texts("web"), Contains("PASSWORD=" + secret));
  for (const auto& entry : std::filesystem::directory_iterator(world_.run_dir("web"))) {
    if (!entry.is_regular_file() || entry.path().extension() == ".log") continue;
    EXPECT_THAT(read_file(entry.path().string()).value_or(""), Not(HasSubstr(secret))) << entry.path();
  }
  const std::string shim = "/proc/" + std::to_string(shim_of(world_, "web"));
  EXPECT_THAT(read_file(shim + "/cmdline").value(), Not(HasSubstr(secret)));
  EXPECT_THAT(read_file(shim + "/environ").value(), Not(HasSubstr(secret)));
}

TEST_F(StartTest, AMissingSecretStopsTheStartAndIsNamed) {
  auto spec = ProcessWorld::spec("web", {"pause"});
  spec.env["PASSWORD"] = SecretRef{.source = SecretRef::Source::kFile, .name = "/no/such/secret", .key = {}};
  const auto refused = start(spec);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("PASSWORD"));
  EXPECT_THAT(refused.error().message, HasSubstr("/no/such/secret"));
  EXPECT_FALSE(observe("web"));
  spec.env["PASSWORD"] = SecretRef{.source = SecretRef::Source::kEnv, .name = "NO_SUCH_VARIABLE", .key = {}};
  EXPECT_THAT(runtime().validate(spec).error().message, HasSubstr("NO_SUCH_VARIABLE"));
}

TEST_F(StartTest, LimitsAndNiceAreSet) {
  auto spec = ProcessWorld::spec("web", {"limit", std::to_string(RLIMIT_NOFILE), "limit",
                                         std::to_string(RLIMIT_CORE), "ids", "print", "done", "pause"});
  spec.process.limits = {{"nofile", 321}, {"core", 0}};
  spec.process.nice = 3;
  ASSERT_TRUE(start(spec));
  ASSERT_TRUE(says("web", "done"));
  const int own = getpriority(PRIO_PROCESS, 0);
  const auto said = texts("web");
  EXPECT_EQ(said[0], "limit 321");
  EXPECT_EQ(said[1], "limit 0");
  EXPECT_THAT(said[2], HasSubstr("nice " + std::to_string(std::min(own + 3, 19))));
}

TEST_F(StartTest, AnUnknownOrAbsurdLimitIsRefusedBeforehand) {
  auto spec = ProcessWorld::spec("web", {"pause"});
  spec.process.limits = {{"nofiles", 5}};
  EXPECT_THAT(runtime().validate(spec).error().message, HasSubstr("'nofiles'"));
  spec.process.limits = {{"nofile", -7}};
  EXPECT_EQ(runtime().validate(spec).error().code, ErrorCode::kInvalid);
}

TEST_F(StartTest, ManyAndLargeArgumentsPassUnchanged) {
  std::vector<std::string> words;
  for (int i = 0; i < 300; ++i) {
    words.emplace_back("print");
    words.push_back(std::string(200, static_cast<char>('a' + i % 26)) + " \"'\\ $(x) " + std::to_string(i));
  }
  words.emplace_back("pause");
  ASSERT_TRUE(start("web", words));
  ASSERT_TRUE(wait_until([&] { return texts("web").size() == 300; }));
  const auto said = texts("web");
  for (size_t i = 0; i < 300; ++i) EXPECT_EQ(said[i], words[2 * i + 1]);
}

TEST_F(StartTest, AnArgumentWithNulIsRefused) {
  EXPECT_EQ(start("web", {"print", std::string("a\0b", 3)}).error().code, ErrorCode::kInvalid);
}

TEST_F(StartTest, AMissingShimIsAnErrorOfTheFactory) {
  SystemClock clock;
  EventLoop loop;
  const auto made = make_process_runtime(loop, clock, {files_.path(), "/no/such/holdfast-shim"});
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, HasSubstr("/no/such/holdfast-shim"));
}

// Only a privileged test run can become somebody else; an unprivileged one is refused, which is tested then.
TEST_F(StartTest, TheUserIsSwitchedOrTheLackOfPrivilegeTold) {
  auto spec = ProcessWorld::spec("web", {"ids", "env", "HOME", "env", "USER", "notify", "READY=1", "pause"});
  spec.user = "nobody";
  spec.working_dir = "/";
  if (geteuid() != 0) {
    EXPECT_EQ(runtime().validate(spec).error().code, ErrorCode::kPermission);
    return;
  }
  ASSERT_TRUE(runtime().validate(spec));
  // The test's programs may lie where nobody else may look.
  std::filesystem::copy_file(HOLDFAST_TEST_SERVICE, files_ / "service");
  chmod(files_.path().c_str(), 0755);
  spec.argv[0] = files_ / "service";
  ASSERT_TRUE(start(spec));
  ASSERT_TRUE(wait_until([&] { return observe("web")->notify_ready; })) << observe("web")->exit->reason;
  const auto said = texts("web");
  EXPECT_THAT(said[0], HasSubstr("uid 65534 gid 65534 groups 65534 nice"));
  EXPECT_THAT(said, Contains("USER=nobody"));
}

TEST_F(StartTest, AnUnknownUserIsRefused) {
  auto spec = ProcessWorld::spec("web", {"pause"});
  spec.user = "no-such-user";
  EXPECT_EQ(runtime().validate(spec).error().code, ErrorCode::kInvalid);
  EXPECT_THAT(start(spec).error().message, HasSubstr("no-such-user"));
}

}  // namespace
}  // namespace holdfast::test
