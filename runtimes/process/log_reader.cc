#include "runtimes/process/log_reader.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/base/unique_fd.h"

namespace holdfast::process {

namespace {

constexpr size_t kStampSize = 27;     // "2026-11-22T18:47:03.123456Z"
constexpr off_t kBlock = 64 << 10;    // bytes per read, backwards
constexpr size_t kTailMax = 100'000;  // lines per stream, whatever is asked for

// A last line without its end is shown once nothing came for so long: a prompt, not a line being written.
constexpr Duration kRest = std::chrono::milliseconds{200};
constexpr int kRotationPatience = 1000;  // looks at the names while the shim renames

struct OpenFile {
  UniqueFd fd;
  struct stat info{};
};

// Lines of one stream, newest first, over the rotated files. The shim may rotate meanwhile, so the next older
// file is the one whose name follows the name that the current one has *then*.
class StreamTail {
 public:
  StreamTail(std::string path, int ordinal, const char* stream, const LogQuery& query, WallTime now)
      : path_(std::move(path)),
        ordinal_(ordinal),
        stream_(stream),
        since_(query.since),
        still_(now - kRest),
        limit_(std::min(query.tail, kTailMax)) {}

  Result<std::vector<LogLine>> read() {
    auto file = newest();
    while (file && *file && !done_) {
      read_backwards(**file);
      if (!done_) file = older(**file);
    }
    if (!file) return fail(file.error());
    std::reverse(lines_.begin(), lines_.end());
    return std::move(lines_);
  }

 private:
  [[nodiscard]] std::string name(int index) const {
    return index == 0 ? path_ : path_ + "." + std::to_string(index);
  }

  [[nodiscard]] Result<std::optional<OpenFile>> open_file(int index) const {
    OpenFile file;
    file.fd.reset(open(name(index).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file.fd && errno == ENOENT) return std::optional<OpenFile>();
    if (!file.fd || fstat(file.fd.get(), &file.info) != 0)
      return fail(errno_error("cannot read " + name(index), errno));
    return std::optional(std::move(file));
  }

  [[nodiscard]] bool is_named(const OpenFile& file, int index) const {
    struct stat info{};
    return stat(name(index).c_str(), &info) == 0 && info.st_ino == file.info.st_ino &&
           info.st_dev == file.info.st_dev;
  }
  [[nodiscard]] bool exists(int index) const { return access(name(index).c_str(), F_OK) == 0; }

  Result<std::optional<OpenFile>> newest() {
    for (int i = 0;; ++i) {
      auto file = open_file(0);
      if (!file || *file || !exists(1) || i == kRotationPatience) return file;
      sched_yield();  // between two renames
    }
  }

  Result<std::optional<OpenFile>> older(const OpenFile& current) {
    for (int i = 0; i < kRotationPatience; ++i) {
      int index = index_;
      while (!is_named(current, index) && (exists(index) || exists(index + 1))) ++index;
      auto file = open_file(index + 1);
      if (!file) return file;
      const bool stable = is_named(current, index);
      if (stable && (*file || !exists(index + 2))) {
        index_ = index;
        return file;
      }
      if (!stable && !exists(index) && !exists(index + 1)) break;  // it was the oldest and is deleted by now
      sched_yield();
    }
    return std::optional<OpenFile>();
  }

  void read_backwards(const OpenFile& file) {
    off_t end = file.info.st_size;
    bool drop_unfinished = modified(file.info) > still_;
    std::string tail;  // what was read and isn't used up: begins in the middle of a line
    while (end > 0 && !done_) {
      const off_t begin = std::max<off_t>(0, end - kBlock);
      std::string block(static_cast<size_t>(end - begin), '\0');
      const ssize_t n = pread(file.fd.get(), block.data(), block.size(), begin);
      if (n <= 0) return;
      block.resize(static_cast<size_t>(n));
      tail.insert(0, block);
      end = begin;
      if (drop_unfinished) {
        const size_t newline = tail.rfind('\n');
        if (newline == std::string::npos && begin > 0) continue;
        tail.resize(newline == std::string::npos ? 0 : newline + 1);
        drop_unfinished = false;
      }
      take_lines(tail, begin == 0);
    }
  }

  static WallTime modified(const struct stat& info) {
    return WallTime{std::chrono::seconds{info.st_mtim.tv_sec} +
                    std::chrono::nanoseconds{info.st_mtim.tv_nsec}};
  }

  // Takes whole lines off the end of text; the first one only if nothing can come before it.
  void take_lines(std::string& text, bool at_start) {
    while (!done_ && !text.empty()) {
      const size_t last = text.size() - (text.back() == '\n' ? 1 : 0);
      const size_t before = last == 0 ? std::string::npos : text.rfind('\n', last - 1);
      if (before == std::string::npos && !at_start) return;
      const size_t start = before == std::string::npos ? 0 : before + 1;
      add(std::string_view(text).substr(start, last - start));
      text.resize(start);
    }
  }

  void add(std::string_view raw) {
    LogLine line;
    line.ordinal = ordinal_;
    line.stream = stream_;
    const auto at = raw.size() > kStampSize ? parse_rfc3339(raw.substr(0, kStampSize)) : std::nullopt;
    if (at) raw.remove_prefix(kStampSize + 1);
    line.at = at.value_or(lines_.empty() ? WallTime{} : lines_.back().at);
    if (since_ && line.at < *since_) {
      done_ = true;
      return;
    }
    line.text = raw;
    lines_.push_back(std::move(line));
    done_ = lines_.size() >= limit_;
  }

  const std::string path_;
  const int ordinal_;
  const char* const stream_;
  const std::optional<WallTime> since_;
  const WallTime still_;  // a file that was written later may end within a line that is on its way
  const size_t limit_;
  std::vector<LogLine> lines_;
  bool done_ = limit_ == 0;
  int index_ = 0;  // the least that the name of the current file can have
};

std::vector<int> ordinals_below(const std::string& directory) {
  std::vector<int> ordinals;
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    int ordinal = 0;
    const auto [rest, bad] = std::from_chars(name.data(), name.data() + name.size(), ordinal);
    if (bad == std::errc{} && rest == name.data() + name.size()) ordinals.push_back(ordinal);
  }
  std::sort(ordinals.begin(), ordinals.end());
  return ordinals;
}

}  // namespace

Result<std::vector<LogLine>> FileLogReader::read(const std::string& service, const LogQuery& query) {
  if (service.empty() || service[0] == '.' || service.find('/') != std::string::npos)
    return fail(ErrorCode::kInvalid, "'" + service + "' isn't the name of a service");
  std::vector<LogLine> all;
  const std::string directory = run_directory_ + "/" + service;
  for (const int ordinal : ordinals_below(directory)) {
    if (query.ordinal && *query.ordinal != ordinal) continue;
    for (const char* stream : {"stdout", "stderr"}) {
      if (query.stream && *query.stream != stream) continue;
      const std::string path = directory + "/" + std::to_string(ordinal) + "/" + stream + ".log";
      auto lines = StreamTail(path, ordinal, stream, query, clock_.wall()).read();
      if (!lines) return fail(lines.error());
      std::move(lines->begin(), lines->end(), std::back_inserter(all));
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const LogLine& a, const LogLine& b) { return a.at < b.at; });
  if (all.size() > query.tail) all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(query.tail));
  return all;
}

}  // namespace holdfast::process
