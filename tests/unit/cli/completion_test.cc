// The bash script is run in a real bash; those for zsh and fish are read.
#include <array>
#include <sstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "tests/support/support.h"
#include "tests/unit/cli/run_cli.h"

namespace holdfast::cli {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Words = std::vector<std::string>;

class BashCompletion : public ::testing::Test {
 protected:
  BashCompletion() {
    EXPECT_TRUE(write_file_atomically(dir_ / "completion.bash", run_cli({"completion", "bash"}).out));
    // Stands in for the program, which the script asks for the names of services.
    EXPECT_TRUE(write_file_atomically(
        dir_ / "holdfast", "#!/bin/sh\n[ \"$*\" = 'status -o names' ] && echo web && echo worker\n", 0755));
    EXPECT_TRUE(write_file_atomically(dir_ / "some.yaml", ""));
  }

  // What bash would offer for the last of the words.
  Words offered(const Words& words) {
    std::string line;
    for (const auto& word : words) line += " '" + word + "'";
    const auto script =
        "cd '" + dir_.path() + "'; PATH=\"$PWD:$PATH\"; source ./completion.bash; COMP_WORDS=(" + line +
        "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _holdfast; printf '%s\\n' \"${COMPREPLY[@]}\"";
    std::istringstream output(bash(script));
    Words result;
    for (std::string word; std::getline(output, word);) {
      if (!word.empty()) result.push_back(word);
    }
    return result;
  }

 private:
  std::string bash(const std::string& script) {
    const auto output = dir_ / "output";
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                     0600);
    posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
    std::array<std::string, 5> words{"bash", "--norc", "--noprofile", "-c", script};
    std::array<char*, 6> argv{words[0].data(), words[1].data(), words[2].data(),
                              words[3].data(), words[4].data(), nullptr};
    pid_t pid = 0;
    EXPECT_EQ(posix_spawnp(&pid, "bash", &files, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&files);
    int status = 0;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    return read_file(output).value_or("");
  }

  test::TempDir dir_;
};

TEST_F(BashCompletion, OffersSubcommands) {
  EXPECT_THAT(offered({"holdfast", "st"}), ElementsAre("status", "start", "stop"));
  EXPECT_THAT(offered({"holdfast", "config", "re"}), ElementsAre("revisions"));
  EXPECT_THAT(offered({"holdfast", "completion", ""}), ElementsAre("bash", "zsh", "fish"));
}

TEST_F(BashCompletion, OffersTheNamesOfServices) {
  EXPECT_THAT(offered({"holdfast", "restart", "w"}), ElementsAre("web", "worker"));
  EXPECT_THAT(offered({"holdfast", "stop", "web", "wo"}), ElementsAre("worker"));
  EXPECT_THAT(offered({"holdfast", "--server", "unix:/x", "status", "we"}), ElementsAre("web"));
}

TEST_F(BashCompletion, OffersOptionsAndTheirValues) {
  EXPECT_THAT(offered({"holdfast", "stop", "--"}), Contains("--no-wait"));
  EXPECT_THAT(offered({"holdfast", "stop", "--"}), Contains("--server"));
  EXPECT_THAT(offered({"holdfast", "stop", "--"}), Not(Contains("--config")));
  EXPECT_THAT(offered({"holdfast", "status", "-o", "j"}), ElementsAre("json"));
  EXPECT_THAT(offered({"holdfast", "serve", "--log-level", "w"}), ElementsAre("warning"));
}

TEST_F(BashCompletion, OffersFilesWhereFilesAreMeant) {
  EXPECT_THAT(offered({"holdfast", "validate", "so"}), ElementsAre("some.yaml"));
  EXPECT_THAT(offered({"holdfast", "plan", "-f", "so"}), ElementsAre("some.yaml"));
  EXPECT_THAT(offered({"holdfast", "import", "compose", "so"}), ElementsAre("some.yaml"));
  EXPECT_THAT(offered({"holdfast", "import", "compose", "-o", "so"}), ElementsAre("some.yaml"))
      << "there -o is a file";
  EXPECT_THAT(offered({"holdfast", "logs", "-f", "w"}), ElementsAre("web", "worker")) << "there -f is a flag";
}

TEST(Completion, OfZshAndFishNamesEverything) {
  const auto zsh = run_cli({"completion", "zsh"}).out;
  EXPECT_TRUE(zsh.starts_with("#compdef holdfast\n"));
  EXPECT_THAT(zsh, HasSubstr("_holdfast_config_rollback() {"));
  EXPECT_THAT(zsh, HasSubstr("'*:service:_holdfast_services'"));
  const auto fish = run_cli({"completion", "fish"}).out;
  EXPECT_THAT(fish, HasSubstr("complete -c holdfast -n '__fish_use_subcommand' -a restart"));
  EXPECT_THAT(fish,
              HasSubstr("'__fish_seen_subcommand_from stop' -a '(holdfast status -o names 2>/dev/null)'"));
}

TEST(Completion, OfAnotherShellIsRefused) {
  EXPECT_EQ(run_cli({"completion", "csh"}).code, kExitError);
}

}  // namespace
}  // namespace holdfast::cli
