// Short forms for configurations in tests.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "controller/config/config.h"

namespace holdfast::config {

inline LayerText yaml(std::string text, std::string layer = "base") {
  std::string file = layer + ".yaml";
  return {std::move(layer), std::move(file), std::move(text)};
}
inline LayerText json(std::string text, std::string layer = "base") {
  std::string file = layer + ".json";
  return {std::move(layer), std::move(file), std::move(text)};
}

inline std::vector<std::string> reports(const Loaded& loaded) {
  std::vector<std::string> out;
  for (const auto& error : loaded.errors) out.push_back(describe(error));
  return out;
}

// "  - a\n  - b", or "" when all is well.
inline std::string text_of(const Loaded& loaded) {
  std::string out;
  for (const auto& report : reports(loaded)) out += "  - " + report + "\n";
  return out;
}

// The one service `web` of a valid configuration.
inline SpecPtr web(const std::string& service, const std::string& more = {}) {
  const auto loaded = load({yaml("services:\n  web: " + service + "\n" + more)});
  EXPECT_EQ(text_of(loaded), "") << service;
  return loaded.document ? loaded.document->services.at("web") : nullptr;
}

// What is said about the service `web`, written in line 2 from column 8 on.
inline std::vector<std::string> faults_of(const std::string& service) {
  return reports(load({yaml("services:\n  web: " + service + "\n")}));
}

}  // namespace holdfast::config
