// What Holdfast asks of a container engine, in whatever way it is reached: over its API (engine/) or through
// the `docker` command (cli/).
// Source: Docker Engine API, https://docs.docker.com/reference/api/engine/ ; Podman serves the same.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/clock.h"
#include "controller/base/json.h"
#include "controller/base/result.h"
#include "controller/model/status.h"
#include "runtimes/docker/client/create_spec.h"
#include "runtimes/runtime.h"

namespace holdfast::docker {

struct EngineInfo {
  std::string name{};         // "Docker Engine 20.10.24" | "Podman Engine 4.3.1"
  std::string api_version{};  // in use, "1.41"
  std::string where{};        // "unix:///var/run/docker.sock" | "docker CLI"
};

// What an engine tells of one container. Times are the engine's text (RFC 3339 with nanoseconds), which as it
// is tells one run from another; empty instead of year 1.
struct Container {
  std::string id{}, name{};         // without the leading slash
  std::string image{}, image_id{};  // as it was asked for, and what that was
  std::string status{};  // created running paused restarting removing exited dead; stopping (Podman)
  std::optional<std::int64_t> pid{};
  int exit_code = 0;
  bool oom_killed = false;
  std::string error{};  // of the last start, if that failed
  std::string started_at{}, finished_at{};
  std::string health{};          // starting healthy unhealthy; empty: no health check
  std::string health_message{};  // output of the newest check
  std::string restart_policy{};  // no always on-failure unless-stopped
  bool tty = false;
  int stop_signal = 0;  // 0: not set
  std::map<std::string, std::string> labels{};
  Json document{};  // all of it

  [[nodiscard]] bool alive() const {
    return status == "running" || status == "paused" || status == "restarting" || status == "removing" ||
           status == "stopping";
  }
};
// Reads what GET /containers/{id}/json and `docker inspect` print, of Docker or Podman. kInternal if it isn't
// that.
Result<Container> parse_container(Json document);

// Words of an engine that is being stopped: it answers to the end, but starts nothing any more. They say
// nothing about the container that was to be started.
bool tells_of_shutdown(std::string_view words);

// One row of a list of containers.
struct ContainerRow {
  std::string id{}, name{}, state{};
  std::map<std::string, std::string> labels{};
};

struct Image {
  std::string id{};
  bool has_health_check = false;
};

struct PullProgress {
  std::string message{};             // "downloading, 12 of 80 MiB"
  std::optional<double> fraction{};  // 0 to 1, if sizes are known
};

struct ContainerEvent {
  std::string action{};  // "start" "die" "destroy" "oom" "rename" "health_status: healthy" ...
  std::string id{};
  std::map<std::string, std::string> attributes{};  // labels, name, image, exitCode ...
  std::int64_t time_ns = 0;                         // since the epoch, the engine's clock
};
// Called one at a time, from one thread of the client's; they must not block, nor call the client.
struct EventHandlers {
  std::function<void()> on_open;  // subscribed: what happens from now on will be told
  std::function<void(const ContainerEvent&)> on_event;
  std::function<void(const Error&)> on_end;  // once; no call follows
};
// Ends what it stands for when destroyed; no callback runs afterwards. Never destroy it within a callback.
class Subscription {
 public:
  virtual ~Subscription() = default;
};

// Thread-safe. Calls block for at most a deadline of the client's own, and not from within its callbacks.
// Errors: kUnavailable (nothing can be reached), kPermission (the socket is not ours to use), kTimeout (no
// answer), kNotFound, kConflict, kInvalid (the engine refuses), kInternal; each with the engine's own words
// and, where there is one, a hint. Names or ids are taken for `container`.
class Client {
 public:
  virtual ~Client() = default;

  // Asks who is there. Cheap: for telling whether anybody answers.
  virtual Result<EngineInfo> ping(Duration timeout) = 0;
  // What tells this engine from every other, for as long as its data lives; empty where it has no such thing
  // (Podman).
  virtual Result<std::string> identity() = 0;
  virtual Result<std::vector<ContainerRow>> list(const std::string& label) = 0;  // in any state; "key=value"
  virtual Result<std::optional<Container>> inspect(const std::string& container) = 0;  // nullopt: no such one
  // The id. kConflict: the name is taken; kNotFound: no such image.
  virtual Result<std::string> create(const std::string& name, const CreateSpec& spec) = 0;
  // Starting what runs is a success. Any other error than kUnavailable and kTimeout: it didn't start.
  virtual Status start(const std::string& container) = 0;
  // A success also if it doesn't run or is gone.
  virtual Status signal(const std::string& container, int signal) = 0;
  virtual Status unpause(const std::string& container) = 0;  // a success if it isn't paused
  // With its anonymous volumes. A success if it is gone, or is just being removed; kConflict while it runs.
  virtual Status remove(const std::string& container) = 0;
  virtual Result<std::optional<Image>> image(const std::string& reference) = 0;
  // Blocks until the image is there, without a deadline as long as there is progress; `stop` ends it with
  // kUnavailable. `progress` is called on this thread.
  virtual Status pull(const std::string& reference, const std::function<void(const PullProgress&)>& progress,
                      const std::stop_token& stop) = 0;
  // Unpacks a tar archive into a directory of the container (an absolute path), which is made if it is
  // missing; what exists of the path keeps its owner and mode. The container needn't run.
  virtual Status upload(const std::string& container, const std::string& directory,
                        const std::string& tar) = 0;
  // Oldest first. `tty`: of the container, then all lines are of stdout. ordinal is left for the caller. Of
  // more than 32 MiB only the newest are kept; a line is cut at 1 MiB. Podman tells times in whole seconds.
  virtual Result<std::vector<LogLine>> logs(const std::string& container, bool tty,
                                            const LogQuery& query) = 0;
  // kTimeout after the deadline; what the command started is killed where its pids can be seen. kConflict if
  // the container doesn't run. A program that can't be run is an exit code of 126 or 127, or an error.
  virtual Result<ExecResult> exec(const std::string& container, const std::vector<std::string>& argv,
                                  Duration timeout) = 0;
  // The events of containers, those since `since_ns` (0: from now on) first.
  virtual std::unique_ptr<Subscription> events(std::int64_t since_ns, EventHandlers handlers) = 0;
  // The newest figures of running containers, in their order; empty fields where there are none (yet). An
  // engine streams them from the first call for a container on, until it is asked for others.
  virtual std::vector<ResourceUsage> stats(const std::vector<std::string>& containers) = 0;
};

}  // namespace holdfast::docker
