#include "runtimes/docker/tar.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

namespace holdfast::docker {

namespace {

constexpr size_t kBlock = 512;

// Fields of a header: where they begin, and how long they are.
struct Field {
  size_t at, size;
};
constexpr Field kName{0, 100}, kMode{100, 8}, kUid{108, 8}, kGid{116, 8}, kSize{124, 12}, kTime{136, 12},
    kChecksum{148, 8};
constexpr size_t kType = 156, kMagic = 257;

using Header = std::array<char, kBlock>;

void put_octal(Header& header, Field field, unsigned long value) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "%0*lo", static_cast<int>(field.size - 1), value);
  std::memcpy(header.data() + field.at, text.data(), field.size - 1);
}

}  // namespace

void add_tar_file(std::string& tar, std::string_view name, std::string_view content, unsigned mode) {
  Header header{};
  std::memcpy(header.data() + kName.at, name.data(), std::min(name.size(), kName.size - 1));
  put_octal(header, kMode, mode);
  put_octal(header, kUid, 0);
  put_octal(header, kGid, 0);
  put_octal(header, kSize, content.size());
  put_octal(header, kTime, 0);
  header[kType] = '0';
  std::memcpy(header.data() + kMagic, "ustar\00000", 8);
  std::memset(header.data() + kChecksum.at, ' ', kChecksum.size);
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put_octal(header, {kChecksum.at, kChecksum.size - 1}, sum);
  header[kChecksum.at + kChecksum.size - 2] = '\0';
  tar.append(header.data(), header.size());
  tar.append(content);
  tar.append((kBlock - content.size() % kBlock) % kBlock, '\0');
}

void end_tar(std::string& tar) {
  tar.append(2 * kBlock, '\0');
}

}  // namespace holdfast::docker
