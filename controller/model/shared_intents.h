// The operators' intents, where several controllers share them.
#pragma once

#include <map>
#include <string>

#include "controller/base/result.h"
#include "controller/model/intent.h"

namespace holdfast {

// Thread-safe.
class SharedIntents {
 public:
  virtual ~SharedIntents() = default;
  // Recorded for all when it returns; on an error nothing has changed. Blocks. Those of services that `keep`
  // doesn't name are dropped with it.
  virtual Status save(const std::string& service, const Intent& intent,
                      const std::map<std::string, Intent>& keep) = 0;
};

}  // namespace holdfast
