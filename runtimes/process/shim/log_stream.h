// One of the two log files of an instance, with rotation.
//
//   <name>         being written          every line: "2026-11-22T18:47:03.123456Z text\n"
//   <name>.1 ...   older, newest first    a line longer than kMaxLine goes on in the next one, which has '+'
//                                         instead of the blank after the time
//
// Rotation happens between two lines, by rename: nothing is copied, no line is lost or cut. What can't be
// written (disk full) is dropped and counted, and a line that says so follows as soon as there is room again:
// the service is never held up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::shim {

inline constexpr size_t kMaxLine = 16384;  // bytes of one line as the service writes it

// Files are relative to the current directory.
class LogStream {
 public:
  // 0 or an errno. `name` must outlive the object.
  int open(const char* name, std::int64_t max_size, int max_files);
  void feed(std::string_view bytes, std::int64_t wall);    // wall: when they were read
  void note(std::string_view message, std::int64_t wall);  // a line of the shim's own
  void finish();                                           // ends a last line that has no newline

 private:
  [[nodiscard]] int reopen();
  void begin_line(size_t upcoming, char separator);
  void put(std::string_view bytes);
  void flush();
  void drop(size_t written, int error);
  void count_lost_lines(std::string_view lost, bool from_start);
  void mark_drops();
  void rotate();

  const char* name_ = nullptr;
  int fd_ = -1;
  std::int64_t size_ = 0;  // of the file, without what waits in the buffer
  std::int64_t max_size_ = 0;
  int max_files_ = 1;
  std::int64_t wall_ = 0;
  size_t line_bytes_ = 0;         // of the line that the service is writing
  bool in_line_ = false;          // the service hasn't ended its line yet
  bool broken_line_ = false;      // the file doesn't end with a newline though a new line must begin
  bool resume_ = false;           // the line goes on, but what was written of it is lost
  bool partial_counted_ = false;  // the line that goes on is among the dropped ones already
  std::uint64_t pending_lines_ = 0, pending_bytes_ = 0;  // dropped and not yet told
  int drop_error_ = 0;
};

}  // namespace holdfast::shim
