// What POST /images/create tells while it pulls: one JSON object a line.
// Source: https://docs.docker.com/reference/api/engine/version/v1.51/#tag/Image/operation/ImageCreate
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "controller/base/result.h"
#include "runtimes/docker/client/client.h"
#include "runtimes/http/line_splitter.h"

namespace holdfast::docker {

// Not thread-safe.
class PullReader {
 public:
  explicit PullReader(std::string reference) : reference_(std::move(reference)) {}

  bool feed(std::string_view bytes);            // false: no JSON, or an error was told
  [[nodiscard]] PullProgress progress() const;  // of all layers together
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  struct Layer {
    std::int64_t downloaded = 0, size = 0;
    bool here = false, done = false;
  };
  bool take(const Json& line);

  const std::string reference_;
  http_client::LineSplitter lines_;
  std::map<std::string, Layer> layers_;
  std::optional<Error> error_;
};

// The engine's or the registry's words for why an image can't be had. kPermission: it wants credentials;
// kNotFound; kUnavailable: the registry can't be reached; kInternal for the rest.
Error pull_error(const std::string& reference, const std::string& words);

}  // namespace holdfast::docker
