#include "runtimes/docker/cli/failure.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "runtimes/docker/cli/lines.h"
#include "runtimes/docker/client/client.h"

namespace holdfast::docker {

namespace {

constexpr size_t kWordsMax = 1024;

struct Rule {
  std::string_view words;  // in lower case
  ErrorCode code;
  std::string_view hint;
};

constexpr std::string_view kNobody = "check that the engine runs, and DOCKER_HOST or the docker context";
constexpr std::string_view kNotOurs =
    "add the controller's user to the group docker (which makes it as powerful as root) and start the "
    "controller anew, or use a rootless engine";
constexpr std::string_view kVersions = "set DOCKER_API_VERSION, or use a docker command of the engine's age";
constexpr std::string_view kLogin =
    "check the name; if the image is private, run docker login as the controller's user";

constexpr std::string_view kNoRegistry =
    "the engine can't reach the registry: check its network, its proxy and the image's name";

// The first that fits. Reaching the engine comes first: its words may quote any of the others.
constexpr std::array kRules{
    Rule{"permission denied while trying to connect to the docker", ErrorCode::kPermission, kNotOurs},
    Rule{"cannot connect to the docker daemon", ErrorCode::kUnavailable, kNobody},
    Rule{"failed to connect to the docker api", ErrorCode::kUnavailable, kNobody},
    Rule{"error during connect", ErrorCode::kUnavailable, kNobody},
    Rule{"unable to resolve docker endpoint", ErrorCode::kUnavailable, kNobody},
    Rule{"docker daemon is not running", ErrorCode::kUnavailable, kNobody},
    Rule{"client version", ErrorCode::kUnavailable, kVersions},
    Rule{"no such container", ErrorCode::kNotFound, ""},
    Rule{"no such image", ErrorCode::kNotFound, "pull it, or check the name"},
    Rule{"no such object", ErrorCode::kNotFound, ""},
    Rule{"pull access denied", ErrorCode::kNotFound, kLogin},
    Rule{"manifest unknown", ErrorCode::kNotFound, "check the image's name and tag"},
    Rule{"manifest for ", ErrorCode::kNotFound, "check the image's name and tag"},
    Rule{"unauthorized", ErrorCode::kInvalid, kLogin},
    Rule{"toomanyrequests", ErrorCode::kInternal, kLogin},
    Rule{"dial tcp", ErrorCode::kInternal, kNoRegistry},
    Rule{"i/o timeout", ErrorCode::kInternal, kNoRegistry},
    Rule{"tls handshake timeout", ErrorCode::kInternal, kNoRegistry},
    Rule{"is already in use by container", ErrorCode::kConflict, ""},
    Rule{"cannot remove a running container", ErrorCode::kConflict, "stop it first"},
    Rule{"cannot remove a paused container", ErrorCode::kConflict, "stop it first"},
    Rule{"cannot remove container", ErrorCode::kConflict, ""},
    Rule{"removal of container", ErrorCode::kConflict, ""},
    Rule{"is marked for removal", ErrorCode::kConflict, ""},
    Rule{"cannot start a paused container", ErrorCode::kConflict, ""},
    Rule{"is not running", ErrorCode::kConflict, ""},
    Rule{"is not paused", ErrorCode::kConflict, ""},
    Rule{"is paused", ErrorCode::kConflict, "unpause it first"},
    Rule{"is restarting", ErrorCode::kConflict, ""},
};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool contains(const Error& error, std::string_view words) {
  return lower(error.message).find(words) != std::string::npos;
}

// What the command adds for a person at a terminal, or repeats.
bool is_noise(std::string_view line) {
  constexpr std::array<std::string_view, 7> kStarts{"WARNING",
                                                    "See 'docker",
                                                    "Run 'docker",
                                                    "Usage:",
                                                    "Error: failed to start containers:",
                                                    "Error response from daemon: Error: failed to start",
                                                    "errors pretty printing info"};
  return std::any_of(kStarts.begin(), kStarts.end(), [&](auto start) { return line.starts_with(start); });
}

}  // namespace

std::string words_of(std::string_view stderr_text) {
  std::string words;
  for (const auto& text : lines_of(stderr_text)) {
    std::string_view line = text;
    if (is_noise(line)) continue;
    for (const std::string_view prefix : {"docker: ", "Error response from daemon: ", "Error: "}) {
      if (line.starts_with(prefix)) line.remove_prefix(prefix.size());
    }
    if (!words.empty()) words += "; ";
    words += line;
  }
  if (words.size() > kWordsMax) words.resize(kWordsMax);
  while (words.ends_with('.')) words.pop_back();
  return words;
}

Error failure_of(const std::string& what, std::string_view stderr_text) {
  const auto words = words_of(stderr_text);
  if (words.empty()) return {ErrorCode::kInternal, what + " failed without a word", "", false, {}};
  Error error{ErrorCode::kInvalid, what + ": " + words, "", false, {}};
  if (tells_of_shutdown(words))
    return {ErrorCode::kUnavailable,
            what + ": the engine is shutting down (" + words + ")",
            "it goes on when the engine is back",
            false,
            {}};
  const auto text = lower(words);
  for (const auto& rule : kRules) {
    if (text.find(rule.words) == std::string::npos) continue;
    error.code = rule.code;
    error.hint = rule.hint;
    break;
  }
  return error;
}

bool says_not_running(const Error& error) {
  return error.code == ErrorCode::kNotFound ||
         (error.code == ErrorCode::kConflict && contains(error, "is not running"));
}
bool says_not_paused(const Error& error) {
  return error.code == ErrorCode::kConflict && contains(error, "is not paused");
}
bool says_being_removed(const Error& error) {
  return error.code == ErrorCode::kConflict &&
         (contains(error, "is already in progress") || contains(error, "is marked for removal"));
}
bool says_not_a_directory(const Error& error) {
  return contains(error, "must be a directory");
}
bool says_unknown_flag(const Error& error, std::string_view flag) {
  return contains(error, "unknown flag: " + std::string(flag));
}

}  // namespace holdfast::docker
