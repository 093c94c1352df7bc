// The start block as the shim sees it: argv and environment are views into a private mapping.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "runtimes/process/shim/protocol.h"

namespace holdfast::shim {

inline constexpr std::uint32_t kMaxCgroups = 8;

struct StartBlock {
  StartHeader header;
  const LimitEntry* limits = nullptr;
  const std::uint32_t* groups = nullptr;
  const char* service = nullptr;
  const char* spec_hash = nullptr;
  const char* boot_id = nullptr;
  const char* invocation = nullptr;      // unique to this run; in the environment of its whole tree
  const char* program = nullptr;         // path for execve
  const char* working_dir = nullptr;     // empty: the instance's directory
  const char* notify_address = nullptr;  // empty: none; "@name": abstract; else a path
  const char* kill_cgroup = nullptr;     // cgroup v2 directory of the tree, or empty
  const char* oom_file = nullptr;        // memory.oom_control (v1) or memory.events (v2), or empty
  char* cgroups[kMaxCgroups] = {};       // directories to join, null-terminated
  char** argv = nullptr;
  char** environment = nullptr;
  void* mapping = nullptr;
  size_t mapping_size = 0;
};

// Maps the block at fd; 0 or an errno.
int load_start_block(int fd, StartBlock* out);
// Forgets argv and the environment, which may hold secrets.
void drop_start_block(StartBlock* block);

}  // namespace holdfast::shim
