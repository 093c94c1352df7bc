#include "runtimes/docker/cli/event_stream.h"

#include <thread>
#include <utility>

#include "controller/base/json.h"
#include "runtimes/docker/cli/answers.h"
#include "runtimes/docker/cli/failure.h"
#include "runtimes/docker/cli/log_text.h"

namespace holdfast::docker {

namespace {

class EventStream final : public Subscription {
 public:
  EventStream(const Docker& docker, std::int64_t since_ns, EventHandlers handlers)
      : docker_(docker),
        handlers_(std::move(handlers)),
        thread_([this, since_ns](const std::stop_token& stop) {
          const Error end = follow(since_ns, stop);
          if (!stop.stop_requested() && handlers_.on_end) handlers_.on_end(end);
        }) {}

 private:
  Error follow(std::int64_t since_ns, const std::stop_token& stop) {
    if (since_ns == 0) {
      const auto now = engine_time(stop);
      if (!now) return now.error();
      since_ns = *now;
    } else if (const auto answer = ask({"version", "--format={{json .}}"}, stop); !answer) {
      return answer.error();
    }
    const auto command = docker_.command(
        {"events", "--filter=type=container", "--since=" + seconds_text(since_ns), "--format={{json .}}"});
    const auto ended = run_lines(
        command, docker_.clock(), {.total = {}, .silence = {}, .stop = stop},
        [&](std::string_view line) {
          if (stop.stop_requested()) return;
          if (const auto event = parse_event(line); event && handlers_.on_event) handlers_.on_event(*event);
        },
        [&] {
          if (handlers_.on_open && !stop.stop_requested()) handlers_.on_open();
        });
    if (!ended) return ended.error();
    Error error = failure_of("docker events", ended->err);
    // The engine that ended the stream is going away; whatever it says, it is worth another attempt.
    if (error.code != ErrorCode::kPermission) error.code = ErrorCode::kUnavailable;
    if (ended->exit_code == 0) error.message = "the engine ended the stream of events";
    return error;
  }

  Result<std::int64_t> engine_time(const std::stop_token& stop) {
    // Asked for as a whole: without an engine, docker 20.10 fails to print a part in words of its own.
    const auto answer = ask({"info", "--format={{json .}}"}, stop);
    if (!answer) return fail(answer.error());
    const auto info = parse_json(*answer);
    const auto time = info ? parse_rfc3339(info->at("SystemTime").as_string()) : std::nullopt;
    if (!time) {
      return fail(ErrorCode::kUnavailable, "docker info doesn't tell the engine's time",
                  "check that the engine runs, and DOCKER_HOST or the docker context");
    }
    return time->time_since_epoch().count();
  }

  Result<std::string> ask(const std::vector<std::string>& arguments, const std::stop_token& stop) {
    const auto command = docker_.command(arguments);
    auto output = run_command(command, docker_.clock(),
                              {.total = docker_.options().question, .silence = {}, .stop = stop});
    if (!output) return fail(output.error());
    if (output->exit_code != 0) return fail(failure_of(summary_of(command), output->err));
    return std::move(output->out);
  }

  const Docker& docker_;
  EventHandlers handlers_;
  std::jthread thread_;  // the last member: it is joined before the others go
};

}  // namespace

std::unique_ptr<Subscription> follow_events(const Docker& docker, std::int64_t since_ns,
                                            EventHandlers handlers) {
  return std::make_unique<EventStream>(docker, since_ns, std::move(handlers));
}

}  // namespace holdfast::docker
