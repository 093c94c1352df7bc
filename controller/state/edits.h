// The API's configuration layer and its revisions: <state>/edits.json and <state>/edits.d/NNNN.json. Each
// revision file carries {revision, at, actor, summary, layer}; edits.json the newest layer, plain and
// hand-readable.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/json.h"
#include "controller/base/result.h"
#include "controller/model/config_view.h"
#include "controller/model/intent.h"

namespace holdfast::state {

// Not thread-safe: the manager serialises edits.
class EditStore {
 public:
  static Result<std::unique_ptr<EditStore>> open(const std::string& state_dir, const Clock& clock,
                                                 size_t keep = 100);
  virtual ~EditStore() = default;
  // Takes in what others have written meanwhile, where others can. An error: that can't be used, and what was
  // there before stays. Asks nobody who could be slow.
  virtual Status refresh() { return {}; }
  [[nodiscard]] virtual std::string where() const = 0;  // for messages: a path, or what it is kept in
  [[nodiscard]] virtual const Json& layer() const = 0;  // {} when there was no edit
  [[nodiscard]] virtual std::uint64_t revision() const = 0;
  [[nodiscard]] virtual std::vector<RevisionInfo> revisions() const = 0;  // newest first
  virtual Result<Json> read(std::uint64_t revision) const = 0;            // revision 0 is {}
  // Durable when it returns; on an error nothing has changed. kConflict: somebody else was faster, refresh()
  // and begin again.
  virtual Result<std::uint64_t> commit(const Json& layer, const Actor& actor, const std::string& summary) = 0;
  [[nodiscard]] virtual std::vector<std::string> quarantined() const = 0;
};

}  // namespace holdfast::state
