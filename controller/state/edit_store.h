// The EditStore over plain files.
//
//   commit: edits.d/NNNN.json (new, fsync) -> edits.json (replaced, fsync) -> revisions beyond `keep` deleted
//
// At open the newest revision is what edits.json should hold. If it doesn't: an edits.json that equals the
// revision before and is not newer than the newest revision belongs to a commit that was cut short, which is
// then finished; a missing or unreadable one is restored; any other was edited by hand and becomes a
// revision.
#pragma once

#include <string>
#include <vector>

#include "controller/base/clock.h"
#include "controller/state/edits.h"

namespace holdfast::state {

class FileEditStore final : public EditStore {
 public:
  FileEditStore(const std::string& state_dir, const Clock& clock, size_t keep);
  Status load();

  [[nodiscard]] std::string where() const override { return file_; }
  [[nodiscard]] const Json& layer() const override { return layer_; }
  [[nodiscard]] std::uint64_t revision() const override;
  [[nodiscard]] std::vector<RevisionInfo> revisions() const override;
  Result<Json> read(std::uint64_t revision) const override;
  Result<std::uint64_t> commit(const Json& layer, const Actor& actor, const std::string& summary) override;
  [[nodiscard]] std::vector<std::string> quarantined() const override { return quarantined_; }

 private:
  [[nodiscard]] std::string revision_path(std::uint64_t revision) const;
  Status load_revisions();
  Status reconcile_newest();
  Result<std::optional<Json>> read_newest();
  Status quarantine(const std::string& path, const std::string& why, const std::string& consequence);
  [[nodiscard]] bool was_cut_short(const Json& found) const;
  void drop_oldest();

  const std::string file_, directory_;
  const Clock& clock_;
  const size_t keep_;
  Json layer_ = Json::object();
  std::vector<RevisionInfo> revisions_;  // oldest first, readable ones only
  std::uint64_t highest_ = 0;            // of any revision file seen: numbers are never used twice
  std::vector<std::string> quarantined_;
};

}  // namespace holdfast::state
