#include "runtimes/docker/engine/url.h"

namespace holdfast::docker {

std::string ImageReference::registry() const {
  const auto slash = name.find('/');
  if (slash == std::string::npos) return "docker.io";
  auto first = name.substr(0, slash);
  const bool host = first == "localhost" || first.find_first_of(".:") != std::string::npos;
  if (!host || first == "index.docker.io") return "docker.io";
  return first;
}

ImageReference parse_image_reference(std::string_view text) {
  ImageReference out;
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    out.digest = text.substr(at + 1);
    text = text.substr(0, at);
  }
  const auto slash = text.rfind('/');
  const auto colon = text.rfind(':');
  const bool tagged = colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash);
  out.name = text.substr(0, tagged ? colon : text.size());
  if (tagged) out.tag = text.substr(colon + 1);
  if (out.tag.empty() && out.digest.empty()) out.tag = "latest";
  return out;
}

}  // namespace holdfast::docker
