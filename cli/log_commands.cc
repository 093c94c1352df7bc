// logs, events.
#include <memory>
#include <ostream>

#include <poll.h>

#include "cli/session.h"
#include "cli/sse.h"
#include "controller/base/text.h"

namespace holdfast::cli {
namespace {

struct LogOptions {
  std::string name, stream, since;
  int tail = 200, instance = -1;
  bool follow = false;
};

int logs(Session& session, const LogOptions& options) {
  if (options.follow) {
    return session.fail({ErrorCode::kInvalid, "this version can't follow logs",
                         "leave -f out; --tail N and --since 1m show the newest lines"});
  }
  const auto client = session.client();
  if (!client) return session.fail(client.error());
  auto path =
      "/api/v1/services/" + percent_encode(options.name) + "/logs?tail=" + std::to_string(options.tail);
  if (!options.stream.empty()) path += "&stream=" + options.stream;
  if (!options.since.empty()) path += "&since=" + percent_encode(options.since);
  if (options.instance >= 0) path += "&instance=" + std::to_string(options.instance);
  const auto answer = (*client)->call({.path = path});
  if (!answer) return session.fail(answer.error());
  session.terminal.out << answer->body;
  if (!answer->body.empty() && !answer->body.ends_with('\n')) session.terminal.out << '\n';
  return kExitOk;
}

struct EventOptions {
  std::string name;
  int limit = 50;
  bool follow = false;
};

Colour severity_colour(const std::string& severity) {
  if (severity == "error") return Colour::kRed;
  return severity == "warning" ? Colour::kYellow : Colour::kNone;
}

std::string subject(const Json& event) {
  auto text = event.at("service").is_string() ? event.at("service").as_string() : std::string("(controller)");
  if (event.at("instance").is_int()) text += "/" + std::to_string(event.at("instance").as_int());
  return text;
}

std::string cause_text(const Json& event) {
  auto text = event.at("cause").as_string();
  const auto& actor = event.at("actor").as_string();
  if (!actor.empty()) text += (text.empty() ? "" : " ") + ("by " + actor);
  return text;
}

void print_events(const Session& session, const Json& events) {
  if (!session.wants_table()) return session.print(Json::object({{"items", events}}));
  Table table({"TIME", "SERVICE", "TYPE", "CAUSE", "MESSAGE"});
  for (const auto& event : events.items()) {
    table.add({human_time(event.at("at").as_string()),
               subject(event),
               {event.at("type").as_string(), severity_colour(event.at("severity").as_string())},
               cause_text(event),
               event.at("message").as_string()});
  }
  session.print(table);
}

// One line at a time: what comes later can't widen a column.
void print_live(const Session& session, const Json& event) {
  auto& out = session.terminal.out;
  if (session.format() == Format::kJson) {
    out << dump_json(event) << std::endl;  // who reads a pipe wants it now
    return;
  }
  if (session.format() == Format::kYaml) {
    out << "---\n" << dump_yaml(event) << std::flush;
    return;
  }
  const auto cause = cause_text(event);
  out << human_time(event.at("at").as_string()) << "  " << printable(subject(event)) << "  "
      << session.painted(printable(event.at("type").as_string()),
                         severity_colour(event.at("severity").as_string()))
      << "  " << printable(event.at("message").as_string())
      << (cause.empty() ? "" : "  (" + printable(cause) + ")") << std::endl;
}

std::string events_path(const EventOptions& options) {
  auto path = "/api/v1/events?limit=" + std::to_string(options.limit);
  if (!options.name.empty()) path += "&service=" + percent_encode(options.name);
  return path;
}

int list_events(const Session& session, const Client& client, const EventOptions& options) {
  const auto answer = client.get(events_path(options));
  if (!answer) return session.fail(answer.error());
  print_events(session, answer->at("items"));
  return kExitOk;
}

// Past events, then live ones, without a gap: the stream is opened first, and the past is asked for when the
// stream is known to flow. A broken stream is taken up again where it broke.
class Follower {
 public:
  Follower(const Session& session, const Client& client, const EventOptions& options)
      : session_(session), client_(client), options_(options) {}

