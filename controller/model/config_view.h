// The configuration in force, as others than the config room see it. Secrets are references, so all of it may
// be shown.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/clock.h"
#include "controller/base/json.h"
#include "controller/base/result.h"

namespace holdfast {

// Where a value came from.
struct Origin {
  std::string layer{};       // "defaults", "base", "overlay", "configmap", "edits"
  std::string file{};        // path, or empty
  int line = 0, column = 0;  // 1-based; 0: not known
  bool operator==(const Origin&) const = default;
};

struct ConfigError {
  std::string path{};     // "services.web.restart.policy"
  std::string value{};    // the offending value, abridged; never a secret
  std::string message{};  // what is wrong, what was expected, what to do
  Origin origin{};
};
std::string describe(
    const ConfigError& error);  // "base /etc/x.yaml:3:5 services.web.replicas: ... (got \"many\")"

struct ConfigLayer {
  std::string name{};
  std::string file{};
  Json document{};
  std::optional<std::string>
      problem{};  // it couldn't be read or is invalid: its last good content is in force
};

struct ConfigView {
  Json merged{};                            // the whole document, defaults filled in
  std::vector<ConfigLayer> layers{};        // low to high
  std::map<std::string, Origin> origins{};  // JSON pointer of each leaf -> origin
  std::string etag{};                   // of the API's layer and everything below: changes with any change
  std::uint64_t revision = 0;           // of the API's layer; 0: none yet
  std::vector<ConfigError> problems{};  // why the newest files are not in force; empty when they are
};

struct RevisionInfo {
  std::uint64_t revision = 0;
  WallTime at{};
  std::string actor{};
  std::string summary{};  // "services.web.replicas"
};

struct ConfigChange {
  std::uint64_t revision = 0;
  std::string etag{};
  bool changed = false;  // false: the edit had no effect, no revision was written
};

struct PlannedChange {
  std::string service{};
  std::string change{};                // create | update | restart | delete | none
  std::vector<std::string> actions{};  // "start web/0: new service"
  std::vector<std::string> paths{};    // changed config paths below the service
  std::vector<std::string> drift{};    // where what runs is not as the configuration in force declares it
};

}  // namespace holdfast
