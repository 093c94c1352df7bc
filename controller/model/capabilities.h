// What a runtime does by itself, what Holdfast does for it, and what gets lost.
#pragma once

#include <map>
#include <string>

namespace holdfast {

enum class Support { kNative, kEmulated, kUnsupported };
std::string_view to_string(Support support);

struct Capabilities {
  bool delegates_workload =
      false;  // replicas, restarts and probes are the runtime's: only *Workload actions are planned
  // feature -> support, for people: replicas restarts probes limits.cpu limits.memory limits.pids user logs
  // logs.follow exec stats adoption treeKill
  std::map<std::string, Support> features;
  std::map<std::string, std::string> notes;  // feature -> how, e.g. limits.memory -> "setrlimit, per process"
};

}  // namespace holdfast
