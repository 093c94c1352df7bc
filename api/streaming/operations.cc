#include "api/streaming/operations.h"

#include <algorithm>

#include "api/streaming/parameters.h"
#include "api/streaming/view.h"

namespace holdfast::streaming {
namespace {

using namespace std::chrono_literals;
using Outcome = Verdict::Outcome;

constexpr Duration kLongest = 110s;  // the server cuts a deferred answer at 120 s
constexpr size_t kStderrLines = 20;
constexpr size_t kStderrBytes = 2000;

bool is_blank(const std::string& body) {
  return std::all_of(body.begin(), body.end(), [](unsigned char c) { return std::isspace(c); });
}

Result<Json> parse_body(const http::Request& request) {
  if (is_blank(request.body)) return Json::object();
  auto body = parse_json(request.body);
  if (!body) {
    body.error().message = "the body is not valid JSON: " + body.error().message;
    body.error().hint = R"(for example {"max_workers": 2}; nothing was changed)";
    return body;
  }
  if (body->is_null()) return Json::object();
  if (body->is_object()) return body;
  return holdfast::fail(
      ErrorCode::kInvalid,
      "the body must be a JSON object of configuration fields, not " + std::string(body->type_name()),
      R"(for example {"max_workers": 2})");
}

Error undeclared(const std::string& service) {
  return {ErrorCode::kNotFound, "the service \"" + service + "\" is not declared",
          "declare services." + service + " in the configuration, or name another one in streaming.service"};
}

std::string success_text(Call call) {
  switch (call) {
    case Call::kStart:
      return "Streaming service started successfully";
    case Call::kStop:
      return "Streaming service stopped successfully";
    case Call::kRestart:
      return "Streaming service restarted successfully";
    case Call::kConfig:
      return "Configuration updated and streaming service restarted successfully";
  }
  return "Done";
}

std::string failure_text(Call call) {
  switch (call) {
    case Call::kStart:
      return "Streaming service failed to start: ";
    case Call::kStop:
      return "Failed to stop streaming service: ";
    case Call::kRestart:
      return "Streaming service failed to restart: ";
    case Call::kConfig:
      return "Configuration updated, but the streaming service failed to restart: ";
  }
  return "Failed: ";
}

std::string seconds_text(Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count()) + " s";
}

}  // namespace

struct Operations::Operation {
  Call call = Call::kStart;
  std::string service;
  std::string request_id;
  Actor actor;
  std::shared_ptr<http::Responder> responder;
  WallTime asked{};
  Duration limit{};
  Before before;
  std::vector<std::string> unknown;  // body fields that were ignored
  bool intent_seen = false;          // a status has shown the desired state that was asked for
  bool answered = false;
  Runs held;  // the runs that are being watched to stay up
  EventLoop::TimerId hold_timer = 0, deadline_timer = 0;

  void know(const VerbResult& result) {
    before.nonce_is_new = result.restart_nonce > before.restart_nonce;
    before.restart_nonce = result.restart_nonce;
  }
};

Operations::Operations(ControlPlane& control, EventLoop& loop, const Clock& clock, Json defaults,
                       OperationTimes times)
    : control_(control), loop_(loop), clock_(clock), defaults_(std::move(defaults)), times_(times) {}

Operations::~Operations() {
  while (!pending_.empty()) {
    const auto operation = pending_.front();
    answer(operation, false, failure_text(operation->call) + "the controller is shutting down", {});
  }
}

void Operations::begin(Call call, const http::Request& request, std::shared_ptr<http::Responder> responder) {
  auto operation = std::make_shared<Operation>();
  operation->call = call;
  operation->service = facade_service(*control_.config());
  operation->request_id = request.id;
  operation->actor = {request.identity.name, request.peer};
  operation->responder = std::move(responder);
  operation->asked = clock_.wall();

  const auto status = control_.service(operation->service);
  if (!status || !status->spec) {
    answer(operation, http::problem(undeclared(operation->service), request.id));
    return;
  }
  const auto view = view_of(*status);
  operation->before = before(*status);
  const bool stops_first = call != Call::kStart;
  operation->limit =
      std::min(kLongest, times_.deadline + (stops_first ? status->spec->stop.grace_period : Duration{0}));

  if (call == Call::kStop) {
    if (!view.running && status->desired == Desired::kStopped) {
      return answer(operation, false, "Streaming service is not running", {});
    }
    return issue(operation, Verb::kStop);
  }
  const auto body = parse_body(request);
  if (!body) return answer(operation, http::problem(body.error(), request.id, 422));
  // Everything is checked before anything is changed.
  auto checked = check_parameters(*body);
  if (!checked) return answer(operation, http::problem(checked.error(), request.id, 422));
  operation->unknown = std::move(checked->unknown);
  if (call == Call::kStart && view.running && status->desired == Desired::kRunning) {
    return answer(operation, false, "Streaming service is already running", view.pid);
  }
  if (const auto saved = save(*operation, checked->values, request.identity.role); !saved) {
    const bool invalid = saved.error().code == ErrorCode::kInvalid;
    return answer(operation,
                  http::problem(saved.error(), request.id, invalid ? std::optional(422) : std::nullopt));
  }
  if (call == Call::kConfig) return config(operation, status);
  const bool restart = call == Call::kRestart && status->desired == Desired::kRunning;
  issue(operation, restart ? Verb::kRestart : Verb::kStart);
}

