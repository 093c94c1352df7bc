// A file system that is full when a test wants it to be.
#pragma once

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/support/support.h"

namespace holdfast::state::test {

// A tmpfs of the given size (as in mount -o size=), in a mount namespace that ends with this process: nothing
// stays mounted, however the test ends. Needs the right to mount.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& options) {
    if (unshare(CLONE_NEWNS) != 0 || !be_private() ||
        mount("tmpfs", dir_.path().c_str(), "tmpfs", 0, options.c_str()) != 0)
      throw std::runtime_error(std::string("cannot mount a tmpfs: ") + std::strerror(errno));
  }
  ~SmallDisk() { umount2(dir_.path().c_str(), MNT_DETACH); }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  [[nodiscard]] const std::string& path() const { return dir_.path(); }
  // Takes all the space there is left.
  void fill() const {
    std::ofstream filler(dir_ / "filler", std::ios::binary | std::ios::app);
    const std::string page(4096, 'f');
    while (filler.write(page.data(), static_cast<std::streamsize>(page.size())).flush()) continue;
  }
  void free() const { unlink((dir_ / "filler").c_str()); }
  void make_read_only(bool read_only) const {
    const unsigned long flags = MS_REMOUNT | (read_only ? MS_RDONLY : 0);
    if (mount(nullptr, dir_.path().c_str(), nullptr, flags, nullptr) != 0)
      throw std::runtime_error(std::string("cannot remount: ") + std::strerror(errno));
  }

 private:
  // In a chroot "/" is no mount, and what is mounted can be seen outside until the test ends.
  static bool be_private() {
    return mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 || errno == EINVAL;
  }

  holdfast::test::TempDir dir_;
};

}  // namespace holdfast::state::test
