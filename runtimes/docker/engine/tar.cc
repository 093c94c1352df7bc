#include "runtimes/docker/engine/tar.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace holdfast::docker {

namespace {

constexpr size_t kBlock = 512;
constexpr size_t kName = 100;

using Header = std::array<char, kBlock>;

void put(Header& header, size_t at, const std::string& text) {
  text.copy(header.data() + at, text.size());
}

std::string octal(size_t value, size_t digits) {
  std::string out(digits, '0');
  for (size_t i = digits; i-- > 0; value /= 8) out[i] = static_cast<char>('0' + value % 8);
  return out;
}

std::string header_of(const std::string& name, char type, size_t size) {
  Header header{};
  put(header, 0, name.substr(0, kName));
  put(header, 100, "0000755");
  put(header, 108, "0000000");  // owner, group
  put(header, 116, "0000000");
  put(header, 124, octal(size, 11));
  put(header, 136, octal(0, 11));  // the time of the last change
  put(header, 148, "        ");    // the checksum counts as blanks
  header[156] = type;
  put(header, 257, "ustar");
  put(header, 263, "00");
  const auto sum = std::accumulate(header.begin(), header.end(), size_t{0}, [](size_t total, char c) {
    return total + static_cast<unsigned char>(c);
  });
  put(header, 148, octal(sum, 6));
  header[154] = '\0';
  return {header.data(), header.size()};
}

std::string entry(const std::string& name) {
  std::string out;
  if (name.size() > kName) {
    const size_t size = name.size() + 1;
    out = header_of("././@LongLink", 'L', size) + name;
    out.append((name.size() / kBlock + 1) * kBlock - name.size(), '\0');
  }
  return out + header_of(name, '5', 0);
}

}  // namespace

std::string tar_of_directories(const std::string& path) {
  std::string out;
  for (size_t end = 0; end < path.size();) {
    end = std::min(path.find('/', end + 1), path.size());
    out += entry(path.substr(0, end) + "/");
  }
  return out.append(2 * kBlock, '\0');
}

}  // namespace holdfast::docker
