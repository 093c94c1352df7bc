#include "tests/e2e/kube_cluster/port_forward.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "controller/base/file.h"
#include "controller/base/unique_fd.h"

namespace holdfast::test {

PortForward::PortForward(const KubeWorld& world, const std::string& target, int port) {
  const UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const UniqueFd output(open((dir_ / "log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  pid_ = spawn({"kubectl", "--kubeconfig", world.cluster().kubeconfig(), "--namespace", world.ns(),
                "port-forward", "--address", "127.0.0.1", target, ":" + std::to_string(port)},
               {}, null.get(), output.get());
  const std::string before = "Forwarding from ";
  const bool ready = wait_until([&] {
    const auto log = read_file(dir_ / "log").value_or("");
    const auto begin = log.find(before), end = log.find(" -> ");
    if (begin != std::string::npos && end != std::string::npos)
      address_ = log.substr(begin + before.size(), end - begin - before.size());
    return !address_.empty();
  });
  EXPECT_TRUE(ready) << target << ": " << read_file(dir_ / "log").value_or("");
}

PortForward::~PortForward() {
  if (signal_process(pid_, SIGKILL)) waitpid(pid_, nullptr, 0);
}

Finished ForwardedApi::cli(const std::vector<std::string>& arguments) const {
  std::vector<std::string> argv = {binary("holdfast"), "--server", "http://" + forward_.address()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return run_program(argv, {{"HOLDFAST_TOKEN", token_}});
}

}  // namespace holdfast::test
