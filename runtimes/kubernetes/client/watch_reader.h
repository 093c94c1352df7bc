// The answer to a watch: one JSON object a line.
// Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
#pragma once

#include <optional>
#include <string_view>

#include "controller/base/result.h"
#include "runtimes/http/line_splitter.h"
#include "runtimes/kubernetes/client/client.h"
#include "runtimes/kubernetes/client/question.h"

namespace holdfast::kubernetes {

// Not thread-safe.
class WatchReader {
 public:
  static constexpr size_t kMaxLine = 8u << 20;

  WatchReader(Question question, std::function<void(WatchEvent)> on_event)
      : question_(std::move(question)), on_event_(std::move(on_event)) {}

  // Bytes cut anywhere. False: the watch is over, as failure() tells.
  bool feed(std::string_view bytes);

  struct Failure {
    Error error{};
    long status = 0;  // that the server told within the stream; 0: none
  };
  // An ERROR event, or what can't be understood.
  [[nodiscard]] const std::optional<Failure>& failure() const { return failure_; }
  [[nodiscard]] bool within_a_line() const { return !lines_.rest().empty(); }

 private:
  bool take(std::string_view line);
  bool misunderstood(const std::string& why);

  const Question question_;
  const std::function<void(WatchEvent)> on_event_;
  http_client::LineSplitter lines_{kMaxLine};
  std::optional<Failure> failure_;
};

}  // namespace holdfast::kubernetes
