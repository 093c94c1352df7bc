#include "runtimes/docker/cli/command.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace holdfast::docker {

namespace {

constexpr size_t kBuffer = size_t{64} << 10;  // as much as a pipe holds
constexpr size_t kLineMax = size_t{1} << 20;
constexpr int kLastReads = 32;  // of each pipe after the end, in case a stranger goes on writing
constexpr int kOpenEnded = 60'000;

// Readable once a stop is requested.
class StopSignal {
 public:
  explicit StopSignal(const std::stop_token& token)
      : fd_(eventfd(0, EFD_CLOEXEC)), callback_(token, Wake{fd_.get()}) {}
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  struct Wake {
    int fd;
    void operator()() const { eventfd_write(fd, 1); }
  };
  UniqueFd fd_;
  std::stop_callback<Wake> callback_;
};

Error took_too_long(const Command& command, const char* what, Duration limit) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
  std::string name = command.argv[0];
  if (command.argv.size() > 1) name += " " + command.argv[1];
  return {ErrorCode::kTimeout, name + what + std::to_string(ms) + "ms and was killed", "", false, {}};
}

class Run {
 public:
  Run(const Command& command, const Clock& clock, const Patience& patience,
      const std::function<void(Stream, std::string_view)>& on_output, Child& child)
      : command_(command),
        clock_(clock),
        patience_(patience),
        on_output_(on_output),
        child_(child),
        stop_(patience.stop),
        started_(clock.now()),
        heard_(started_) {}

  Result<int> to_end() {
    while (true) {
      if (const auto error = lost_patience()) return fail(*error);
      std::array<pollfd, 4> fds{{{out_open_ ? child_.out() : -1, POLLIN, 0},
                                 {err_open_ ? child_.err() : -1, POLLIN, 0},
                                 {child_.pidfd(), POLLIN, 0},
                                 {stop_.fd(), POLLIN, 0}}};
      if (poll(fds.data(), fds.size(), wait_ms()) < 0) {
        if (errno == EINTR) continue;
        return fail(errno_error("cannot wait for " + command_.argv[0], errno));
      }
      if (fds[0].revents != 0) out_open_ = read_some(child_.out(), Stream::kOut) != Read::kEnd;
      if (fds[1].revents != 0) err_open_ = read_some(child_.err(), Stream::kErr) != Read::kEnd;
      if (fds[2].revents != 0) return after_end();
    }
  }

 private:
  enum class Read { kSome, kNothing, kEnd };

  Read read_some(int fd, Stream stream) {
    const ssize_t n = read(fd, buffer_.data(), buffer_.size());
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return Read::kNothing;
    if (n <= 0) return Read::kEnd;
    heard_ = clock_.now();
    on_output_(stream, std::string_view(buffer_.data(), static_cast<size_t>(n)));
    return Read::kSome;
  }

  // What the group has written is in the pipes: they are read as far as that, not up to their end.
  int after_end() {
    child_.kill_group();
    for (int i = 0; out_open_ && i < kLastReads && read_some(child_.out(), Stream::kOut) == Read::kSome;) ++i;
    for (int i = 0; err_open_ && i < kLastReads && read_some(child_.err(), Stream::kErr) == Read::kSome;) ++i;
    return child_.reap();
  }

  [[nodiscard]] std::optional<Error> lost_patience() const {
    if (patience_.stop.stop_requested())
      return Error{ErrorCode::kUnavailable, command_.argv[0] + " was stopped before its end", "", false, {}};
    const auto now = clock_.now();
    if (patience_.total && now - started_ >= *patience_.total)
      return took_too_long(command_, " didn't end within ", *patience_.total);
    if (patience_.silence && now - heard_ >= *patience_.silence)
      return took_too_long(command_, " said nothing for ", *patience_.silence);
    return std::nullopt;
  }

  [[nodiscard]] int wait_ms() const {
    auto left = Duration(std::chrono::milliseconds(kOpenEnded));
    const auto now = clock_.now();
    if (patience_.total) left = std::min(left, started_ + *patience_.total - now);
    if (patience_.silence) left = std::min(left, heard_ + *patience_.silence - now);
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    return static_cast<int>(std::max<std::int64_t>(ms, 0));
  }

  const Command& command_;
  const Clock& clock_;
  const Patience& patience_;
  const std::function<void(Stream, std::string_view)>& on_output_;
  Child& child_;
  StopSignal stop_;
  MonoTime started_, heard_;
  bool out_open_ = true, err_open_ = true;
  std::vector<char> buffer_ = std::vector<char>(kBuffer);
};

void keep(std::string_view text, size_t limit, std::string& kept, bool& complete) {
  const auto room = limit - std::min(limit, kept.size());
  kept += text.substr(0, room);
  complete = complete && text.size() <= room;
}

class Lines {
 public:
  explicit Lines(const std::function<void(std::string_view)>& on_line) : on_line_(on_line) {}
  void add(std::string_view text) {
    for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
      append(text.substr(0, end));
      end_line();
      text.remove_prefix(end + 1);
    }
    append(text);
  }
  void end() {
    if (!line_.empty()) end_line();
  }

 private:
  void append(std::string_view part) { line_ += part.substr(0, kLineMax - std::min(kLineMax, line_.size())); }
  void end_line() {
    on_line_(line_);
    line_.clear();
  }
  const std::function<void(std::string_view)>& on_line_;
  std::string line_;
};

}  // namespace

Result<int> run_streaming(const Command& command, const Clock& clock, const Patience& patience,
                          const std::function<void(Stream, std::string_view)>& on_output,
                          const std::function<void()>& on_start) {
  auto child = Child::start(command);
  if (!child) return fail(child.error());
  if (on_start) on_start();
  return Run(command, clock, patience, on_output, *child).to_end();
}

Result<Output> run_command(const Command& command, const Clock& clock, const Patience& patience,
                           const OutputLimits& limits) {
  Output output;
  const auto code = run_streaming(command, clock, patience, [&](Stream stream, std::string_view text) {
    if (stream == Stream::kOut) {
      keep(text, limits.out, output.out, output.complete);
    } else {
      keep(text, limits.err, output.err, output.complete);
    }
  });
  if (!code) return fail(code.error());
  output.exit_code = *code;
  return output;
}

Result<Output> run_lines(const Command& command, const Clock& clock, const Patience& patience,
                         const std::function<void(std::string_view)>& on_line,
                         const std::function<void()>& on_start) {
  Output output;
  Lines lines(on_line);
  const auto on_output = [&](Stream stream, std::string_view text) {
    if (stream == Stream::kOut) {
      lines.add(text);
    } else {
      keep(text, OutputLimits{}.err, output.err, output.complete);
    }
  };
  const auto code = run_streaming(command, clock, patience, on_output, on_start);
  if (!code) return fail(code.error());
  lines.end();
  output.exit_code = *code;
  return output;
}

}  // namespace holdfast::docker
