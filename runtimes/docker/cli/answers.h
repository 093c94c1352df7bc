// What the `docker` command prints, as values.
// Source: https://docs.docker.com/reference/cli/docker/ (events, stats, pull, logs, version)
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "runtimes/docker/client/client.h"

namespace holdfast::docker {

// Of `docker version --format '{{json .}}'`. kUnavailable if it names no server, as without an engine.
Result<EngineInfo> parse_version(std::string_view text);

// One line that kRowFormat prints for a container. nullopt: it isn't one.
inline constexpr std::string_view kRowFormat =
    R"({"id":{{json .Id}},"name":{{json .Name}},"state":{{json .State.Status}},"labels":{{json .Config.Labels}}})";
std::optional<ContainerRow> parse_row(std::string_view line);

// Of `docker image inspect`.
Result<Image> parse_image(std::string_view text);

// One line of `docker events --format '{{json .}}'`. nullopt: none of a container.
std::optional<ContainerEvent> parse_event(std::string_view line);

std::optional<std::int64_t> parse_size(std::string_view text);  // "12.5MiB" "1.2kB" "0B", in bytes
std::optional<double> parse_percent(std::string_view text);     // "0.15%"

// One line of `docker stats --format '{{json .}}'`: the container as it was asked for, and its figures;
// without any for one that doesn't run. cpu_percent is of one core, as docker means it.
std::optional<std::pair<std::string, ResourceUsage>> parse_stats(std::string_view line);

// Follows the lines of a pull. Not thread-safe.
class PullLines {
 public:
  // What there is to tell after this line; nullopt: nothing new. The share is that of finished layers, a
  // layer that is there but not unpacked counting half: without a terminal no sizes are told.
  std::optional<PullProgress> add(std::string_view line);

 private:
  std::map<std::string, double, std::less<>> layers_;
  double fraction_ = 0;
};

}  // namespace holdfast::docker
