#include "runtimes/docker/cli/answers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "controller/base/json.h"
#include "runtimes/docker/cli/lines.h"

namespace holdfast::docker {

namespace {

std::map<std::string, std::string> texts(const Json& object) {
  std::map<std::string, std::string> out;
  for (const auto& [key, value] : object.members()) out[key] = value.as_string();
  return out;
}

}  // namespace

Result<EngineInfo> parse_version(std::string_view text) {
  const auto version = parse_json(trimmed(text));
  if (!version || !version->is_object())
    return fail(ErrorCode::kInternal, "docker version answers something that can't be understood");
  const Json& server = version->at("Server");
  if (!server.is_object()) {
    return fail(ErrorCode::kUnavailable, "the docker command answers, but no engine does",
                "if the command is Podman's, enable the service podman.socket and use that");
  }
  const auto& parts = server.at("Components").items();
  const auto& first = parts.empty() ? std::string() : parts.front().at("Name").as_string();
  EngineInfo info{.name = first.empty() || first == "Engine" ? "Docker Engine" : first,
                  .api_version = version->at("Client").at("ApiVersion").as_string(),  // what was agreed upon
                  .where = "docker CLI"};
  info.name += " " + server.at("Version").as_string();
  return info;
}

std::optional<ContainerRow> parse_row(std::string_view line) {
  const auto json = parse_json(line);
  if (!json || json->at("id").as_string().empty()) return std::nullopt;
  ContainerRow row{.id = json->at("id").as_string(),
                   .name = json->at("name").as_string(),
                   .state = json->at("state").as_string(),
                   .labels = texts(json->at("labels"))};
  if (row.name.starts_with('/')) row.name.erase(0, 1);
  return row;
}

Result<Image> parse_image(std::string_view text) {
  const auto json = parse_json(trimmed(text));
  if (!json || json->items().empty() || json->items()[0].at("Id").as_string().empty())
    return fail(ErrorCode::kInternal, "docker's description of an image can't be understood");
  const Json& image = json->items()[0];
  const auto& test = image.at("Config").at("Healthcheck").at("Test").items();
  return Image{.id = image.at("Id").as_string(),
               .has_health_check = !test.empty() && test[0].as_string() != "NONE"};
}

std::optional<ContainerEvent> parse_event(std::string_view line) {
  const auto json = parse_json(line);
  if (!json || json->at("Type").as_string() != "container") return std::nullopt;
  ContainerEvent event{.action = json->at("Action").as_string(),
                       .id = json->at("Actor").at("ID").as_string(),
                       .attributes = texts(json->at("Actor").at("Attributes")),
                       .time_ns = json->at("timeNano").as_int()};
  if (event.action.empty() || event.id.empty()) return std::nullopt;
  return event;
}

std::optional<std::int64_t> parse_size(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, double>, 14> kUnits{{{"B", 1.},
                                                                        {"kB", 1e3},
                                                                        {"KB", 1e3},
                                                                        {"MB", 1e6},
                                                                        {"GB", 1e9},
                                                                        {"TB", 1e12},
                                                                        {"PB", 1e15},
                                                                        {"KiB", 1024.},
                                                                        {"kiB", 1024.},
                                                                        {"MiB", 1048576.},
                                                                        {"GiB", 1073741824.},
                                                                        {"TiB", 1099511627776.},
                                                                        {"PiB", 1125899906842624.},
                                                                        {"", 1.}}};
  text = trimmed(text);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || !std::isfinite(number) || number < 0) return std::nullopt;
  const auto unit = trimmed(text.substr(static_cast<size_t>(end - text.data())));
  for (const auto& [name, factor] : kUnits) {
    if (name != unit) continue;
    const double bytes = number * factor;
    if (bytes > 9e18) return std::nullopt;
    return static_cast<std::int64_t>(std::llround(bytes));
  }
  return std::nullopt;
}

std::optional<double> parse_percent(std::string_view text) {
  text = trimmed(text);
  if (!text.ends_with('%')) return std::nullopt;
  text.remove_suffix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<std::pair<std::string, ResourceUsage>> parse_stats(std::string_view line) {
  const auto json = parse_json(line);
  if (!json || json->at("Container").as_string().empty()) return std::nullopt;
  std::pair<std::string, ResourceUsage> row{json->at("Container").as_string(), {}};
  // "12.5MiB / 1GiB"; "--" and "0B / 0B" stand for a container that doesn't run.
  const auto& memory = json->at("MemUsage").as_string();
  const auto used = parse_size(std::string_view(memory).substr(0, memory.find('/')));
  std::int64_t processes = 0;
  const auto& pids = json->at("PIDs").as_string();
  std::from_chars(pids.data(), pids.data() + pids.size(), processes);
  if (!used || (*used == 0 && processes == 0)) return row;
  row.second.memory_bytes = used;
  row.second.cpu_percent = parse_percent(json->at("CPUPerc").as_string());
  if (processes > 0) row.second.processes = processes;
  return row;
}

std::optional<PullProgress> PullLines::add(std::string_view line) {
  line = trimmed(line);
  const auto colon = line.find(": ");
  const auto id = line.substr(0, std::min(colon, line.size()));
  const bool layer = colon != std::string_view::npos && id.size() == 12 &&
                     id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (!layer) return std::nullopt;
  const auto state = line.substr(colon + 2);
  auto& done = layers_.try_emplace(std::string(id), 0.).first->second;
  if (state == "Pull complete" || state == "Already exists") done = 1;
  if (state == "Download complete" || state == "Extracting") done = std::max(done, 0.5);
  double sum = 0;
  int complete = 0;
  for (const auto& [name, share] : layers_) {
    sum += share;
    complete += share >= 1 ? 1 : 0;
  }
  fraction_ = std::max(fraction_, sum / static_cast<double>(layers_.size()));  // it never runs back
  std::string message =
      "pulling, " + std::to_string(complete) + " of " + std::to_string(layers_.size()) + " layers";
  if (state.starts_with("Retrying")) message += ", one is tried again";
  return PullProgress{.message = message, .fraction = fraction_};
}

}  // namespace holdfast::docker
