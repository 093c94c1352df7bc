// A ControlPlane in memory for tests of the API: services are what the test says they are, configuration is
// two layers ("base" and "edits") merged without validation, and a service that appears in the configuration
// appears as a service (and leaves with it). What a test wants otherwise it scripts with the on_* functions.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/clock.h"
#include "controller/base/json.h"
#include "controller/model/control_plane.h"

namespace holdfast::test {

// Thread-safe. The on_* functions are set before use, from one thread.
class FakeControlPlane final : public ControlPlane {
 public:
  explicit FakeControlPlane(const Clock& clock);

  // ---- scripting
  // Consulted first; nullopt means the built-in behaviour. Called without the lock held.
  std::function<std::optional<Result<VerbResult>>(const std::string&, Verb, const Actor&)> on_command;
  // The built-in patch_config, put_service and rollback ask it about the merged result: an error refuses it.
  std::function<Status(const Json& merged)> on_validate;
  // False: start, stop and restart only change `desired` and leave the service unsettled, in phase Starting
  // or Stopping, until settle().
  bool settle_at_once = true;
  // How many updates are held for subscribers that resume.
  size_t held_updates = 1000;

  void set_service(ServiceStatus status);  // by status.spec->name; publishes it
  // A copy of the status, changed by the function, published.
  void change_service(const std::string& name, const std::function<void(ServiceStatus&)>& change);
  void remove_service(const std::string& name);
  void settle(const std::string& name);          // to what is desired; answers those who wait
  void expire_waiting(const std::string& name);  // as if their deadline had passed
  [[nodiscard]] size_t waiting(const std::string& name) const;
  Event add_event(Event event);  // gives it an id and, if unset, a time; publishes it
  void set_logs(const std::string& name, std::string text);
  void set_base(const Json& document);  // the base layer, applied like a changed file
  void set_ready(ReadyReport report);
  void set_runtimes(std::vector<RuntimeInfo> runtimes);
  void set_stats(ReconcilerStats stats);

  struct Command {
    std::string service;
    Verb verb;
    Actor actor;
  };
  [[nodiscard]] std::vector<Command> commands() const;
  [[nodiscard]] std::vector<AuditRecord> audited() const;
  [[nodiscard]] size_t subscriptions() const;
  [[nodiscard]] std::uint64_t sequence() const;  // of the newest update
  // The arguments of the newest logs_text().
  struct LogsQuery {
    std::string name;
    size_t tail = 0;
    std::optional<std::string> stream;
    std::optional<int> ordinal;
    std::optional<WallTime> since;
  };
  [[nodiscard]] LogsQuery last_logs_query() const;

  // ---- ControlPlane
  [[nodiscard]] std::vector<StatusPtr> services() const override;
  [[nodiscard]] StatusPtr service(const std::string& name) const override;
  [[nodiscard]] std::vector<RuntimeInfo> runtimes() const override;
  [[nodiscard]] ReadyReport ready() const override;
  [[nodiscard]] ReconcilerStats stats() const override;
  Result<std::vector<Event>> events(const EventQuery& query) override;
  Result<std::string> logs_text(const std::string& name, size_t tail,
                                const std::optional<std::string>& stream, std::optional<int> ordinal,
                                std::optional<WallTime> since) override;
  std::optional<std::uint64_t> subscribe(std::uint64_t after, UpdateSink sink) override;
  void unsubscribe(std::uint64_t subscription) override;
  Result<VerbResult> command(const std::string& name, Verb verb, const Actor& actor) override;
  Status heartbeat(const std::string& name, const Actor& actor) override;
  void when_settled(const std::string& name, Duration within, std::function<void(StatusPtr)> done) override;
  [[nodiscard]] std::shared_ptr<const ConfigView> config() const override;
  Result<ConfigChange> patch_config(const Json& patch, const std::optional<std::string>& if_match,
                                    const Actor& actor) override;
  Result<ConfigChange> put_service(const std::string& name, const Json& service,
                                   const std::optional<std::string>& if_match, const Actor& actor) override;
  [[nodiscard]] std::vector<RevisionInfo> revisions() const override;
  Result<ConfigChange> rollback(std::uint64_t revision, const std::optional<std::string>& if_match,
                                const Actor& actor) override;
  Result<std::vector<PlannedChange>> plan(const Json& document, bool merge) override;
  void audit(const AuditRecord& record) override;

 private:
  struct Revision {
    RevisionInfo info;
    Json layer;
  };
  void publish(Update update);
  void publish_service(const std::string& name, ServiceStatus status);
  void drop_service(const std::string& name);
  Result<VerbResult> obey(const std::string& name, Verb verb);
  Result<ConfigChange> commit(Json edits, const std::optional<std::string>& if_match, const Actor& actor,
                              const std::string& summary);
  void rebuild_view();
  void apply_services(const Json& before);  // what was merged before
  [[nodiscard]] Json merged(const Json& edits) const;

  const Clock& clock_;
  // Recursive: a sink that finds its client gone may unsubscribe at once.
  mutable std::recursive_mutex mutex_;
  std::map<std::string, StatusPtr> services_;
  std::map<std::string, std::vector<std::function<void(StatusPtr)>>> waiting_;
  std::map<std::string, std::string> logs_;
  std::vector<Event> events_;
  std::uint64_t sequence_ = 0, next_subscription_ = 1;
  std::deque<Update> held_;
  std::map<std::uint64_t, UpdateSink> sinks_;
  std::vector<Command> commands_;
  std::vector<AuditRecord> audited_;
  LogsQuery last_logs_;
  ReadyReport ready_{true, {{"state", "ok"}}};
  std::vector<RuntimeInfo> runtimes_;
  ReconcilerStats stats_;
  Json base_ = Json::object(), edits_ = Json::object();
  std::vector<Revision> revisions_;  // oldest first
  std::shared_ptr<const ConfigView> view_;
};

// A service as it looks when all is well: one ready instance with a pid on the process runtime.
ServiceStatus running_service(const std::string& name, const Clock& clock);

}  // namespace holdfast::test
