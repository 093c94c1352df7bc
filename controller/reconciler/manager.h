// Owns the loop and is the control plane: joins configuration, intents, runtimes, probes and state, and runs
// the workers. Everything that main() would have to know about the order of things is here.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "controller/base/event_loop.h"
#include "controller/health/prober.h"
#include "controller/model/control_plane.h"
#include "controller/model/leadership.h"
#include "controller/model/shared_intents.h"
#include "controller/reconciler/config_service.h"
#include "controller/reconciler/desired_state.h"
#include "controller/reconciler/loop_stats.h"
#include "controller/reconciler/reconciler.h"
#include "controller/reconciler/runtime_set.h"
#include "controller/reconciler/status_board.h"
#include "controller/reconciler/turns.h"
#include "controller/reconciler/work_queue.h"
#include "controller/state/store.h"

namespace holdfast::reconciler {

struct ManagerOptions {
  std::string state_dir;
  Duration resync = std::chrono::seconds{30};
  Duration state_retry = std::chrono::seconds{5};
  std::uint64_t seed = std::random_device{}();  // of the jitter of retries; simulations fix it
};

// Thread-safe. Without start() no thread runs and work_one() drives the loop by hand, for simulations.
class Manager final : public ControlPlane {
 public:
  struct Parts {
    EventLoop& loop;
    const Clock& clock;
    std::unique_ptr<state::Store> store;
    std::unique_ptr<state::EditStore> edits;
    std::vector<std::shared_ptr<Runtime>> runtimes;
    health::Prober* prober = nullptr;
    std::function<ResourceUsage(const ObservedInstance&)> usage{};
    std::function<std::map<std::string, CollectedValues>(const std::string&)> collected{};
    std::function<void(const config::Document&)>
        on_config{};  // collectors and whoever else follows the document
    std::vector<std::shared_ptr<const config::ParsedLayer>> read{};  // layers that are parsed already
    bool in_cluster = false;                  // this controller itself runs in a Kubernetes cluster
    Leadership* leadership = nullptr;         // null: nobody else acts on these services
    SharedIntents* shared_intents = nullptr;  // null: nobody else has a say in them
  };
  Manager(Parts parts, ManagerOptions options);
  ~Manager() override;

  // New texts of the file layers. The errors are those that keep them from being in force.
  std::vector<ConfigError> reload(std::vector<config::LayerText> files);
  void refuse(const std::vector<ConfigError>& problems) { config_.refuse(problems); }
  void reload_edits() { config_.reload_edits(); }  // others may have written some
  // What operators asked other controllers for.
  void adopt_intents(const std::map<std::string, Intent>& intents);
  // So many workers for services whose runtime may keep them waiting, and one more.
  void start(int workers);
  void stop();  // services go on running

  // Works on one due service, if there is one. For simulations.
  bool work_one();
  [[nodiscard]] std::optional<MonoTime> next_due() { return queue_.next_due(); }
  void resync();

  // Newer figures are there; no reconcile follows from them.
  // Where a service is, as far as is known; null: nowhere.
  [[nodiscard]] Runtime* runtime_of(const std::string& service) const;
  void sampled(const std::string& service);
  void collected(const std::string& service);  // a collector has an answer
  [[nodiscard]] std::shared_ptr<const config::Document> document() const { return config_.document(); }

  // ControlPlane
  [[nodiscard]] std::vector<StatusPtr> services() const override { return board_.all(); }
  [[nodiscard]] StatusPtr service(const std::string& name) const override { return board_.get(name); }
  [[nodiscard]] std::vector<RuntimeInfo> runtimes() const override { return runtimes_.describe(); }
  [[nodiscard]] ReadyReport ready() const override;
  [[nodiscard]] ReconcilerStats stats() const override;
  Result<std::vector<Event>> events(const EventQuery& query) override { return store_->events(query); }
  Result<std::string> logs_text(const std::string& name, size_t tail,
                                const std::optional<std::string>& stream, std::optional<int> ordinal,
                                std::optional<WallTime> since) override;
  std::optional<std::uint64_t> subscribe(std::uint64_t after, UpdateSink sink) override {
    return board_.subscribe(after, std::move(sink));
  }
  void unsubscribe(std::uint64_t subscription) override { board_.unsubscribe(subscription); }
  Result<VerbResult> command(const std::string& name, Verb verb, const Actor& actor) override;
  Status heartbeat(const std::string& name, const Actor& actor) override;
  void when_settled(const std::string& name, Duration within, std::function<void(StatusPtr)> done) override;
  [[nodiscard]] std::shared_ptr<const ConfigView> config() const override { return config_.view(); }
  Result<ConfigChange> patch_config(const Json& patch, const std::optional<std::string>& if_match,
                                    const Actor& actor) override {
    return config_.patch(patch, if_match, actor);
  }
  Result<ConfigChange> put_service(const std::string& name, const Json& service,
                                   const std::optional<std::string>& if_match, const Actor& actor) override {
    return config_.put_service(name, service, if_match, actor);
  }
  [[nodiscard]] std::vector<RevisionInfo> revisions() const override { return config_.revisions(); }
  Result<ConfigChange> rollback(std::uint64_t revision, const std::optional<std::string>& if_match,
                                const Actor& actor) override {
    return config_.rollback(revision, if_match, actor);
  }
  Result<std::vector<PlannedChange>> plan(const Json& document, bool merge) override;
  void audit(const AuditRecord& record) override { store_->append_audit(record); }

 private:
  void applied(const config::Document& document, std::uint64_t revision, const Actor& actor);
  void announce(const SpecPtr& spec);
  void rejected(const std::vector<ConfigError>& errors);
  void record(Event event);
  void lead_or_follow();
  void enact(const std::string& name);
  void listen_to(Runtime& runtime);
  void orphans_due(Runtime& runtime);
  void adopt_orphans();
  void work(const std::stop_token& stop);
  void handle(const std::string& key);
  void reconcile(const std::string& service);
  [[nodiscard]] bool may_wait(const std::string& key) const;
  void schedule_resync();
  void schedule_state_check();
  void check_state();
  [[nodiscard]] std::vector<std::string> planned_actions(const SpecPtr& spec, const std::string& name) const;

  EventLoop& loop_;
  const Clock& clock_;
  const ManagerOptions options_;
  std::unique_ptr<state::Store> store_;
  RuntimeSet runtimes_;
  DesiredState desired_;
  StatusBoard board_;
  WorkQueue queue_;
  Turns turns_;  // of what may_wait(); workers_ has one more than there are, for all else
  LoopStats stats_;
  health::Prober* prober_;
  std::function<ResourceUsage(const ObservedInstance&)> usage_;
  std::function<std::map<std::string, CollectedValues>(const std::string&)> collected_;
  std::function<void(const config::Document&)> on_config_;
  Leadership* const leadership_;
  SharedIntents* const shared_intents_;
  std::mutex command_mutex_;  // one operator's word at a time
  Reconciler reconciler_;
  ConfigService config_;
  std::map<std::string, std::string> known_;  // declarations of an earlier controller, until the first own
  std::mutex orphans_mutex_;
  std::set<Runtime*> orphans_due_;  // which are still to be asked what they run
  std::atomic<bool> degraded_told_{false}, running_{false}, configured_{false}, led_{false};
  std::atomic<std::int64_t> resync_ns_;
  std::mutex timers_mutex_;
  EventLoop::TimerId resync_timer_ = 0, state_timer_ = 0;
  std::vector<std::jthread> workers_;
};

}  // namespace holdfast::reconciler
