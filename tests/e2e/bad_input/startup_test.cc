// What `holdfast serve`, `validate` and `import` say to what they can't use: what, where, and what to do.
// None of it starts anything.
#include <filesystem>

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "controller/base/unique_fd.h"
#include "tests/e2e/bad_input/bad_documents.h"
#include "tests/e2e/harness/controller.h"

namespace holdfast::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kMinimal = "apiVersion: holdfast/v1\nservices: {web: {command: [sleep, \"1000\"]}}\n";

std::vector<std::string> serve(const TempDir& dir, const std::string& config) {
  return {binary("holdfast"), "serve",
          "--config",         config,
          "--state-dir",      dir / "st",
          "--listen",         "unix:" + (dir / "api.sock"),
          "--metrics-listen", "unix:" + (dir / "metrics.sock")};
}

class RefusedFile : public testing::TestWithParam<BadDocument> {};

TEST_P(RefusedFile, IsToldWithPlaceAndRemedyAndStartsNothing) {
  const auto& bad = GetParam();
  const TempDir dir;
  const auto file = dir / bad.file;
  ASSERT_TRUE(write_file_atomically(file, bad.text));
  const auto served = run_program(serve(dir, file));
  EXPECT_EQ(served.status, 1);
  EXPECT_THAT(served.output, HasSubstr("nothing was started"));
  EXPECT_THAT(served.output, HasSubstr(bad.place.empty() ? file : file + ":" + bad.place));
  EXPECT_THAT(served.output, HasSubstr(bad.told));
  EXPECT_THAT(served.output, HasSubstr("holdfast validate " + file));
  EXPECT_THAT(served.output, Not(HasSubstr(": :")));
  EXPECT_FALSE(fs::exists(dir / "st/run/web"));

  const auto checked = run_program({binary("holdfast"), "validate", file});
  EXPECT_EQ(checked.status, 1);
  EXPECT_THAT(checked.output, HasSubstr(bad.place.empty() ? file : file + ":" + bad.place));
  EXPECT_THAT(checked.output, HasSubstr(bad.told));
}

INSTANTIATE_TEST_SUITE_P(BadInput, RefusedFile, testing::ValuesIn(bad_documents()),
                         [](const auto& document) { return document.param.name; });

TEST(RefusedStart, AFileThatIsNotThereIsNamed) {
  const TempDir dir;
  const auto served = run_program(serve(dir, dir / "nowhere.yaml"));
  EXPECT_EQ(served.status, 1);
  EXPECT_THAT(served.output, HasSubstr("cannot read " + dir.path() + "/nowhere.yaml: No such file"));
}

