// Pulls by a real engine from a real registry, docker-registry on the loopback of the engine's network.
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/base/unique_fd.h"
#include "tests/integration/docker_engine/fixture.h"
#include "tests/support/support.h"

namespace holdfast::docker {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

// Listens, and never answers; in another network namespace.
class SilentPort {
 public:
  explicit SilentPort(const std::string& netns) {
    std::thread([&] {
      const UniqueFd space(open(netns.c_str(), O_RDONLY | O_CLOEXEC));
      if (!space || setns(space.get(), CLONE_NEWNET) != 0) return;
      fd_.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      socklen_t size = sizeof address;
      auto* generic = reinterpret_cast<sockaddr*>(&address);
      if (bind(fd_.get(), generic, size) == 0 && listen(fd_.get(), 64) == 0 &&
          getsockname(fd_.get(), generic, &size) == 0)
        port_ = ntohs(address.sin_port);
    }).join();
  }
  [[nodiscard]] int port() const { return port_; }
  void close() { fd_.reset(); }

 private:
  UniqueFd fd_;
  int port_ = 0;
};

class Pull : public RealEngine {
 protected:
  void SetUp() override {
    RealEngine::SetUp();
    const char* netns = std::getenv("HOLDFAST_TEST_NETNS");
    if (!netns) GTEST_FAIL() << "HOLDFAST_TEST_NETNS has to name the engine's network namespace, a file";
    netns_ = netns;
  }
  void TearDown() override {
    if (registry_pid_ > 0) {
      kill(registry_pid_, SIGKILL);
      waitpid(registry_pid_, nullptr, 0);
      docker("rmi " + reference());
    }
    RealEngine::TearDown();
  }

  // Wants the user "someone" with the password "secret".
  void start_registry() {
    SilentPort free_port(netns_);
    free_port.close();
    host_ = "127.0.0.1:" + std::to_string(free_port.port());
    std::ofstream(dir_ / "users") << "someone:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n";
    std::ofstream(dir_ / "registry.yml")
        << "version: 0.1\nstorage: {filesystem: {rootdirectory: " << dir_ / "store" << "}}\nhttp: {addr: '"
        << host_ << "'}\nauth: {htpasswd: {realm: r, path: " << dir_ / "users" << "}}\n";
    std::ofstream(dir_ / "config.json")
        << R"({"auths":{")" << host_ << R"(":{"auth":"c29tZW9uZTpzZWNyZXQ="}}})";
    const std::string net = "--net=" + netns_, config = dir_ / "registry.yml";
    std::vector<std::string> words{"nsenter", net, "docker-registry", "serve", config};
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
    ASSERT_EQ(posix_spawnp(&registry_pid_, "nsenter", &quiet, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&quiet);
    ASSERT_TRUE(test::wait_until([&] { return pull(reference()).code == ErrorCode::kPermission; }))
        << pull(reference()).message;
    docker("tag " + image() + " " + reference());
    docker("push " + reference());
    docker("rmi " + reference());
    endpoint_.registry_config = dir_ / "config.json";
    known_ = make_engine_client(endpoint_, clock_);
  }
  int docker(const std::string& arguments) {
    return std::system(("docker --config " + dir_.path() + " -H " + endpoint_.where + " " +
                        arguments +  // NOLINT
                        " >/dev/null 2>&1")
                           .c_str());
  }
  [[nodiscard]] std::string reference(const std::string& tag = "1") const {
    return host_ + "/team/app:" + tag;
  }
  Error pull(const std::string& what) {
    const auto done = client_->pull(what, {}, {});
    return done ? Error{ErrorCode::kInternal, "pulled", {}} : done.error();
  }

  test::TempDir dir_;
  std::string netns_, host_;
  std::unique_ptr<Client> known_;  // has credentials

 private:
  pid_t registry_pid_ = -1;
};

TEST_F(Pull, FetchesAnImageWithTheCredentialsOfDocker) {
  ASSERT_NO_FATAL_FAILURE(start_registry());
  const auto refused = pull(reference());
  EXPECT_EQ(refused.code, ErrorCode::kPermission) << refused.message;
  EXPECT_THAT(refused.hint, HasSubstr("docker login " + host_));
  ASSERT_FALSE(known_->image(reference()).value());
  std::vector<std::string> told;
  const auto pulled =
      known_->pull(reference(), [&](const PullProgress& now) { told.push_back(now.message); }, {});
  ASSERT_TRUE(pulled) << pulled.error().message;
  EXPECT_TRUE(known_->image(reference()).value());
  EXPECT_TRUE(known_->pull(reference(), {}, {})) << "again";

  const auto no_tag = known_->pull(reference("nope"), {}, {});
  ASSERT_FALSE(no_tag);
  EXPECT_EQ(no_tag.error().code, ErrorCode::kNotFound) << no_tag.error().message;
  const auto no_image = known_->pull(host_ + "/team/other", {}, {});
  ASSERT_FALSE(no_image);
  EXPECT_EQ(no_image.error().code, ErrorCode::kNotFound) << no_image.error().message;
}

TEST_F(Pull, ARegistryThatIsNotThereIsUnavailable) {
  const auto refused = pull("127.0.0.1:1/team/app:1");
  EXPECT_EQ(refused.code, ErrorCode::kUnavailable) << refused.message;
  EXPECT_THAT(refused.hint, HasSubstr("127.0.0.1:1"));
  const auto nameless = pull("registry.invalid/team/app:1");
  EXPECT_EQ(nameless.code, ErrorCode::kUnavailable) << nameless.message;
}

TEST_F(Pull, ARegistryThatHangsIsATimeout) {
  const SilentPort silent(netns_);
  ASSERT_GT(silent.port(), 0);
  client_ = make_engine_client(endpoint_, clock_, {.pull_stall = std::chrono::milliseconds{500}});
  const auto stalled = pull("127.0.0.1:" + std::to_string(silent.port()) + "/team/app:1");
  EXPECT_EQ(stalled.code, ErrorCode::kTimeout) << stalled.message;
}

}  // namespace
}  // namespace holdfast::docker
