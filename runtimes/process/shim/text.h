// Text in a fixed buffer, and the two clocks. The shim allocates nothing: its memory is counted in pages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::shim {

// Appends as long as there is room; `full()` tells that something was cut.
class Text {
 public:
  Text(char* data, size_t capacity) : data_(data), capacity_(capacity) {}
  Text& add(std::string_view text);
  Text& add(std::int64_t number);
  Text& add(std::uint64_t number);
  Text& add_json(std::string_view text);  // quoted; other bytes than printable ASCII and UTF-8 are escaped
  [[nodiscard]] std::string_view view() const { return {data_, size_}; }
  const char* c_str();
  [[nodiscard]] bool full() const { return full_; }
  void clear() { size_ = 0, full_ = false; }

 private:
  void put(char c);
  char* data_;
  size_t capacity_;  // one byte stays free for the NUL of c_str()
  size_t size_ = 0;
  bool full_ = false;
};

std::int64_t mono_ns();
std::int64_t wall_ns();

inline constexpr size_t kStampSize = 27;
// "2026-11-22T18:47:03.123456Z" into out, without a NUL.
void stamp(std::int64_t wall, char* out);

// A whole small file into buffer (NUL-terminated); empty if it can't be read.
std::string_view read_small(const char* path, char* buffer, size_t size);
// Field 22 (start time) and 4 (parent) of /proc/<pid>/stat; false if there is no such process.
bool read_stat(int pid, std::uint64_t* start_ticks, int* parent);

}  // namespace holdfast::shim
