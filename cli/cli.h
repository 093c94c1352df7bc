// The `holdfast` program's command line. Everything that talks to a controller goes over its REST API; what
// has to happen inside this process (serve, validate, tokens) is given by the composition root as hooks, so
// that this room needs nothing of the controller.
//
// Exit codes: 0 done; 1 an error, said on stderr; 2 `plan` found changes.
#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/json.h"
#include "controller/base/result.h"

namespace holdfast::cli {

inline constexpr int kExitOk = 0, kExitError = 1, kExitChanges = 2;

// Of `holdfast serve`. What is not given on the command line stays empty: the configuration decides.
struct ServeOptions {
  std::string config;                 // base file, JSON or YAML
  std::vector<std::string> overlays;  // directories, in the order given
  std::string config_map;             // "namespace/name", or empty
  std::string state_dir;              // --state-dir, else PIPELINE_STATE_DIR, else "state"
  std::string facade_state_dir;       // of streaming_config.json and streaming.pid; by default state_dir
  std::optional<std::string> listen;  // host:port, [v6]:port, unix:/path
  std::optional<std::string> metrics_listen;
  bool insecure = false;            // listen beyond this machine without authentication
  std::string log_format = "text";  // text | json
  std::string log_level = "info";   // debug | info | warning | error
  std::string runtime_shim;         // path of holdfast-shim; empty: beside this program
};

// Of `holdfast remove-services`.
struct RemoveServicesOptions {
  std::string config_map;               // "namespace/name", which names the controller
  std::vector<std::string> namespaces;  // empty: that of the ConfigMap
  bool all_namespaces = false;
};

struct TokenEntry {
  std::string name, role, id, created;
};

struct Imported {
  Json document;
  std::vector<std::string> notes;  // what could not be carried over, and what else is to be known
};

using Environment = std::function<std::optional<std::string>(const std::string& name)>;

// Unset hooks answer "not available in this build".
struct Hooks {
  std::string version = "unknown", revision;
  std::function<int(const ServeOptions&)> serve;
  // Deletes what a controller left running in a cluster, and tells of each object: how many there were.
  std::function<Result<size_t>(const RemoveServicesOptions& options,
                               const std::function<void(const std::string& object)>& tell)>
      remove_services;
  // Checks files as layers, low to high: how many services they declare together. All faults are details.
  std::function<Result<size_t>(const std::vector<std::string>& files)> validate;
  // One document, JSON or YAML by the name's extension, as the controller would read it.
  std::function<Result<Json>(const std::string& name, const std::string& text)> parse_document;
  // A compose file as a document of Holdfast's own.
  std::function<Result<Imported>(const std::string& file, const Environment& environment)> import_compose;
  // Tokens are kept in a file, the one that controller.auth.tokensFile names.
  std::function<Result<std::string>(const std::string& file, const std::string& name,
                                    const std::string& role)>
      create_token;
  std::function<Result<std::vector<TokenEntry>>(const std::string& file)> list_tokens;
  std::function<Status(const std::string& file, const std::string& name)> revoke_token;
};

// Where a command reads and writes; tests put streams and variables of their own here.
struct Terminal {
  std::ostream& out;
  std::ostream& err;
  bool colours = false;
  Environment environment;
};
// stdout, stderr and the process's environment; colours if stdout is a terminal and NO_COLOR doesn't object.
Terminal process_terminal();

// Not thread-safe: once per process, apart from tests.
int run(int argc, char** argv, const Hooks& hooks);
int run(const std::vector<std::string>& arguments, const Hooks& hooks, const Terminal& terminal);

}  // namespace holdfast::cli
