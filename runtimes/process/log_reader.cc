#include "runtimes/process/log_reader.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/base/unique_fd.h"

namespace holdfast::process {

namespace {

constexpr size_t kStampSize = 27;     // "2026-11-22T18:47:03.123456Z"
constexpr off_t kBlock = 64 << 10;    // bytes per read, backwards
constexpr size_t kTailMax = 100'000;  // lines per stream, whatever is asked for

// Lines of one stream, newest first, over the rotated files. Files are opened by name while the shim may
// rotate: a file met twice under two names is read once.
class StreamTail {
 public:
  StreamTail(std::string path, int ordinal, const char* stream, const LogQuery& query)
      : path_(std::move(path)),
        ordinal_(ordinal),
        stream_(stream),
        since_(query.since),
        limit_(std::min(query.tail, kTailMax)) {}

  Result<std::vector<LogLine>> read() {
    std::vector<std::pair<dev_t, ino_t>> met;
    int missing = 0;
    for (int index = 0; !done_; ++index) {
      const std::string name = index == 0 ? path_ : path_ + "." + std::to_string(index);
      const UniqueFd fd(open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
      if (!fd && errno == ENOENT) {
        if (++missing > 1) break;  // one may be missing, between two renames of a rotation
        continue;
      }
      if (!fd) return fail(errno_error("cannot read " + name, errno));
      struct stat info{};
      fstat(fd.get(), &info);
      const std::pair identity{info.st_dev, info.st_ino};
      if (std::find(met.begin(), met.end(), identity) != met.end()) continue;
      met.push_back(identity);
      read_backwards(fd.get(), info.st_size);
    }
    std::reverse(lines_.begin(), lines_.end());
    return std::move(lines_);
  }

 private:
  void read_backwards(int fd, off_t end) {
    std::string tail;  // what was read and isn't used up: begins in the middle of a line
    while (end > 0 && !done_) {
      const off_t begin = std::max<off_t>(0, end - kBlock);
      std::string block(static_cast<size_t>(end - begin), '\0');
      const ssize_t n = pread(fd, block.data(), block.size(), begin);
      if (n <= 0) return;
      block.resize(static_cast<size_t>(n));
      tail.insert(0, block);
      end = begin;
      take_lines(tail, begin == 0);
    }
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
  const size_t limit_;
  std::vector<LogLine> lines_;
  bool done_ = limit_ == 0;
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
      auto lines = StreamTail(path, ordinal, stream, query).read();
      if (!lines) return fail(lines.error());
      std::move(lines->begin(), lines->end(), std::back_inserter(all));
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const LogLine& a, const LogLine& b) { return a.at < b.at; });
  if (all.size() > query.tail) all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(query.tail));
  return all;
}

}  // namespace holdfast::process
