// One ordinal of one service: at most one container, which serves its runs one after the other for as long as
// it is what the spec declares. It is kept when it is stopped, with its logs and files, as `docker stop`
// does; a changed spec or image, or drift, makes a new one.
//
//            create              start                exit, kill
//   (none) ---------> made ----------------> runs --------------------> exited --start--> runs ...
//     ^                                                                   | RemoveInstance
//     +------- not declared any more, or to be made anew ---- forgotten <-+
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "runtimes/docker/engine_link.h"
#include "runtimes/docker/record.h"
#include "runtimes/docker/sight.h"
#include "runtimes/runtime.h"

namespace holdfast::docker {

// What all instances share.
struct Host {
  EngineLink& link;
  const Clock& clock;
  std::string directory;   // <state_dir>/docker
  std::string controller;  // id of this controller
  std::string name_prefix;
  std::map<std::string, std::string> labels;
  std::function<void(const RuntimeNote&)> note{};
};

// Of an instance's container, for logs, exec and figures.
struct ContainerHandle {
  std::string id{};
  bool tty = false;
  std::uint64_t incarnation = 0;
  std::optional<std::int64_t> pid{};  // of its main process, if it runs
};

// Thread-safe. Calls block on the engine, for as long as the client's deadlines; handle() doesn't.
class Instance {
 public:
  Instance(Host& host, InstanceId id);  // reads the record, if there is one
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  // declared: null if it is not, or not known.
  Result<std::optional<ObservedInstance>> observe(const SpecPtr& declared);
  Status start(const StartInstance& action, const ActionContext& context);
  Status signal(const SignalInstance& action);
  Status kill(const KillInstance& action);
  Status remove(const RemoveInstance& action, const ActionContext& context);
  // For an instance that nobody declares any more: removes a container that has no run to tell of, because it
  // stopped for good or because the controller died after it had made it.
  Status discard_leftover();
  [[nodiscard]] std::optional<ContainerHandle> handle() const;
  [[nodiscard]] bool has_record() const;

 private:
  Result<std::optional<Container>> find(const SpecPtr& declared);
  Result<std::optional<ObservedInstance>> look_at(const std::optional<Container>& container,
                                                  const SpecPtr& declared);
  void adopt(const Container& container, const ServiceSpec& spec, std::uint64_t incarnation,
             std::uint64_t restart_nonce);
  Result<std::optional<Container>> settle_switch(std::optional<Container> container, const SpecPtr& spec);
  void recover(const Container& container);
  Status start_in(const std::optional<Container>& container, const StartInstance& action,
                  const ActionContext& context);
  Result<Container> obtain(const std::optional<Container>& container, const StartInstance& action,
                           const ServiceSpec& spec);
  Result<Container> make(const StartInstance& action, const ServiceSpec& spec);
  [[nodiscard]] Result<bool> reusable(const Container& container, const ServiceSpec& spec);
  Status launch(const Container& container, const StartInstance& action, const ActionContext& context);
  Status settle_start(const Container& container, Status started);
  [[nodiscard]] bool to_adopt(const SpecPtr& declared) const;
  [[nodiscard]] bool is_ours(const Container& container) const;
  [[nodiscard]] bool is_other(const SpecPtr& declared) const;
  [[nodiscard]] bool runs(std::uint64_t incarnation) const;
  Status deliver(int number, bool paused);
  Status discard(const std::optional<Container>& container);
  Status save();
  void show(const std::optional<Container>& container);
  void forget_record();

  Host& host_;
  const InstanceId id_;
  const std::string path_;

  mutable std::mutex mutex_;  // held while the engine works: one thing at a time
  std::optional<RunRecord> record_;

  mutable std::mutex shown_mutex_;
  std::optional<ContainerHandle> shown_;
};

}  // namespace holdfast::docker