TEST(RefusedStart, APortInUseIsNamedAndNothingRuns) {
  const TempDir dir;
  const UniqueFd taken(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(taken.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(taken.get(), 1), 0);
  socklen_t size = sizeof address;
  ASSERT_EQ(getsockname(taken.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const auto listen_at = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  ASSERT_TRUE(write_file_atomically(dir / "c.yaml", kMinimal));
  for (const size_t option : {7u, 9u}) {  // --listen, --metrics-listen
    auto command = serve(dir, dir / "c.yaml");
    command.at(option) = listen_at;
    const auto served = run_program(command);
    EXPECT_EQ(served.status, 1);
    EXPECT_THAT(served.output, HasSubstr("cannot listen on " + listen_at + ": Address already in use"));
    EXPECT_THAT(served.output, HasSubstr("choose another address"));
    EXPECT_FALSE(fs::exists(dir / "st/run/web"));
  }
}

TEST(RefusedStart, AStateDirectoryThatCannotBeWrittenIsNamed) {
  const TempDir dir;
  ASSERT_TRUE(write_file_atomically(dir / "c.yaml", kMinimal, 0644));
  // The programs may lie where only this user may look.
  for (const auto* program : {"holdfast", "holdfast-shim"}) {
    fs::copy_file(binary(program), dir / program);
    fs::permissions(dir / program, fs::perms(0755));
  }
  fs::permissions(dir.path(), fs::perms(0755));
  fs::create_directory(dir / "st");
  fs::permissions(dir / "st", fs::perms(0555));
  auto command = serve(dir, dir / "c.yaml");
  command.front() = dir / "holdfast";
  if (geteuid() == 0) {
    const std::vector<std::string> as_nobody = {"setpriv", "--reuid=65534", "--regid=65534",
                                                "--clear-groups"};
    command.insert(command.begin(), as_nobody.begin(), as_nobody.end());
  }
  const auto served = run_program(command);
  EXPECT_EQ(served.status, 1);
  EXPECT_THAT(served.output, HasSubstr("lock file " + dir.path() + "/st/lock: Permission denied"));
  EXPECT_THAT(served.output, HasSubstr("write access to " + dir.path() + "/st"));
  EXPECT_THAT(served.output, HasSubstr("--state-dir"));
  for (auto& argument : command) {
    if (argument == dir / "st") argument = dir / "st/below";
  }
  const auto below = run_program(command);
  EXPECT_EQ(below.status, 1);
  EXPECT_THAT(below.output,
              HasSubstr("cannot make the directory " + dir.path() + "/st/below: Permission denied"));
  EXPECT_THAT(below.output, HasSubstr("--state-dir"));
}

TEST(RefusedStart, ASecondControllerIsToldOfTheFirstAndDisturbsNothing) {
  Controller first(kMinimal);
  first.start();
  const auto up =
      first.wait_service("web", [](const Json& web) { return web.at("phase").as_string() == "Running"; });
  ASSERT_TRUE(up);
  auto command = first.serve_command();
  for (auto& argument : command) {
    if (argument == "unix:" + first.socket()) argument = "unix:" + (first.dir() / "second.sock");
  }
  const auto second = run_program(command, first.environment());
  EXPECT_EQ(second.status, 1);
  EXPECT_THAT(second.output, HasSubstr("another controller (pid " + std::to_string(first.pid()) +
                                       ") uses the state directory " + first.state_dir()));
  EXPECT_THAT(second.output, HasSubstr("--state-dir"));
  const auto pid_of = [](const Json& web) { return web.at("instances").items().at(0).at("pid").as_int(); };
  EXPECT_EQ(pid_of(first.service("web")), pid_of(*up));
}

TEST(ComposeImport, WhatComesOutIsTakenAndWhatIsWrongHasItsPlace) {
  const TempDir dir;
  const auto file = dir / "compose.yaml", out = dir / "services.yaml";
  ASSERT_TRUE(write_file_atomically(dir / ".env", "TAG=1.4\n"));
  ASSERT_TRUE(write_file_atomically(
      file, "services:\n  my_app: {image: 'app:${TAG}', restart: always, volumes: ['./d:/d']}\n"));
  const std::vector<std::string> import = {binary("holdfast"), "import", "compose", file, "-o", out};
  const auto done = run_program(import);
  EXPECT_EQ(done.status, 0) << done.output;
  EXPECT_THAT(done.output, HasSubstr("services.my_app: is my-app now"));
  const auto text = read_file(out).value_or("");
  EXPECT_THAT(text, HasSubstr("image: \"app:1.4\""));
  EXPECT_THAT(text, HasSubstr(dir / "d:/d"));
  EXPECT_EQ(run_program({binary("holdfast"), "validate", out}).status, 0);
  EXPECT_EQ(run_program(import).status, 1) << "nothing is written over";

  ASSERT_TRUE(write_file_atomically(file, "services:\n  a:\n    image: x\n    ports: [99999]\n"));
  const auto bad = run_program({binary("holdfast"), "import", "compose", file});
  EXPECT_EQ(bad.status, 1);
  EXPECT_THAT(bad.output, HasSubstr(file + ":4:13: services.a.ports.0"));
}

}  // namespace
}  // namespace holdfast::test
