// The configuration in force: file layers below, the API's edits above, the last good result kept through
// every fault.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "controller/config/config.h"
#include "controller/model/control_plane.h"
#include "controller/state/edits.h"

namespace holdfast::reconciler {

// Thread-safe; edits are serialised.
class ConfigService {
 public:
  struct Hooks {
    // The runtime's word on a changed or new spec before an edit is accepted.
    std::function<Status(const ServiceSpec&)> validate;
    // A new document is in force.
    std::function<void(const config::Document&, std::uint64_t revision, const Actor& actor)> applied;
    // The newest files were refused; the last good configuration stays.
    std::function<void(const std::vector<ConfigError>&)> rejected;
  };
  // `read`: layers that the caller has parsed already; of a document, only these count.
  ConfigService(std::unique_ptr<state::EditStore> edits, std::string state_dir, Hooks hooks,
                std::vector<std::shared_ptr<const config::ParsedLayer>> read = {});

  // Others may have written edits: reload() with the files as they are.
  std::vector<ConfigError> reload_edits();

  // The file layers, read anew. On an error the last good document stays in force (at the first call: the one
  // that was in force before the restart, if there was one).
  std::vector<ConfigError> reload(std::vector<config::LayerText> files);
  // The files could not even be read; all stays as it is, and says so.
  void refuse(const std::vector<ConfigError>& problems);

  [[nodiscard]] std::shared_ptr<const ConfigView> view() const;
  [[nodiscard]] std::shared_ptr<const config::Document> document()
      const;  // null before the first good reload
  [[nodiscard]] std::vector<RevisionInfo> revisions() const;
  [[nodiscard]] std::uint64_t revision() const;

  Result<ConfigChange> patch(const Json& patch, const std::optional<std::string>& if_match,
                             const Actor& actor);
  Result<ConfigChange> put_service(const std::string& name, const Json& service,
                                   const std::optional<std::string>& if_match, const Actor& actor);
  Result<ConfigChange> rollback(std::uint64_t revision, const std::optional<std::string>& if_match,
                                const Actor& actor);

  // What would be in force if document replaced the base layer (or were merged as an edit); nothing is
  // changed.
  Result<std::shared_ptr<const config::Document>> preview(const Json& document, bool merge) const;

 private:
  struct Candidate {
    std::vector<config::LayerText> files;
    Json edits;
  };
  [[nodiscard]] std::vector<config::LayerText> with_edits(const std::vector<config::LayerText>& files,
                                                          const Json& edits) const;
  [[nodiscard]] config::Loaded load(const std::vector<config::LayerText>& files, const Json& edits) const;
  [[nodiscard]] std::vector<ConfigError> refusals(const config::Document& document) const;
  std::vector<ConfigError> reload_locked(std::vector<config::LayerText> files);
  std::vector<ConfigError> reject(std::vector<ConfigError> problems);
  Result<ConfigChange> edit(const std::function<Result<Json>(const Json& layer)>& change,
                            const std::optional<std::string>& if_match, const Actor& actor,
                            const std::function<std::string(const Json& before, const Json& after)>& summary);
  [[nodiscard]] Json declared_below(const std::string& name) const;  // of the file layers together
  Result<ConfigChange> commit(const Json& edits, const std::optional<std::string>& if_match,
                              const Actor& actor, const std::string& summary);
  void put_in_force(config::Document document, const Actor& actor);
  void rebuild_view();
  void keep_last_good() const;
  [[nodiscard]] std::vector<config::LayerText> read_last_good() const;

  const std::string state_dir_;
  const Hooks hooks_;
  mutable std::mutex mutex_;  // one change at a time
  std::unique_ptr<state::EditStore> edits_;
  std::vector<config::LayerText> files_;  // last good
  std::vector<ConfigError> problems_;
  std::shared_ptr<const config::Document> document_;
  config::Document read_;  // until there is one: what was parsed before
  mutable std::mutex view_mutex_;
  std::shared_ptr<const ConfigView> view_;
  std::shared_ptr<const config::Document> published_;
};

}  // namespace holdfast::reconciler
