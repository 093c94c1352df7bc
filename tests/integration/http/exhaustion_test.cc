// A server that runs out of file descriptors, as a process of its own.
#include <array>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/base/unique_fd.h"
#include "tests/integration/http/client.h"
#include "tests/support/support.h"

namespace holdfast::http::test {
namespace {

using holdfast::test::wait_until;

// Ends with its standard input.
class ServerProcess {
 public:
  explicit ServerProcess(int max_files) {
    std::array<int, 2> in{}, out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0)
      throw std::runtime_error("pipe");
    input_.reset(in[1]);
    UniqueFd child_in(in[0]), child_out(out[1]);
    const UniqueFd output(out[0]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, child_in.get(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, child_out.get(), STDOUT_FILENO);
    std::string program = HTTP_TEST_SERVER, address = "127.0.0.1:0", files = std::to_string(max_files);
    std::array<char*, 4> argv{program.data(), address.data(), files.data(), nullptr};
    const int error = ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error("cannot start " + program);
    child_in.reset();
    child_out.reset();
    std::array<char, 128> line{};
    const auto got = ::read(output.get(), line.data(), line.size());
    if (got <= 1) {
      finish();
      throw std::runtime_error(program + " didn't start");
    }
    address_.assign(line.data(), static_cast<size_t>(got - 1));
  }
  ~ServerProcess() {
    if (pid_ > 0) finish();
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  int finish() {  // exit status; -1: killed by a signal
    input_.reset();
    int status = 0;
    ::waitpid(std::exchange(pid_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] bool asleep() const {  // all threads
    for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/task")) {
      std::ifstream file(task.path() / "stat");
      std::string line;
      std::getline(file, line);
      const auto close = line.rfind(')');
      if (close != std::string::npos && line[close + 2] != 'S') return false;
    }
    return true;
  }

 private:
  pid_t pid_ = 0;
  UniqueFd input_;
  std::string address_;
};

TEST(Exhaustion, ClientsBeyondTheLimitAreClosedAndTheOthersServed) {
  ServerProcess server(40);
  std::vector<Client> clients;
  for (int i = 0; i < 100; ++i) clients.emplace_back(server.address());
  int served = 0, closed = 0;
  for (auto& client : clients) {
    client.get("/hello");
    const auto answer = client.read_answer();
    answer && answer->body == "hello\n" ? ++served : ++closed;
  }
  EXPECT_GT(served, 10);
  EXPECT_GT(closed, 50);
  int asleep = 0;
  EXPECT_TRUE(wait_until([&] {  // it doesn't spin on the listener
    asleep = server.asleep() ? asleep + 1 : 0;
    return asleep == 10;
  }));
  clients.clear();
  EXPECT_TRUE(wait_until([&] {  // and recovers
    Client client(server.address());
    client.get("/hello");
    const auto answer = client.read_answer();
    return answer && answer->body == "hello\n";
  }));
  EXPECT_EQ(server.finish(), 0);
}

TEST(Exhaustion, AServerThatCannotEvenStartSaysSo) {
  EXPECT_ANY_THROW(ServerProcess(8));
}

}  // namespace
}  // namespace holdfast::http::test
