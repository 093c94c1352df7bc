// Takes apart the stream in which an engine mixes a container's stdout and stderr: frames of a header of
// eight bytes (the stream, three of nothing, the length in network order) and that many bytes. Source:
// https://docs.docker.com/reference/api/engine/version/v1.51/#tag/Container/operation/ContainerAttach,
// "Stream format". A container with a terminal isn't framed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::docker {

// Not thread-safe. Holds at most one frame.
class LogDemux {
 public:
  enum Source : std::uint8_t { kStdin = 0, kStdout = 1, kStderr = 2, kSystemError = 3 };
  static constexpr size_t kMaxFrame = 1u << 24;

  // Calls frame(Source, std::string_view) for every frame that is whole; bytes may be cut anywhere. False,
  // from then on, if the bytes aren't framed like this.
  template <typename Callback>
  bool feed(std::string_view bytes, Callback&& frame) {
    while (good_ && !bytes.empty()) {
      fill(kHeader, bytes);
      if (buffer_.size() < kHeader) break;
      const size_t whole = kHeader + length();
      good_ = static_cast<unsigned char>(buffer_[0]) <= kSystemError && length() <= kMaxFrame;
      if (!good_) break;
      fill(whole, bytes);
      if (buffer_.size() < whole) break;
      frame(static_cast<Source>(buffer_[0]), std::string_view(buffer_).substr(kHeader));
      buffer_.clear();
    }
    return good_;
  }
  [[nodiscard]] bool within_frame() const { return !buffer_.empty(); }

 private:
  static constexpr size_t kHeader = 8;

  void fill(size_t up_to, std::string_view& bytes) {
    if (buffer_.size() >= up_to) return;
    const auto piece = bytes.substr(0, up_to - buffer_.size());
    buffer_.append(piece);
    bytes.remove_prefix(piece.size());
  }
  [[nodiscard]] size_t length() const {
    size_t value = 0;
    for (size_t i = 4; i < kHeader; ++i) value = value << 8 | static_cast<unsigned char>(buffer_[i]);
    return value;
  }

  std::string buffer_;
  bool good_ = true;
};

}  // namespace holdfast::docker
