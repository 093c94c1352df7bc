// The EditStore in a ConfigMap, for all replicas of the controller and for kubectl:
//
//   edits.json      the newest layer, plain and hand-readable
//   revisions.json  [{revision, at, actor, summary, layer}, ...], oldest first: the newest 20, or fewer where
//                   they would take more than 400 KiB
//
// An edits.json that isn't the newest revision's layer was edited by hand: it is in force, and the next
// commit records it as a revision before its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/base/clock.h"
#include "controller/state/edits.h"
#include "runtimes/kubernetes/inside/config_map.h"

namespace holdfast::kubernetes {

// Not thread-safe, as EditStore; the SharedConfigMap may be used meanwhile.
class ConfigMapEditStore final : public state::EditStore {
 public:
  // Takes in what `map` holds, which should be in step; both outlive it. Where edits.json can't be used the
  // layer begins as that of the newest revision, quarantined() says so, and refresh() goes on to fail.
  ConfigMapEditStore(SharedConfigMap& map, const Clock& clock);

  // kInvalid: a key was broken by hand. What was good last stays, and nothing is written over it.
  Status refresh() override;
  [[nodiscard]] std::string where() const override { return map_.where(kEditsKey); }
  [[nodiscard]] const Json& layer() const override { return layer_; }
  [[nodiscard]] std::uint64_t revision() const override;
  [[nodiscard]] std::vector<RevisionInfo> revisions() const override;
  Result<Json> read(std::uint64_t revision) const override;
  // kConflict: somebody else has changed the edits since refresh(); terminal, if a key was broken by hand.
  // kInvalid, terminal: too large.
  Result<std::uint64_t> commit(const Json& layer, const Actor& actor, const std::string& summary) override;
  [[nodiscard]] std::vector<std::string> quarantined() const override { return quarantined_; }

 private:
  struct Revision {
    RevisionInfo info{};
    Json layer{};
  };
  struct Texts {
    std::string edits{}, revisions{};  // as they are in the ConfigMap; empty: the key isn't there
    bool operator==(const Texts&) const = default;
  };
  static Texts texts_of(const SharedConfigMap::Values& values);
  static Json encode(const Revision& revision);
  [[nodiscard]] Result<Json> parse_layer(const std::string& text) const;
  [[nodiscard]] Result<std::vector<Revision>> parse_revisions(const std::string& text) const;
  [[nodiscard]] std::vector<Revision> with_edit_by_hand() const;
  [[nodiscard]] Result<std::string> write_down(std::vector<Revision>& revisions) const;
  Status take(const SharedConfigMap::DataPtr& data);

  SharedConfigMap& map_;
  const Clock& clock_;
  SharedConfigMap::DataPtr data_;    // as last taken in
  Texts texts_;                      // of data_
  bool broken_ = false;              // texts_ can't be used
  Json layer_ = Json::object();      // last good
  std::vector<Revision> revisions_;  // oldest first, last good
  std::uint64_t highest_ = 0;        // of any revision seen: numbers are never used twice
  std::vector<std::string> quarantined_;
};

}  // namespace holdfast::kubernetes
