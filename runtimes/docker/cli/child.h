// One process of a command, in a group of its own: started, signalled and reaped without a handler of
// SIGCHLD, so that any number of threads can each have theirs.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "controller/base/result.h"
#include "controller/base/unique_fd.h"

namespace holdfast::docker {

struct Command {
  std::vector<std::string> argv{};  // argv[0]: a path, or a name to look up in PATH; never a shell's text
  std::vector<std::string> environment{};  // "NAME=value", which win over the controller's own
  std::string input{};                     // all of stdin; empty: /dev/null
};

// Owns the process and the reading ends of its output. Move-only; not thread-safe.
class Child {
 public:
  // kUnavailable: there is no such program; kPermission: it isn't ours to execute; kInvalid: too long a line.
  static Result<Child> start(const Command& command);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();  // kills the group and reaps the process if that hasn't been done

  // Non-blocking; end of file only after everybody who holds the other end has closed it.
  [[nodiscard]] int out() const { return out_.get(); }
  [[nodiscard]] int err() const { return err_.get(); }
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }  // readable: the process has ended

  // Kills whoever is in the group. The process isn't reaped before, so the group's number is still its own.
  void kill_group() const;
  int reap();  // once: waits for the end; the exit code, or 128 + the signal, as a shell says it

 private:
  Child() = default;
  pid_t pid_ = -1;
  UniqueFd out_, err_, pidfd_;
};

}  // namespace holdfast::docker
