// The contract between the reconciler and what runs services. One conformance suite (tests/conformance) holds
// every implementation to it, the fake included.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/result.h"
#include "controller/model/action.h"
#include "controller/model/capabilities.h"
#include "controller/model/observation.h"
#include "controller/model/service_spec.h"
#include "controller/model/status.h"

namespace holdfast {

struct LogLine {
  WallTime at{};       // when it was written, as well as the runtime can tell
  std::string stream;  // "stdout" or "stderr"
  int ordinal = 0;
  std::string text;  // without the newline
};
struct LogQuery {
  size_t tail = 100;  // newest lines, per call
  std::optional<WallTime> since;
  std::optional<std::string> stream;
  std::optional<int> ordinal;
};

// Thread-safe.
class LogReader {
 public:
  virtual ~LogReader() = default;
  // Oldest first; an empty list when nothing was written. Blocks on local files or the runtime.
  virtual Result<std::vector<LogLine>> read(const std::string& service, const LogQuery& query) = 0;
};

struct ExecResult {
  int exit_code = 0;
  std::string output;  // stdout and stderr, at most 4 KiB
};
// Thread-safe.
class ExecRunner {
 public:
  virtual ~ExecRunner() = default;
  // Runs argv beside the instance (its user, working directory and environment). kTimeout after the deadline,
  // with the whole tree of the command killed.
  virtual Result<ExecResult> run(const InstanceId& id, const std::vector<std::string>& argv,
                                 Duration timeout) = 0;
};

struct ActionContext {
  SpecPtr spec;  // null for RemoveInstance, SignalInstance and KillInstance of an undeclared service
  std::uint64_t restart_nonce = 0;  // recorded with a started instance
};

// Whether a runtime can be used now, and how it is reached.
struct Availability {
  bool known = true;  // false: nobody has had time to look yet
  bool available = true;
  std::string mode{};     // where there is more than one way: "engine", "cli"
  std::string message{};  // what answers, or why nothing does and what to do about it
};

// What a start still needs, such as an image that is being pulled.
struct Preparation {
  std::string waiting_for{};  // empty: nothing, it may start
};

// News that is worth an event and that no action of the loop caused.
struct RuntimeNote {
  std::string service{};
  std::string type{};             // "Pulling", "Pulled", "PullFailed" ...
  std::string severity = "info";  // info | warning | error
  std::string message{};          // one sentence for people
};

// Thread-safe. Calls may block, for at most the adapter's own deadline. Every action is idempotent: done
// twice, or after a crash in between, it has the effect of once. Incarnation is part of an instance's
// identity: an action that names an incarnation which is gone is a success that does nothing.
class Runtime {
 public:
  virtual ~Runtime() = default;

  [[nodiscard]] virtual RuntimeKind kind() const = 0;
  [[nodiscard]] virtual Capabilities capabilities() const = 0;
  // Never blocks. A runtime that can't be reached keeps its instances: they are Unknown, not gone.
  [[nodiscard]] virtual Availability availability() const { return {}; }
  // What this runtime would refuse, before anything is stopped: a missing program, an unknown user, an unheld
  // limit. Asks nobody who could be slow.
  virtual Status validate(const ServiceSpec& spec) = 0;
  // All that is declared, by name, whenever that changes and before the first observation of what is new.
  // Never blocks.
  virtual void declare(const std::map<std::string, SpecPtr>& /*services*/) {}
  // Begins what a start of this spec needs and takes long, before anything is stopped for it. Doesn't wait
  // for it: on_change tells when it is done. An error: it can't be had.
  virtual Result<Preparation> prepare(const ActionContext& /*context*/) { return Preparation{}; }
  // Every instance of the service that exists, exited ones until removed. An error means "can't tell", never
  // "none".
  virtual Result<Observation> observe(const std::string& service) = 0;
  // Names of all services of which this controller owns at least one instance here, declared or not.
  virtual Result<std::vector<std::string>> list_owned() = 0;
  // StartInstance fails with kConflict while another incarnation of that ordinal is not Exited.
  virtual Status execute(const Action& action, const ActionContext& context) = 0;
  // Called from any thread with the name of a service that may have changed; set once, before the first
  // action.
  virtual void on_change(std::function<void(const std::string& service)> sink) = 0;
  // Called from any thread when availability() has changed; set once, before the first action.
  virtual void on_availability(const std::function<void()>& /*sink*/) {}
  virtual void on_note(const std::function<void(const RuntimeNote&)>& /*sink*/) {}  // as on_change
  // Reads the resources of running instances in the order of `instances`; entries it can't read stay empty.
  virtual std::vector<ResourceUsage> usage(const std::vector<ObservedInstance>& instances) = 0;

  virtual LogReader* logs() { return nullptr; }  // null: this runtime has none
  virtual ExecRunner* exec() { return nullptr; }
};

}  // namespace holdfast
