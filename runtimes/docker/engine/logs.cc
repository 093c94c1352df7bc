// GET /containers/{id}/logs
#include <memory>

#include "controller/base/text.h"
#include "runtimes/docker/engine/client_impl.h"
#include "runtimes/docker/engine/log_lines.h"
#include "runtimes/docker/engine/times.h"
#include "runtimes/docker/engine/version.h"

namespace holdfast::docker {

namespace {

// What the transport's thread fills while the caller waits.
struct Reading {
  LogLines lines;
  LogDemux demux{};
  bool tty = false, framed = true;

  bool take(std::string_view bytes) {
    if (tty)
      lines.add_raw(bytes);
    else
      framed =
          demux.feed(bytes, [this](auto source, std::string_view data) { lines.add_frame(source, data); });
    return framed;
  }
};

}  // namespace

Result<std::vector<LogLine>> EngineClient::read_logs(const std::string& container, bool tty,
                                                     const LogQuery& query, bool all, size_t& seen) {
  auto target = "/containers/" + percent_encode(container) + "/logs?stdout=1&stderr=1&timestamps=1&tail=" +
                (all ? std::string("all") : std::to_string(query.tail));
  if (query.since) target += "&since=" + seconds_text(query.since->time_since_epoch().count());
  const auto what = "reading the log of container '" + container + "'";
  const auto reading = std::make_shared<Reading>(
      Reading{.lines = LogLines(query.tail, LogLines::kMaxBytes, query.stream), .tty = tty});
  const auto response =
      session_.call({.target = target, .what = what, .timeout = timeouts_.logs, .max_bytes = 0},
                    [reading](std::string_view bytes) { return reading->take(bytes); });
  if (!response) return fail(response.error());
  if (!reading->framed) {
    return fail(ErrorCode::kInternal, what + ": the engine's answer can't be understood",
                "Does the container have a terminal?");
  }
  auto lines = reading->lines.take();
  seen = reading->lines.seen();
  return lines;
}

Result<std::vector<LogLine>> EngineClient::logs(const std::string& container, bool tty,
                                                const LogQuery& query) {
  size_t seen = 0;
  // Podman 4.3 puts a piece of a line behind another line when it counts back from the end.
  const auto engine = session_.engine();
  if (engine && is_podman(*engine)) return read_logs(container, tty, query, true, seen);
  auto lines = read_logs(container, tty, query, false, seen);
  // An engine counts the lines of both streams. What is asked for of one may lie further back.
  const bool short_of_it = lines && query.stream && lines->size() < query.tail && seen >= query.tail;
  return short_of_it ? read_logs(container, tty, query, true, seen) : std::move(lines);
}

}  // namespace holdfast::docker
