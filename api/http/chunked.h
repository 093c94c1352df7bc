// Decodes a chunked body (RFC 9112, 7.1) from input that may be split anywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/http/refusal.h"

namespace holdfast::http {

enum class Progress { kNeedInput, kComplete, kFailed };

class ChunkedDecoder {
 public:
  // Takes what it can from the front of input and appends data to body. What it leaves must be given again,
  // with more behind it; that is never more than one line. kFailed sets refusal: 400, or 413 above max_body.
  Progress consume(std::string_view& input, std::string& body, size_t max_body, Refusal& refusal);

 private:
  enum class State { kSize, kData, kDataEnd, kTrailer };
  std::optional<std::string_view> take_line(std::string_view& input, Refusal& refusal, bool& failed);
  bool start_chunk(std::string_view line, size_t room, Refusal& refusal);

  State state_ = State::kSize;
  std::uint64_t left_ = 0;    // of the current chunk
  size_t trailer_bytes_ = 0;  // trailers are read and dropped, up to a bound
};

}  // namespace holdfast::http
