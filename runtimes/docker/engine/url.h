// Pieces of the addresses that the Engine API is asked at.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::docker {

// "registry:5000/team/app:1.2@sha256:..." taken apart. With neither tag nor digest the tag is "latest".
struct ImageReference {
  std::string name{};    // "registry:5000/team/app"
  std::string tag{};     // empty beside a digest that came without one
  std::string digest{};  // "sha256:..."
  // The registry's host, "docker.io" for a name without one.
  [[nodiscard]] std::string registry() const;
};
ImageReference parse_image_reference(std::string_view text);

}  // namespace holdfast::docker
