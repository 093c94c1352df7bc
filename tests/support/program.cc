#include "tests/support/program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "controller/base/unique_fd.h"
#include "tests/support/support.h"

namespace holdfast::test {

namespace {

std::vector<std::string> environment_with(const std::map<std::string, std::string>& more) {
  std::vector<std::string> env;
  for (char** entry = environ; *entry; ++entry) {
    const std::string text = *entry;
    const auto name = text.substr(0, text.find('='));
    if (!more.contains(name) && !name.starts_with("HOLDFAST_") && !name.starts_with("CONTIMG_"))
      env.push_back(text);
  }
  for (const auto& [name, value] : more) env.emplace_back(name).append("=").append(value);
  return env;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

}  // namespace

pid_t spawn(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env, int stdin_fd,
            int output_fd) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, stdin_fd, 0);
  posix_spawn_file_actions_adddup2(&actions, output_fd, 1);
  posix_spawn_file_actions_adddup2(&actions, output_fd, 2);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  const auto environment = environment_with(env);
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, argv[0].c_str(), &actions, nullptr, pointers(argv).data(),
                                 pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  EXPECT_EQ(error, 0) << argv[0];
  return error ? -1 : pid;
}

Finished run_program(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env,
                     const std::string& input) {
  const TempDir dir;
  Finished finished;
  if (!write_file_atomically(dir / "in", input)) return finished;
  const UniqueFd in(open((dir / "in").c_str(), O_RDONLY | O_CLOEXEC));
  const UniqueFd out(open((dir / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const pid_t pid = spawn(argv, env, in.get(), out.get());
  int status = 0;
  if (pid <= 0 || waitpid(pid, &status, 0) != pid) return finished;
  finished.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  finished.output = read_file(dir / "out").value_or("");
  return finished;
}

bool signal_process(pid_t pid, int signal) {
  return pid > 0 && kill(pid, signal) == 0;
}

}  // namespace holdfast::test
