#include "runtimes/docker/engine/pull_progress.h"

#include <algorithm>
#include <initializer_list>

#include "runtimes/docker/engine/failure.h"
#include "runtimes/docker/engine/url.h"

namespace holdfast::docker {

namespace {

bool mentions_any(const std::string& words, std::initializer_list<const char*> texts) {
  return std::any_of(texts.begin(), texts.end(), [&](const char* text) { return mentions(words, text); });
}

std::string mebibytes(std::int64_t bytes) {
  return std::to_string((bytes + (1 << 19)) >> 20);
}

}  // namespace

Error pull_error(const std::string& reference, const std::string& words) {
  const auto message = "pulling " + reference + ": " + words;
  const auto registry = parse_image_reference(reference).registry();
  if (mentions_any(words, {"HTTP response to HTTPS client", "x509:", "certificate"})) {
    return {ErrorCode::kUnavailable, message,
            "The engine has to trust the registry: certs.d, or insecure-registries in its configuration"};
  }
  if (mentions_any(words, {"toomanyrequests", "too many requests", "rate limit"}))
    return {ErrorCode::kUnavailable, message, "Log in to " + registry + ", or pull less often"};
  // Before the others: "no such host" isn't about an image.
  if (mentions_any(words, {"no such host", "dial tcp", "connection refused", "connection reset",
                           "i/o timeout", "timeout exceeded", "deadline exceeded", "server misbehaving",
                           "unreachable", "temporary failure", "tls handshake", "unexpected eof", ": eof",
                           "bad gateway", "service unavailable"})) {
    return {ErrorCode::kUnavailable, message, "Can the engine's machine reach " + registry + "?"};
  }
  if (mentions_any(words,
                   {"denied", "unauthorized", "authentication required", "no basic auth", "forbidden"})) {
    return {ErrorCode::kPermission, message,
            "Check the name of the image; if it is private, run 'docker login " + registry +
                "' as the user that Holdfast runs as"};
  }
  if (mentions_any(words, {"manifest unknown", "not found", "name unknown", "no such image",
                           "no matching manifest", "manifest for"})) {
    return {ErrorCode::kNotFound, message, "Check the name and the tag of the image"};
  }
  return {ErrorCode::kInternal, message, {}};
}

bool PullReader::feed(std::string_view bytes) {
  const bool good = lines_.feed(bytes, [this](std::string_view line) {
    const auto json = parse_json(line);
    return json && take(*json);
  });
  if (!good && !error_) error_ = pull_error(reference_, "the engine's answer can't be understood");
  return good;
}

bool PullReader::take(const Json& line) {
  const auto& detail = line.at("errorDetail").at("message").as_string();
  if (const auto& words = detail.empty() ? line.at("error").as_string() : detail; !words.empty()) {
    error_ = pull_error(reference_, words);
    return false;
  }
  const auto& status = line.at("status").as_string();
  const auto& id = line.at("id").as_string();
  // The tag itself comes as an id too: "Pulling from library/busybox".
  if (id.empty() || status.starts_with("Pulling from")) return true;
  auto& layer = layers_[id];
  const Json& progress = line.at("progressDetail");
  if (status == "Downloading") {
    layer.size = std::max(layer.size, progress.at("total").as_int());
    layer.downloaded = std::max(layer.downloaded, progress.at("current").as_int());
  }
  layer.done = layer.done || status == "Pull complete" || status == "Already exists";
  layer.here = layer.here || layer.done || status == "Download complete" || status == "Verifying Checksum" ||
               status == "Extracting";
  return true;
}

PullProgress PullReader::progress() const {
  std::int64_t downloaded = 0, size = 0;
  size_t here = 0, done = 0;
  for (const auto& [id, layer] : layers_) {
    size += layer.size;
    downloaded += layer.here ? layer.size : std::min(layer.downloaded, layer.size);
    here += layer.here ? 1 : 0;
    done += layer.done ? 1 : 0;
  }
  if (layers_.empty()) return {.message = "waiting for the registry"};
  PullProgress out;
  if (size > 0) out.fraction = static_cast<double>(downloaded) / static_cast<double>(size);
  if (done == layers_.size())
    out.message = "done";
  else if (here == layers_.size())
    out.message = "unpacking, " + std::to_string(done) + " of " + std::to_string(layers_.size()) + " layers";
  else if (size > 0)
    out.message = "downloading, " + mebibytes(downloaded) + " of " + mebibytes(size) + " MiB";
  else
    out.message =
        "downloading, " + std::to_string(here) + " of " + std::to_string(layers_.size()) + " layers";
  return out;
}

}  // namespace holdfast::docker
