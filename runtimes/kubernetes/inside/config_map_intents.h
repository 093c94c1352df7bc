// The operators' intents in a ConfigMap: key intents.json,
//   {"web": {"desired": "stopped", "configured": "running", "restartNonce": 2, "actor": "ci", "at":
//   "2026-…"}}
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "controller/base/result.h"
#include "controller/model/intent.h"
#include "controller/model/shared_intents.h"
#include "runtimes/kubernetes/inside/config_map.h"

namespace holdfast::kubernetes {

// Thread-safe.
class ConfigMapIntents final : public SharedIntents {
 public:
  using Intents = std::map<std::string, Intent>;  // by service
  struct View {
    Intents intents{};               // last good
    std::optional<Error> problem{};  // why the newest text isn't used: kInvalid
  };

  // `map` must outlive it.
  explicit ConfigMapIntents(SharedConfigMap& map) : map_(map) {}

  // Changes the entry of `service` alone, whatever others write meanwhile. kConflict, terminal: the key was
  // broken by hand, and is not written over. Else as SharedConfigMap::edit().
  Status save(const std::string& service, const Intent& intent, const Intents& keep) override;
  // Never blocks on the API server.
  [[nodiscard]] View view() const;

 private:
  [[nodiscard]] Result<Intents> parse(const SharedConfigMap::Values& values) const;

  SharedConfigMap& map_;
  mutable std::mutex mutex_;
  mutable std::string version_;
  mutable View view_;
};

}  // namespace holdfast::kubernetes
