#include "runtimes/process/shim/log_stream.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtimes/process/shim/text.h"

namespace holdfast::shim {

namespace {

// Shared by both streams: it is empty between two calls.
char pending[32768];
size_t buffered = 0;

constexpr size_t kPrefix = kStampSize + 1;

const char* rotated_name(char* out, size_t size, const char* name, int index) {
  Text text(out, size);
  text.add(name);
  if (index > 0) text.add(".").add(std::int64_t{index});
  return text.c_str();
}

bool ends_within_line(int fd, std::int64_t size) {
  char last = '\n';
  return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

}  // namespace

int LogStream::open(const char* name, std::int64_t max_size, int max_files) {
  name_ = name;
  max_size_ = max_size;
  max_files_ = max_files;
  return reopen();
}

int LogStream::reopen() {
  const int fd = ::open(name_, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd < 0) return errno;
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
  struct stat info{};
  size_ = fstat(fd_, &info) == 0 ? info.st_size : 0;
  broken_line_ = ends_within_line(fd_, size_);
  return 0;
}

void LogStream::feed(std::string_view bytes, std::int64_t wall) {
  wall_ = wall;
  while (!bytes.empty()) {
    const size_t newline = bytes.find('\n');
    const size_t length = newline == std::string_view::npos ? bytes.size() : newline;
    const size_t take = length < kMaxLine - line_bytes_ ? length : kMaxLine - line_bytes_;
    if (!in_line_) {
      begin_line(take, ' ');
    } else if (take == 0 && length > 0) {  // the line is too long: go on in another one
      put("\n");
      begin_line(length < kMaxLine ? length : kMaxLine, '+');
      continue;
    }
    put(bytes.substr(0, take));
    line_bytes_ += take;
    bytes.remove_prefix(take);
    if (take == length && newline != std::string_view::npos) {
      put("\n");
      bytes.remove_prefix(1);
      in_line_ = false;
    }
  }
  flush();
}

void LogStream::note(std::string_view message, std::int64_t wall) {
  wall_ = wall;
  const bool interrupted = in_line_;
  if (interrupted) put("\n");
  begin_line(message.size() + 10, ' ');
  put("holdfast: ");
  put(message);
  put("\n");
  in_line_ = false;
  if (interrupted) begin_line(0, '+');
  flush();
}

void LogStream::finish() {
  if (in_line_) put("\n");
  in_line_ = false;
  flush();
}

void LogStream::begin_line(size_t upcoming, char separator) {
  if (buffered + kPrefix + upcoming + 1 > sizeof pending) flush();
  const auto total = static_cast<std::int64_t>(static_cast<size_t>(size_) + buffered);
  if (total > 0 && total + static_cast<std::int64_t>(kPrefix + upcoming + 1) > max_size_) {
    flush();
    rotate();
  }
  char prefix[kPrefix];
  stamp(wall_, prefix);
  prefix[kStampSize] = separator;
  resume_ = false;
  put({prefix, kPrefix});
  in_line_ = true;
  line_bytes_ = 0;
}

void LogStream::put(std::string_view bytes) {
  if (resume_ && !bytes.empty()) {  // the beginning of this line is lost
    resume_ = false;
    stamp(wall_, pending);
    pending[kStampSize] = '+';
    buffered = kPrefix;
  }
  while (!bytes.empty()) {
    if (buffered == sizeof pending) flush();
    const size_t room = sizeof pending - buffered;
    const size_t take = bytes.size() < room ? bytes.size() : room;
    std::memcpy(pending + buffered, bytes.data(), take);
    buffered += take;
    bytes.remove_prefix(take);
  }
}

void LogStream::flush() {
  if (buffered == 0) return;
  struct stat info{};
  if (fstat(fd_, &info) != 0 || info.st_nlink == 0) {  // deleted underneath: the next lines go to a new file
    if (const int error = reopen(); error != 0) {
      drop(0, error);
      return;
    }
  } else {
    size_ = info.st_size;  // somebody may have truncated it
  }
  if (pending_lines_ > 0 || pending_bytes_ > 0) mark_drops();
  if (broken_line_ && write(fd_, "\n", 1) == 1) {
    ++size_;
    broken_line_ = false;
  }
  const ssize_t n = broken_line_ ? -1 : write(fd_, pending, buffered);
  const size_t written = n > 0 ? static_cast<size_t>(n) : 0;
  if (written < buffered) {
    drop(written, n < 0 ? errno : ENOSPC);
    return;
  }
  size_ += n;
  if (std::memchr(pending, '\n', buffered) != nullptr) partial_counted_ = false;
  buffered = 0;
}

// Keeps the whole lines among the bytes that were written, and counts the rest.
void LogStream::drop(size_t written, int error) {
  const std::string_view done(pending, written);
  const size_t last = done.rfind('\n');
  const size_t keep = last == std::string_view::npos ? 0 : last + 1;
  const auto end = size_ + static_cast<std::int64_t>(keep);
  if (keep < written && ftruncate(fd_, end) != 0) broken_line_ = true;
  size_ = end;
  if (fd_ >= 0 && ends_within_line(fd_, size_)) broken_line_ = true;
  const std::string_view lost(pending + keep, buffered - keep);
  pending_bytes_ += lost.size();
  count_lost_lines(lost, keep == 0);
  drop_error_ = error;
  resume_ = buffered > 0 && pending[buffered - 1] != '\n';
  buffered = 0;
}

// A line of which any part is lost counts once, whichever of its parts are.
void LogStream::count_lost_lines(std::string_view lost, bool from_start) {
  std::uint64_t lines = 0;
  for (const char c : lost) lines += c == '\n' ? 1 : 0;
  const bool counted = partial_counted_ && from_start;  // the line that lost begins with
  const bool unfinished = !lost.empty() && lost.back() != '\n';
  pending_lines_ += lines + (unfinished ? 1 : 0) - (counted ? 1 : 0);
  partial_counted_ = unfinished;
}

// There may be room again: says what is missing, ahead of what comes next.
void LogStream::mark_drops() {
  char text_buffer[256];
  Text text(text_buffer, sizeof text_buffer);
  char now[kStampSize];
  stamp(wall_, now);
  const char* why = strerrordesc_np(drop_error_);
  if (broken_line_) text.add("\n");
  text.add({now, sizeof now}).add(" holdfast: ").add(pending_lines_).add(" lines (").add(pending_bytes_);
  text.add(" bytes with their times) are missing here: ").add(why != nullptr ? why : "write error").add("\n");
  const ssize_t n = write(fd_, text.view().data(), text.view().size());
  if (n != static_cast<ssize_t>(text.view().size())) {
    if (n > 0 && ftruncate(fd_, size_) != 0) broken_line_ = true;
    return;
  }
  size_ += n;
  broken_line_ = false;
  pending_lines_ = pending_bytes_ = 0;
}

void LogStream::rotate() {
  if (size_ == 0) return;
  if (max_files_ <= 1) {
    if (ftruncate(fd_, 0) == 0) size_ = 0;
    return;
  }
  char from[64], to[64];
  Text fresh(from, sizeof from);
  fresh.add(name_).add(".new");
  // First a new file, so that the old one stays in use while none can be made.
  const int fd = ::open(fresh.c_str(), O_RDWR | O_CREAT | O_APPEND | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd < 0) return;
  for (int i = max_files_; unlink(rotated_name(to, sizeof to, name_, i)) == 0; ++i) {
  }  // left over from a time when more files were kept
  for (int i = max_files_ - 2; i >= 0; --i) {
    rename(rotated_name(from, sizeof from, name_, i), rotated_name(to, sizeof to, name_, i + 1));
  }
  Text again(from, sizeof from);
  again.add(name_).add(".new");
  if (rename(again.c_str(), name_) != 0) {
    close(fd);
    return;
  }
  close(fd_);
  fd_ = fd;
  size_ = 0;
  broken_line_ = false;
}

}  // namespace holdfast::shim