  int run() {
    constexpr int kAttempts = 30, kPauseMs = 1000;
    for (int attempt = 0; attempt < kAttempts;) {
      const auto seen = received_;
      const auto status = follow();
      if (error_) return session_.fail(*error_);
      if (!status && status.error().code != ErrorCode::kUnavailable &&
          status.error().code != ErrorCode::kTimeout) {
        return session_.fail(status.error());
      }
      if (!status && received_ == 0) return session_.fail(status.error());  // it never worked
      attempt = received_ == seen ? attempt + 1 : 0;
      session_.terminal.err << "holdfast: the stream of events ended, connecting again\n";
      ::poll(nullptr, 0, kPauseMs);
    }
    return session_.fail(
        {ErrorCode::kUnavailable, "the controller at " + client_.address().shown + " is gone", ""});
  }

 private:
  Status follow() {
    EventParser parser([this](const StreamEvent& event) { return take(event); });
    auto path = std::string("/api/v1/events");
    if (!options_.name.empty()) path += "?service=" + percent_encode(options_.name);
    return client_.stream({.path = path, .last_event_id = last_id_},
                          [&parser](std::string_view text) { return parser.feed(text); });
  }

  bool take(const StreamEvent& event) {
    ++received_;
    last_id_ = event.id;
    if (event.name == "snapshot-end") return show_past();
    if (event.name != "event") return true;
    const auto data = parse_json(event.data);
    if (data && data->at("id").as_int() > newest_) show(*data);
    return true;
  }

  bool show_past() {
    const auto past = client_.get(events_path(options_));
    if (!past) {
      error_ = past.error();
      return false;
    }
    for (const auto& event : past->at("items").items()) {
      if (event.at("id").as_int() > newest_) show(event);
    }
    return true;
  }

  void show(const Json& event) {
    newest_ = event.at("id").as_int();
    print_live(session_, event);
  }

  const Session& session_;
  const Client& client_;
  const EventOptions& options_;
  std::string last_id_;
  std::int64_t newest_ = 0;     // id of the newest event shown
  std::uint64_t received_ = 0;  // messages of any kind
  std::optional<Error> error_;
};

int events(Session& session, const EventOptions& options) {
  const auto client = session.client();
  if (!client) return session.fail(client.error());
  if (options.follow) return Follower(session, **client, options).run();
  return list_events(session, **client, options);
}

}  // namespace

void add_log_commands(CLI::App& app, Session& session) {
  constexpr int kMaxTail = 100'000, kMaxEvents = 10'000;
  const auto log_options = std::make_shared<LogOptions>();
  auto* command = add_command(app, session, "logs", "Show what a service wrote to stdout and stderr",
                              [&session, log_options] { return logs(session, *log_options); });
  command->add_option("name", log_options->name, "Name of a service")->type_name(kService)->required();
  command->add_option("--tail", log_options->tail, "Newest lines to show")
      ->check(CLI::Range(0, kMaxTail))
      ->capture_default_str();
  command->add_option("--stream", log_options->stream, "Only this stream")
      ->check(CLI::IsMember({"stdout", "stderr"}));
  command->add_option("--since", log_options->since, "Only lines since then: 10m, or an RFC 3339 time");
  command->add_option("--instance", log_options->instance, "Only this instance")
      ->check(CLI::NonNegativeNumber);
  command->add_flag("-f,--follow", log_options->follow,
                    "Keep showing new lines (not offered by this version)");

  const auto event_options = std::make_shared<EventOptions>();
  command = add_command(app, session, "events", "Show what happened, and why",
                        [&session, event_options] { return events(session, *event_options); });
  command->add_option("name", event_options->name, "Name of a service")->type_name(kService);
  command->add_option("--limit", event_options->limit, "Newest events to show")
      ->check(CLI::Range(1, kMaxEvents))
      ->capture_default_str();
  command->add_flag("-f,--follow", event_options->follow, "Keep showing new events");
}

}  // namespace holdfast::cli
