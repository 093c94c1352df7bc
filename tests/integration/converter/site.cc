#include "tests/integration/converter/site.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include "programs.h"
#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "examples/common/hdf5_file.h"
#include "examples/streaming-converter/join.h"

namespace holdfast::examples::test {

namespace fs = std::filesystem;

Program::Program(const std::vector<std::string>& argv, const Launch& launch) {
  std::vector<char*> arguments;
  for (const auto& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_ = fork();
  if (pid_ != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // nothing outlives an aborted test
  for (const auto& [name, value] : launch.environment) setenv(name.c_str(), value.c_str(), 1);
  const rlimit no_core{0, 0}, file_size{launch.max_file_bytes, launch.max_file_bytes};
  setrlimit(RLIMIT_CORE, &no_core);
  if (launch.max_file_bytes > 0) setrlimit(RLIMIT_FSIZE, &file_size);
  execv(arguments[0], arguments.data());
  _exit(127);
}

Program::~Program() {
  if (status_ >= 0) return;
  kill(pid_, SIGKILL);
  wait();
}

void Program::signal(int number) const {
  kill(pid_, number);
}

int Program::wait() {
  if (status_ >= 0) return status_;
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return status_;
}

bool Program::running() {
  siginfo_t info{};
  return status_ < 0 && waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

DirectoryEvents::DirectoryEvents(const std::string& directory, std::uint32_t mask)
    : fd_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  EXPECT_GE(inotify_add_watch(fd_.get(), directory.c_str(), mask), 0) << directory;
}

void DirectoryEvents::drain() {
  std::array<char, 4096> buffer;
  while (read(fd_.get(), buffer.data(), buffer.size()) > 0) {
  }
}

bool DirectoryEvents::wait(int timeout_ms) {
  pollfd event{fd_.get(), POLLIN, 0};
  return poll(&event, 1, timeout_ms) > 0;
}

Site::Site() {
  for (const auto& directory : {input(), output(), scratch()}) fs::create_directory(directory);
}

std::vector<std::string> Site::converter(const std::vector<std::string>& more) const {
  std::vector<std::string> argv{kConverterProgram,
                                "--input-dir",
                                input(),
                                "--output-dir",
                                output(),
                                "--queue-db",
                                queue(),
                                "--registry-db",
                                at("registry.sqlite3"),
                                "--scratch-dir",
                                scratch(),
                                "--poll-interval",
                                "0.2",
                                "--worker-poll-interval",
                                "0.05",
                                "--log-level",
                                "ERROR"};
  argv.insert(argv.end(), more.begin(), more.end());
  return argv;
}

std::vector<std::string> Site::feeder(const std::vector<std::string>& more) const {
  std::vector<std::string> argv{
      kFeederProgram, "--output-dir",       input(), "--channels", "4", "--baselines", "2",
      "--start",      "2026-01-01T00:00:00"};
  argv.insert(argv.end(), more.begin(), more.end());
  return argv;
}

FeederOptions Site::small_groups() const {
  FeederOptions options;
  options.output_dir = input();
  options.channels = 4;
  options.baselines = 2;
  return options;
}

std::string Site::text(const std::string& sql) const {
  try {
    SQLite::Database db(queue(), SQLite::OPEN_READONLY, 5000);
    SQLite::Statement query(db, sql);
    return query.executeStep() ? query.getColumn(0).getString() : "";
  } catch (const SQLite::Exception&) {
    return "";  // not created yet
  }
}

int Site::number(const std::string& sql) const {
  const auto answer = text(sql);
  return answer.empty() ? -1 : std::stoi(answer);
}

int Site::in_state(const std::string& state) const {
  return number("SELECT COUNT(*) FROM ingest_queue WHERE state='" + state + "'");
}

std::string Site::state_of(const std::string& group) const {
  return text("SELECT state FROM ingest_queue WHERE group_id='" + group + "'");
}

std::vector<std::string> files_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory))
    names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

void expect_product_of(const Site& site, const std::string& group, int subbands) {
  std::vector<Subband> parts;
  for (int i = 0; i < subbands; ++i) {
    auto part = read_subband(site.input() + "/" + subband_file_name({group, i}));
    ASSERT_TRUE(part) << part.error().message;
    parts.push_back(std::move(*part));
  }
  std::ranges::sort(parts, {}, [](const Subband& part) { return part.frequency_hz.front(); });
  std::vector<double> frequency;
  for (const auto& part : parts) {
    frequency.insert(frequency.end(), part.frequency_hz.begin(), part.frequency_hz.end());
  }
  std::vector<float> rows;
  for (std::size_t row = 0; row < parts.front().rows; ++row) {
    for (const auto& part : parts) {
      const auto width = static_cast<std::ptrdiff_t>(part.frequency_hz.size());
      const auto begin = part.visibilities.begin() + static_cast<std::ptrdiff_t>(row) * width;
      rows.insert(rows.end(), begin, begin + width);
    }
  }
  const auto product = inspect_product(site.product(group));
  ASSERT_TRUE(product) << product.error().message;
  EXPECT_EQ(product->group, group);
  EXPECT_EQ(product->subbands, subbands);
  const auto same = h5::with_hdf5("compare", [&] {
    const auto file = h5::open_file(site.product(group));
    return h5::read_doubles(h5::open_dataset(file, "frequency_hz")) == frequency &&
           h5::read_floats(h5::open_dataset(file, "visibilities")) == rows;
  });
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_TRUE(*same) << group;
}

}  // namespace holdfast::examples::test