// Merges the fields given over the saved ones; those that are equal already make no edit.
Status Operations::save(const Operation& operation, const Json& values, http::Role role) {
  const auto current = effective_parameters(*control_.config(), operation.service, defaults_);
  const auto changed = changed_parameters(values, current);
  if (changed.members().empty()) return {};
  if (role < http::Role::kAdmin) {  // as for every other edit of the configuration
    return holdfast::fail(ErrorCode::kPermission, "changing the configuration needs the role admin",
                          "call without a body to use the saved configuration, or use an admin's token");
  }
  auto edit =
      control_.patch_config(parameters_patch(operation.service, changed), std::nullopt, operation.actor);
  if (!edit) return holdfast::fail(std::move(edit.error()));
  return {};
}

void Operations::config(const OperationPtr& operation, const StatusPtr& status) {
  if (!view_of(*status).running || status->desired == Desired::kStopped) {
    return answer(operation, true, "Configuration updated (service not running)", {});
  }
  follow(operation);
  // A change of the command line replaces the instances by itself; otherwise a restart is due, as in the
  // first system. Only the settled service shows which it was.
  control_.when_settled(operation->service, operation->limit,
                        [this, post = poster_, weak = std::weak_ptr(operation)](const StatusPtr& settled) {
                          post([this, weak, settled] {
                            if (const auto alive = weak.lock()) restart_if_untouched(alive, settled);
                          });
                        });
}

void Operations::restart_if_untouched(const OperationPtr& operation, const StatusPtr& settled) {
  if (operation->answered || !settled || !settled->settled) return;
  const auto now = before(*settled);
  const bool untouched = std::all_of(now.runs.begin(), now.runs.end(),
                                     [&](const Run& run) { return operation->before.runs.contains(run); });
  if (!untouched || settled->desired == Desired::kStopped) return;
  auto result = control_.command(operation->service, Verb::kRestart, operation->actor);
  if (!result) return answer(operation, http::problem(result.error(), operation->request_id));
  operation->know(*result);
}

void Operations::issue(const OperationPtr& operation, Verb verb) {
  auto result = control_.command(operation->service, verb, operation->actor);
  // Wanted already, but not up: it waits for its backoff or has failed. Who asks doesn't want to wait.
  if (result && verb == Verb::kStart && !result->changed) {
    result = control_.command(operation->service, Verb::kRestart, operation->actor);
  }
  if (!result) return answer(operation, http::problem(result.error(), operation->request_id));
  operation->know(*result);
  follow(operation);
  if (!operation->answered) judge(operation, control_.service(operation->service));
}

void Operations::follow(const OperationPtr& operation) {
  pending_.push_back(operation);
  operation->deadline_timer = loop_.after(operation->limit, [this, weak = std::weak_ptr(operation)] {
    if (const auto alive = weak.lock()) give_up(alive);
  });
}

void Operations::on_status(const std::string& service, const StatusPtr& status) {
  const auto pending = pending_;  // judging may end some
  for (const auto& operation : pending) {
    if (operation->service == service) judge(operation, status);
  }
}

void Operations::judge(const OperationPtr& operation, const StatusPtr& status) {
  if (operation->answered) return;
  if (!status || !status->spec) {
    return fail(operation,
                {Outcome::kFailed, "the service was removed from the configuration", false, {}, {}});
  }
  const auto asked = operation->call == Call::kStop ? Desired::kStopped : Desired::kRunning;
  if (status->desired != asked) {
    if (!operation->intent_seen) return;  // the status is older than the command
    return fail(operation, {Outcome::kFailed,
                            "another request wants it " + std::string(to_string(status->desired)),
                            false,
                            {},
                            {}});
  }
  operation->intent_seen = true;
  if (operation->call != Call::kStop) return judge_start_of(operation, *status);
  if (judge_stop(*status, operation->before).outcome == Outcome::kDone) succeed(operation, {});
}

