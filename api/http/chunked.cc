#include "api/http/chunked.h"

#include <charconv>

namespace holdfast::http {

namespace {
constexpr size_t kMaxLine = 256;
constexpr size_t kMaxTrailers = 8u << 10;
}  // namespace

// A line without its CRLF; nullopt: not complete yet, or `failed`.
std::optional<std::string_view> ChunkedDecoder::take_line(std::string_view& input, Refusal& refusal,
                                                          bool& failed) {
  const auto end = input.substr(0, kMaxLine).find('\n');
  if (end == std::string_view::npos) {
    failed = input.size() >= kMaxLine;
    if (failed) refusal = {400, "a line of the chunked body is too long"};
    return std::nullopt;
  }
  const auto line = input.substr(0, end);
  using namespace std::string_view_literals;
  failed = !line.ends_with('\r') || line.find_first_of("\r\0"sv) != line.size() - 1;
  if (failed) {
    refusal = {400, "a line of the chunked body doesn't end with CR LF"};
    return std::nullopt;
  }
  input.remove_prefix(end + 1);
  return line.substr(0, line.size() - 1);
}

bool ChunkedDecoder::start_chunk(std::string_view line, size_t room, Refusal& refusal) {
  const auto size = line.substr(0, line.find(';'));  // extensions are ignored
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), value, 16);
  if (error == std::errc::result_out_of_range || (error == std::errc() && value > room)) {
    refusal = {413, "the body is larger than this route takes", kSendLess};
    return false;
  }
  if (error != std::errc() || end != size.data() + size.size()) {
    refusal = {400, "a chunk size is not a hexadecimal number"};
    return false;
  }
  left_ = value;
  state_ = value > 0 ? State::kData : State::kTrailer;
  return true;
}

Progress ChunkedDecoder::consume(std::string_view& input, std::string& body, size_t max_body,
                                 Refusal& refusal) {
  for (;;) {
    if (state_ == State::kData) {
      const auto part = input.substr(0, left_);
      body += part;
      input.remove_prefix(part.size());
      left_ -= part.size();
      if (left_ > 0) return Progress::kNeedInput;
      state_ = State::kDataEnd;
    }
    if (state_ == State::kDataEnd) {  // CR and LF may come in different segments
      if (input.empty() || input == "\r") return Progress::kNeedInput;
      if (!input.starts_with("\r\n")) {
        refusal = {400, "a chunk doesn't end with CR LF"};
        return Progress::kFailed;
      }
      input.remove_prefix(2);
      state_ = State::kSize;
    }
    bool failed = false;
    const auto line = take_line(input, refusal, failed);
    if (!line) return failed ? Progress::kFailed : Progress::kNeedInput;
    if (state_ == State::kTrailer) {
      if (line->empty()) return Progress::kComplete;
      trailer_bytes_ += line->size();
      if (trailer_bytes_ > kMaxTrailers) {
        refusal = {431, "the trailers of the chunked body are too large"};
        return Progress::kFailed;
      }
    } else if (!start_chunk(*line, max_body - body.size(), refusal)) {
      return Progress::kFailed;
    }
  }
}

}  // namespace holdfast::http
