// A place for the real converter to work at, and the programs run there.
#pragma once

#include <csignal>
#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

#include "controller/base/unique_fd.h"
#include "examples/subband-feeder/feeder.h"
#include "tests/support/support.h"

namespace holdfast::examples::test {

struct Launch {
  std::map<std::string, std::string> environment;  // added to the test's own
  unsigned long max_file_bytes = 0;                // RLIMIT_FSIZE; 0: none
};

// A child process; killed and reaped at the end of its scope.
class Program {
 public:
  explicit Program(const std::vector<std::string>& argv, const Launch& launch = {});
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void signal(int number) const;
  int wait();                    // the exit code, or 128 + the signal
  [[nodiscard]] bool running();  // doesn't block

 private:
  pid_t pid_ = -1;
  int status_ = -1;
};

// Says when a file appears in a directory.
class DirectoryEvents {
 public:
  DirectoryEvents(const std::string& directory, std::uint32_t mask);
  void drain();
  bool wait(int timeout_ms);

 private:
  UniqueFd fd_;
};

class Site {
 public:
  Site();
  [[nodiscard]] std::string input() const { return dir_ / "in"; }
  [[nodiscard]] std::string output() const { return dir_ / "out"; }
  [[nodiscard]] std::string scratch() const { return dir_ / "scratch"; }
  [[nodiscard]] std::string queue() const { return dir_ / "queue.sqlite3"; }
  [[nodiscard]] std::string product(const std::string& group) const {
    return output() + "/" + group + ".hdf5";
  }
  [[nodiscard]] std::string at(const std::string& name) const { return dir_ / name; }

  // Short intervals; more is appended.
  [[nodiscard]] std::vector<std::string> converter(const std::vector<std::string>& more = {}) const;
  [[nodiscard]] std::vector<std::string> feeder(const std::vector<std::string>& more = {}) const;
  [[nodiscard]] FeederOptions small_groups() const;  // for write_group

  [[nodiscard]] int number(const std::string& sql) const;  // the first column; -1: no answer (yet)
  [[nodiscard]] std::string text(const std::string& sql) const;
  [[nodiscard]] int in_state(const std::string& state) const;
  [[nodiscard]] std::string state_of(const std::string& group) const;

 private:
  holdfast::test::TempDir dir_;
};

std::vector<std::string> files_in(const std::string& directory);  // names, sorted
// The product holds the data of the group's subband files in the order of their frequencies.
void expect_product_of(const Site& site, const std::string& group, int subbands);

}  // namespace holdfast::examples::test
