// Cuts a byte stream into requests, one at a time: head, then body, then what follows (pipelining).
#pragma once

#include <string>
#include <string_view>

#include "api/http/chunked.h"
#include "api/http/head.h"
#include "api/http/refusal.h"

namespace holdfast::http {

// Not thread-safe. After kFailed nothing of the stream can be trusted: answer refusal() and close.
//
//   feed() ... read_head() -> kComplete -> read_body(limit) -> kComplete -> read_head() ...
class RequestReader {
 public:
  explicit RequestReader(size_t max_head) : max_head_(max_head) {}

  void feed(std::string_view bytes) { input_ += bytes; }
  Progress read_head();
  Progress read_body(size_t max_body);

  [[nodiscard]] RequestHead& head() { return head_; }
  [[nodiscard]] std::string& body() { return body_; }
  [[nodiscard]] const Refusal& refusal() const { return refusal_; }
  [[nodiscard]] size_t buffered() const { return input_.size() - position_; }  // bytes not read yet
  void discard();                                                              // forgets all input
  void compact();  // gives back memory of what was read; call between reads

 private:
  [[nodiscard]] std::string_view rest() const { return std::string_view(input_).substr(position_); }
  Progress fail(Refusal refusal);
  Progress scan_head(size_t& end);

  size_t max_head_;
  std::string input_;
  size_t position_ = 0;  // first byte not read
  size_t scanned_ = 0;   // bytes of rest() already searched for the head's end: each is looked at once
  RequestHead head_;
  std::string body_;
  ChunkedDecoder chunks_;
  Refusal refusal_;
};

}  // namespace holdfast::http
