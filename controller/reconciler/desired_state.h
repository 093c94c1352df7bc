// What is wanted, per service: the declared spec and the operator's intent, with the edges between
// dependents.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "controller/model/control_plane.h"
#include "controller/model/intent.h"
#include "controller/model/service_spec.h"

namespace holdfast::reconciler {

struct Wanted {
  SpecPtr spec;                         // null: not declared, everything of it is to go
  Desired desired = Desired::kStopped;  // effective: intent over config
  std::uint64_t restart_nonce = 0;
  std::uint64_t version = 0;  // grows with every change of the above
  bool known = false;         // false: no such service, not even one that is being removed
};

// What an applied configuration changed.
struct SpecChanges {
  std::vector<std::string> added, changed, removed;
  std::vector<std::pair<std::string, Intent>> intents;  // changed by the config: to be saved
};

// Thread-safe.
class DesiredState {
 public:
  void restore_intents(std::map<std::string, Intent> intents);  // once, before the first apply

  SpecChanges apply(const std::map<std::string, SpecPtr>& specs);
  // A service found running that nobody declared; it is to be removed.
  bool add_orphan(const std::string& service);
  // The last of a removed service is gone. False if it was declared again meanwhile.
  bool forget(const std::string& service);

  [[nodiscard]] Wanted get(const std::string& service) const;
  [[nodiscard]] std::map<std::string, SpecPtr> specs() const;
  [[nodiscard]] std::vector<std::string> names() const;  // removed ones that still run included

  // What a command makes of the intent, which adopt() then puts in force. kNotFound for an undeclared
  // service. `revive`: the service gave up or completed, so a start is a change although it is already wanted
  // running.
  struct Decided {
    VerbResult result;
    Intent intent;
  };
  [[nodiscard]] Result<Decided> decide(const std::string& service, Verb verb, bool revive, const Actor& actor,
                                       WallTime now) const;
  // False if nothing changes, or the service isn't declared (yet: then it is kept for it).
  bool adopt(const std::string& service, const Intent& intent);
  [[nodiscard]] std::map<std::string, Intent> intents() const;  // those of declared services that have one

  // Direct neighbours, for a dependency's news.
  [[nodiscard]] std::vector<std::string> dependents_of(const std::string& service) const;
  [[nodiscard]] std::vector<std::string> neighbours_of(const std::string& service) const;

 private:
  struct Entry {
    SpecPtr spec;
    Intent intent;
    std::uint64_t version = 1;
    std::set<std::string> depends_on, dependents;  // depends_on stays after removal, to stop in order
  };
  void set_edges(const std::string& service, Entry& entry);

  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, Intent> restored_;
};

}  // namespace holdfast::reconciler
