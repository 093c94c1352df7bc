#include "api/http/framing.h"

namespace holdfast::http {

Progress RequestReader::fail(Refusal refusal) {
  refusal_ = std::move(refusal);
  return Progress::kFailed;
}

// Finds the empty line. Bare LF, bare CR and NUL are refused at once, not at a timeout.
Progress RequestReader::scan_head(size_t& end) {
  const auto text = rest();
  for (size_t i = scanned_; i < text.size(); ++i) {
    if (i >= max_head_) {
      return fail({431, "the request head is larger than " + std::to_string(max_head_) + " bytes"});
    }
    const char c = text[i];
    const bool after_cr = i > 0 && text[i - 1] == '\r';
    if (c == '\n') {
      if (!after_cr) return fail({400, "a line ends with LF alone; it must end with CR LF"});
      if (i >= 3 && text[i - 2] == '\n') {
        end = i + 1;
        return Progress::kComplete;
      }
    } else if (after_cr) {
      return fail({400, "CR must be followed by LF"});
    } else if (c == '\0') {
      return fail({400, "the request head has a NUL byte"});
    }
  }
  scanned_ = text.size();
  return Progress::kNeedInput;
}

Progress RequestReader::read_head() {
  while (scanned_ <= 1 && rest().starts_with("\r\n")) {  // RFC 9112, 2.2: empty lines before a request
    position_ += 2;
    scanned_ = 0;
  }
  size_t end = 0;
  if (const auto progress = scan_head(end); progress != Progress::kComplete) return progress;
  if (auto refusal = parse_head(rest().substr(0, end - 2), head_)) return fail(std::move(*refusal));
  position_ += end;
  scanned_ = 0;
  body_.clear();
  chunks_ = {};
  return Progress::kComplete;
}

Progress RequestReader::read_body(size_t max_body) {
  auto input = rest();
  const auto before = input.size();
  auto progress = Progress::kComplete;
  if (head_.chunked) {
    progress = chunks_.consume(input, body_, max_body, refusal_);
  } else {
    if (head_.content_length > max_body)
      return fail({413, "the body is larger than this route takes", kSendLess});
    const auto part = input.substr(0, head_.content_length - body_.size());
    body_ += part;
    input.remove_prefix(part.size());
    if (body_.size() < head_.content_length) progress = Progress::kNeedInput;
  }
  position_ += before - input.size();
  return progress;
}

void RequestReader::discard() {
  std::string().swap(input_);
  std::string().swap(body_);
  position_ = scanned_ = 0;
}

void RequestReader::compact() {
  constexpr size_t kWorthMoving = 32u << 10;
  if (position_ == input_.size()) {
    std::string().swap(input_);
    position_ = 0;
  } else if (position_ > kWorthMoving) {
    input_.erase(0, position_);
    position_ = 0;
  }
}

}  // namespace holdfast::http