void Operations::judge_start_of(const OperationPtr& operation, const ServiceStatus& status) {
  const auto verdict = judge_start(status, operation->before);
  switch (verdict.outcome) {
    case Outcome::kWait:
      return;
    case Outcome::kUp:
      return succeed(operation, verdict.pid);
    case Outcome::kDone:
      return answer(operation, true, "Streaming service ran to completion", {});
    case Outcome::kFailed:
      return fail(operation, verdict);
    case Outcome::kRuns:
      break;
  }
  if (operation->held.empty()) return hold(operation, verdict);
  const bool replaced = std::any_of(operation->held.begin(), operation->held.end(),
                                    [&](const Run& run) { return !verdict.runs.contains(run); });
  if (replaced) {
    fail(operation, {Outcome::kFailed,
                     status.last_exit && !status.last_exit->reason.empty() ? status.last_exit->reason
                                                                           : "it exited and was restarted",
                     true,
                     {},
                     {}});
  }
}

void Operations::hold(const OperationPtr& operation, const Verdict& verdict) {
  operation->held = verdict.runs;
  operation->hold_timer = loop_.after(times_.hold, [this, weak = std::weak_ptr(operation)] {
    const auto alive = weak.lock();
    if (!alive || alive->answered) return;
    const auto status = control_.service(alive->service);
    judge(alive, status);  // says so if it died
    if (alive->answered) return;
    const auto newest = judge_start(*status, alive->before);
    if (newest.outcome == Outcome::kRuns) return succeed(alive, newest.pid);
    alive->held.clear();  // probes were declared meanwhile, or a replica left: wait on
  });
}

void Operations::give_up(const OperationPtr& operation) {
  if (operation->answered) return;
  const auto status = control_.service(operation->service);
  std::string why = "the service was removed";
  std::optional<std::int64_t> pid;
  if (status) {
    const auto verdict = operation->call == Call::kStop ? judge_stop(*status, operation->before)
                                                        : judge_start(*status, operation->before);
    why = verdict.message.empty() ? "it is " + status->phase : verdict.message;
    pid = view_of(*status).pid;
  }
  answer(operation, false,
         failure_text(operation->call) + "not done after " + seconds_text(operation->limit) + ": " + why +
             "; the controller keeps trying",
         pid);
}

void Operations::fail(const OperationPtr& operation, const Verdict& verdict) {
  auto message = failure_text(operation->call) + verdict.message;
  if (verdict.crashed) {
    if (const auto tail = stderr_tail(*operation); !tail.empty()) message += "\n" + tail;
  }
  answer(operation, false, message, {});
}

void Operations::succeed(const OperationPtr& operation, std::optional<std::int64_t> pid) {
  answer(operation, true, success_text(operation->call), pid);
}

std::string Operations::stderr_tail(const Operation& operation) {
  auto text = control_.logs_text(operation.service, kStderrLines, "stderr", std::nullopt, operation.asked);
  if (!text) return {};
  if (text->size() > kStderrBytes) {
    const auto line = text->find('\n', text->size() - kStderrBytes);
    text->erase(0, line == std::string::npos ? text->size() - kStderrBytes : line + 1);
  }
  while (text->ends_with('\n')) text->pop_back();
  return *text;
}

void Operations::answer(const OperationPtr& operation, bool success, const std::string& message,
                        std::optional<std::int64_t> pid) {
  auto text = message;
  for (size_t i = 0; i < operation->unknown.size(); ++i) {
    text += (i == 0 ? "; ignored unknown field " : ", ") + ("\"" + operation->unknown[i] + "\"");
  }
  answer(operation, http::json_response(
                        Json::object({{"success", success}, {"message", std::move(text)}, {"pid", pid}})));
}

void Operations::answer(const OperationPtr& operation, http::Response response) {
  if (operation->answered) return;
  operation->answered = true;
  loop_.cancel(operation->hold_timer);
  loop_.cancel(operation->deadline_timer);
  operation->responder->respond(std::move(response));
  pending_.remove(operation);
}

}  // namespace holdfast::streaming
