// A copy of all objects of a kind, kept up to date by one watch.
//
//   list -> watch from its version on -> ended by the server: watch again from the last version seen
//             ^                          410, or a watch that is out of step: list anew
//
// Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/clock.h"
#include "controller/base/json.h"
#include "controller/base/result.h"
#include "runtimes/kubernetes/client/client.h"

namespace holdfast::kubernetes {

using ObjectPtr = std::shared_ptr<const Json>;

struct InformerOptions {
  Resource resource{};
  Selection selection{};
  // Drops what nobody needs from an object before it is kept; may be empty.
  std::function<void(Json& object)> trim{};
  // A watch lasts between one and two of these, as the server is asked; one that tells nothing, no bookmark
  // either, for longer than that counts as stalled and is replaced.
  Duration watch_time = std::chrono::minutes{5};
  // Between attempts while nobody answers, with jitter.
  Duration retry_initial = std::chrono::milliseconds{250}, retry_max = std::chrono::seconds{30};
};

// Called one at a time on a thread of the informer's; must not block. Either may be empty.
struct InformerHandlers {
  // null before: it is new; null after: it is gone. Also for what a list found out.
  std::function<void(const ObjectPtr& before, const ObjectPtr& after)> on_change{};
  // synced() or error() has changed.
  std::function<void()> on_state{};
};

// Thread-safe.
class Informer {
 public:
  struct Stats {
    std::uint64_t lists = 0, watches = 0, events = 0, stalls = 0;
  };

  virtual ~Informer() = default;  // no handler runs afterwards; never within one

  // The copy is that of a server which still answers. It stays when it no longer does, but may be old.
  [[nodiscard]] virtual bool synced() const = 0;
  // Why it isn't in step, since when it isn't; nullopt: nothing is wrong, or not known yet.
  [[nodiscard]] virtual std::optional<Error> error() const = 0;
  [[nodiscard]] virtual ObjectPtr get(const std::string& namespace_, const std::string& name) const = 0;
  [[nodiscard]] virtual std::vector<ObjectPtr> all() const = 0;
  [[nodiscard]] virtual size_t size() const = 0;
  [[nodiscard]] virtual Stats stats() const = 0;
};

// Begins at once, in the background. `client` and `clock` must outlive it.
std::unique_ptr<Informer> make_informer(Client& client, const Clock& clock, InformerOptions options,
                                        InformerHandlers handlers);

}  // namespace holdfast::kubernetes
