#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "runtimes/docker/client/client.h"

namespace holdfast::docker {

namespace {

constexpr size_t kHealthMessage = 512;  // bytes of a check's output

// The year 1 stands for "never".
std::string time_text(const Json& value) {
  return value.as_string().starts_with("0001-") ? std::string() : value.as_string();
}

// "SIGTERM", "TERM" or "15".
int signal_number(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, int>, 12> kNames{{{"HUP", 1},
                                                                     {"INT", 2},
                                                                     {"QUIT", 3},
                                                                     {"ABRT", 6},
                                                                     {"KILL", 9},
                                                                     {"USR1", 10},
                                                                     {"USR2", 12},
                                                                     {"PIPE", 13},
                                                                     {"ALRM", 14},
                                                                     {"TERM", 15},
                                                                     {"WINCH", 28},
                                                                     {"PWR", 30}}};
  if (text.starts_with("SIG")) text.remove_prefix(3);
  for (const auto& [name, number] : kNames) {
    if (name == text) return number;
  }
  if (text.starts_with("RTMIN")) {
    int above = 0;
    if (text.size() > 6) std::from_chars(text.data() + 6, text.data() + text.size(), above);
    return 34 + above;
  }
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// Podman has words of its own for some of Docker's.
std::string status_word(const std::string& word) {
  if (word == "configured" || word == "initialized") return "created";
  if (word == "stopping") return "running";
  return word == "stopped" ? "exited" : word;
}

void read_state(const Json& state, Container& out) {
  out.status = status_word(state.at("Status").as_string());
  if (state.at("Pid").as_int() > 0) out.pid = state.at("Pid").as_int();
  out.exit_code = static_cast<int>(state.at("ExitCode").as_int());
  out.oom_killed = state.at("OOMKilled").as_bool();
  out.error = state.at("Error").as_string();
  out.started_at = time_text(state.at("StartedAt"));
  out.finished_at = time_text(state.at("FinishedAt"));
  const Json& health = state.find("Health") ? state.at("Health") : state.at("Healthcheck");  // podman's name
  out.health = health.at("Status").as_string();
  if (out.health == "none") out.health.clear();
  const auto& log = health.at("Log").items();
  if (log.empty()) return;
  out.health_message = log.back().at("Output").as_string().substr(0, kHealthMessage);
  while (!out.health_message.empty() && out.health_message.back() == '\n') out.health_message.pop_back();
}

}  // namespace

Result<Container> parse_container(Json document) {
  Container out;
  out.id = document.at("Id").as_string();
  const Json& state = document.at("State");
  if (out.id.empty() || !state.is_object())
    return fail(ErrorCode::kInternal, "the engine's description of a container can't be understood");
  out.name = document.at("Name").as_string();
  if (out.name.starts_with('/')) out.name.erase(0, 1);
  out.image_id = document.at("Image").as_string();
  read_state(state, out);
  const Json& config = document.at("Config");
  out.image = config.at("Image").as_string();
  out.tty = config.at("Tty").as_bool();
  const Json& signal = config.at("StopSignal");
  out.stop_signal = signal.is_int() ? static_cast<int>(signal.as_int()) : signal_number(signal.as_string());
  for (const auto& [key, value] : config.at("Labels").members()) out.labels[key] = value.as_string();
  out.restart_policy = document.at("HostConfig").at("RestartPolicy").at("Name").as_string();
  if (out.restart_policy.empty()) out.restart_policy = "no";
  out.document = std::move(document);
  return out;
}

// As Moby 20.10 to 28 says it: its stores, its containerd and its network controller close one after the
// other, before its API does.
bool tells_of_shutdown(std::string_view words) {
  constexpr std::array<std::string_view, 6> kWords{"failed to update store for object type",
                                                   "daemon is shutting down",
                                                   "client connection is closing",
                                                   "transport is closing",
                                                   "ttrpc: closed",
                                                   "containerd.sock: connect:"};
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](auto phrase) { return words.find(phrase) != std::string_view::npos; });
}

}  // namespace holdfast::docker
