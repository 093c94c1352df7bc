#include "runtimes/process/shim/start_block.h"

#include <cerrno>
#include <cstring>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace holdfast::shim {

namespace {

// Walks the strings at the end of the block, never past it.
class Strings {
 public:
  Strings(char* at, char* end) : at_(at), end_(end) {}
  char* next() {
    const size_t room = static_cast<size_t>(end_ - at_);
    void* nul = room > 0 ? std::memchr(at_, 0, room) : nullptr;
    if (nul == nullptr) {
      broken_ = true;
      return at_;
    }
    char* const text = at_;
    at_ = static_cast<char*>(nul) + 1;
    return text;
  }
  // `count` strings as a null-terminated array in `slots`.
  char** list(std::uint32_t count, char** slots) {
    for (std::uint32_t i = 0; i < count; ++i) slots[i] = next();
    slots[count] = nullptr;
    return slots;
  }
  [[nodiscard]] bool broken() const { return broken_; }

 private:
  char* at_;
  char* end_;
  bool broken_ = false;
};

// Copies what is needed after the start, none of it secret, out of the mapping.
bool keep_strings(StartBlock* block) {
  static char kept[16384];
  size_t used = 0;
  const auto keep = [&](const char* text) -> char* {
    const size_t size = std::strlen(text) + 1;
    if (used + size > sizeof kept) return nullptr;
    used += size;
    return static_cast<char*>(std::memcpy(kept + used - size, text, size));
  };
  for (const char** field :
       {&block->service, &block->spec_hash, &block->boot_id, &block->invocation, &block->program,
        &block->working_dir, &block->notify_address, &block->kill_cgroup, &block->oom_file}) {
    *field = keep(*field);
    if (*field == nullptr) return false;
  }
  for (char** cgroup = block->cgroups; *cgroup != nullptr; ++cgroup) {
    *cgroup = keep(*cgroup);
    if (*cgroup == nullptr) return false;
  }
  return true;
}

}  // namespace

int load_start_block(int fd, StartBlock* out) {
  struct stat info{};
  if (fstat(fd, &info) != 0) return errno;
  const auto size = static_cast<size_t>(info.st_size);
  if (size < sizeof(StartHeader)) return EINVAL;
  StartHeader peek;
  if (pread(fd, &peek, sizeof peek, 0) != static_cast<ssize_t>(sizeof peek)) return EINVAL;
  if (peek.magic != kMagic || peek.total_size > size) return EINVAL;
  // The pointer arrays go behind the text, in the same mapping: dropped together.
  const size_t pointers = (size_t{peek.argc} + peek.envc + 2) * sizeof(char*);
  if (peek.total_size + pointers > size) return EINVAL;

  char* base = static_cast<char*>(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
  if (base == MAP_FAILED) return errno;
  out->mapping = base;
  out->mapping_size = size;
  out->header = peek;
  char* at = base + sizeof(StartHeader);
  out->limits = reinterpret_cast<const LimitEntry*>(at);
  at += sizeof(LimitEntry) * peek.limit_count;
  out->groups = reinterpret_cast<const std::uint32_t*>(at);
  at += (sizeof(std::uint32_t) * peek.group_count + 7) / 8 * 8;
  char* const end = base + peek.total_size;
  if (at > end) return EINVAL;
  Strings strings(at, end);
  for (const char** field : {&out->service, &out->spec_hash, &out->boot_id, &out->invocation, &out->program,
                             &out->working_dir, &out->notify_address, &out->kill_cgroup, &out->oom_file}) {
    *field = strings.next();
  }
  if (peek.cgroup_count >= kMaxCgroups) return EINVAL;
  strings.list(peek.cgroup_count, out->cgroups);
  char** slots = reinterpret_cast<char**>(base + (peek.total_size + 7) / 8 * 8);
  out->argv = strings.list(peek.argc, slots);
  slots += peek.argc + 1;
  out->environment = strings.list(peek.envc, slots);
  if (strings.broken() || peek.argc == 0) return EINVAL;
  return keep_strings(out) ? 0 : ENAMETOOLONG;
}

void drop_start_block(StartBlock* block) {
  if (block->mapping != nullptr) munmap(block->mapping, block->mapping_size);
  block->mapping = nullptr;
  block->argv = block->environment = nullptr;
}

}  // namespace holdfast::shim
