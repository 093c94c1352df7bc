#include "runtimes/process/shim/text.h"

#include <cstdlib>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <unistd.h>

namespace holdfast::shim {

void Text::put(char c) {
  if (size_ + 1 >= capacity_) {
    full_ = true;
    return;
  }
  data_[size_++] = c;
}

Text& Text::add(std::string_view text) {
  for (const char c : text) put(c);
  return *this;
}

Text& Text::add(std::uint64_t number) {
  char digits[20];
  size_t n = 0;
  do digits[n++] = static_cast<char>('0' + number % 10);
  while ((number /= 10) != 0);
  while (n > 0) put(digits[--n]);
  return *this;
}

Text& Text::add(std::int64_t number) {
  if (number >= 0) return add(static_cast<std::uint64_t>(number));
  put('-');
  return add(~static_cast<std::uint64_t>(number) + 1);
}

namespace {
// Length of a well-formed UTF-8 sequence of two to four bytes at the front of text, else 0 (RFC 3629).
size_t multibyte_length(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned lead = byte(0);
  size_t length = 0;
  if (lead >= 0xC2 && lead <= 0xDF) length = 2;
  if (lead >= 0xE0 && lead <= 0xEF) length = 3;
  if (lead >= 0xF0 && lead <= 0xF4) length = 4;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F)) return 0;
  if ((lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F)) return 0;
  return length;
}
}  // namespace

Text& Text::add_json(std::string_view text) {
  put('"');
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text[0]);
    const size_t sequence = c >= 0x80 ? multibyte_length(text) : 0;
    if (c == '"' || c == '\\') {
      put('\\');
      put(text[0]);
    } else if (c >= 0x20 && c < 0x7F) {
      put(text[0]);
    } else if (sequence > 0) {
      add(text.substr(0, sequence));
    } else {
      constexpr char kHex[] = "0123456789abcdef";
      add("\\u00");
      put(kHex[c >> 4]);
      put(kHex[c & 15]);
    }
    text.remove_prefix(sequence > 0 ? sequence : 1);
  }
  put('"');
  return *this;
}

const char* Text::c_str() {
  data_[size_] = '\0';
  return data_;
}

namespace {
std::int64_t read_clock(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void put_digits(char* out, std::int64_t value, int digits) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) out[i] = static_cast<char>('0' + value % 10);
}

// Days since 1970-01-01 to a date (H. Hinnant, "chrono-compatible low-level date algorithms").
void civil(std::int64_t days, std::int64_t* year, std::int64_t* month, std::int64_t* day) {
  days += 719468;
  const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const std::int64_t doe = days - era * 146097;
  const std::int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const std::int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const std::int64_t mp = (5 * doy + 2) / 153;
  *day = doy - (153 * mp + 2) / 5 + 1;
  *month = mp < 10 ? mp + 3 : mp - 9;
  *year = yoe + era * 400 + (*month <= 2 ? 1 : 0);
}
}  // namespace

std::int64_t mono_ns() {
  return read_clock(CLOCK_MONOTONIC);
}
std::int64_t wall_ns() {
  return read_clock(CLOCK_REALTIME);
}

void stamp(std::int64_t wall, char* out) {
  static std::int64_t cached_second = -1;
  static char cached[20];
  std::int64_t second = wall / 1'000'000'000;
  if (second != cached_second) {
    cached_second = second;
    std::int64_t year = 0, month = 0, day = 0;
    civil(second / 86400, &year, &month, &day);
    second %= 86400;
    constexpr char kForm[] = "0000-00-00T00:00:00.";
    std::memcpy(cached, kForm, sizeof cached);  // without its NUL
    put_digits(cached, year, 4);
    put_digits(cached + 5, month, 2);
    put_digits(cached + 8, day, 2);
    put_digits(cached + 11, second / 3600, 2);
    put_digits(cached + 14, second / 60 % 60, 2);
    put_digits(cached + 17, second % 60, 2);
  }
  std::memcpy(out, cached, 20);
  put_digits(out + 20, wall / 1000 % 1'000'000, 6);
  out[26] = 'Z';
}

std::string_view read_small(const char* path, char* buffer, size_t size) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  const ssize_t n = read(fd, buffer, size - 1);
  close(fd);
  if (n <= 0) return {};
  buffer[n] = '\0';
  return {buffer, static_cast<size_t>(n)};
}

bool read_stat(int pid, std::uint64_t* start_ticks, int* parent) {
  char path_buffer[40];
  Text path(path_buffer, sizeof path_buffer);
  path.add("/proc/").add(std::int64_t{pid}).add("/stat");
  char buffer[1024];
  const std::string_view text = read_small(path.c_str(), buffer, sizeof buffer);
  const size_t name_end = text.rfind(')');  // the name may hold anything, ") " included
  if (name_end == std::string_view::npos) return false;
  char* at = buffer + name_end + 1;
  // Fields from the third on: state, parent, ..., the start time is the 22nd.
  for (int field = 3; field <= 22 && *at != '\0'; ++field) {
    while (*at == ' ') ++at;
    if (field == 4) *parent = static_cast<int>(std::strtol(at, nullptr, 10));
    if (field == 22) *start_ticks = std::strtoull(at, nullptr, 10);
    while (*at != ' ' && *at != '\0') ++at;
  }
  return true;
}

}  // namespace holdfast::shim
