// status, start, stop, restart.
#include <algorithm>
#include <cmath>
#include <memory>
#include <ostream>

#include "cli/session.h"
#include "controller/base/text.h"

namespace holdfast::cli {
namespace {

using namespace std::chrono_literals;

constexpr const char* kServices = "/api/v1/services";
constexpr int kLongestWait = 110;  // seconds: the server's own limit

Colour phase_colour(const std::string& phase) {
  if (phase == "Running" || phase == "Completed") return Colour::kGreen;
  if (phase == "Failed" || phase == "Unknown" || phase == "Backoff") return Colour::kRed;
  if (phase == "Stopped") return Colour::kDim;
  return Colour::kYellow;
}

std::string number_or_dash(const Json& value) {
  return value.is_number() ? dump_json(value) : "-";
}

double sum_of(const Json& instances, const char* field, bool& known) {
  double sum = 0;
  for (const auto& instance : instances.items()) {
    const auto& value = instance.at("usage").at(field);
    if (!value.is_number()) continue;
    known = true;
    sum += value.as_double();
  }
  return sum;
}

std::string cpu_text(const Json& instances) {
  bool known = false;
  const double percent = sum_of(instances, "cpuPercent", known);
  return known ? std::to_string(std::lround(percent)) + "%" : "-";
}

std::string memory_text(const Json& instances) {
  bool known = false;
  const double bytes = sum_of(instances, "memoryBytes", known);
  return known ? human_bytes(bytes) : "-";
}

const Json* first_running(const Json& service) {
  for (const auto& instance : service.at("instances").items()) {
    if (instance.at("uptimeSeconds").is_number()) return &instance;
  }
  return nullptr;
}

// The engine's API is how it should be; anything else is worth a word.
std::string runtime_text(const Json& service) {
  const auto& mode = service.at("runtimeMode").as_string();
  return service.at("runtime").as_string() + (mode.empty() || mode == "engine" ? "" : " (" + mode + ")");
}

const Json& condition_of(const Json& service, std::string_view type) {
  static const Json none;
  for (const auto& condition : service.at("conditions").items()) {
    if (condition.at("type").as_string() == type) return condition;
  }
  return none;
}

// The one thing to know about a service that isn't well.
std::string trouble(const Json& service) {
  if (service.at("lastError").is_object()) return service.at("lastError").at("message").as_string();
  const auto& failed = condition_of(service, "Failed");
  if (failed.at("status").as_string() == "True") return failed.at("message").as_string();
  const auto& phase = service.at("phase").as_string();
  std::string waiting;
  for (const auto& reason : service.at("waitingFor").items())
    waiting += (waiting.empty() ? "waiting for " : ", ") + reason.as_string();
  if (phase == "Waiting" && !waiting.empty()) return waiting;
  const bool down = phase == "Backoff" || phase == "Failed";
  if (down) return service.at("lastExit").at("reason").as_string();
  const auto& ready = condition_of(service, "Ready");
  if (phase == "Running" && ready.at("status").as_string() == "False") return ready.at("message").as_string();
  return condition_of(service, "Degraded").at("message").as_string();
}

std::vector<Cell> service_row(const Json& service) {
  const auto* running = first_running(service);
  const auto& phase = service.at("phase").as_string();
  const bool ready = service.at("ready").as_bool();
  size_t up = 0;
  for (const auto& instance : service.at("instances").items()) {
    if (instance.at("phase").as_string() == "Running") ++up;
  }
  const auto wanted =
      service.at("desired").as_string() == "running" ? service.at("spec").at("replicas").as_int() : 0;
  return {service.at("name").as_string(),
          runtime_text(service),
          service.at("desired").as_string(),
          {phase, phase_colour(phase)},
          {ready ? "yes" : "no", ready || phase == "Stopped" ? Colour::kNone : Colour::kYellow},
          std::to_string(up) + "/" + std::to_string(wanted),
          number_or_dash(service.at("restarts")),
          running ? number_or_dash(running->at("pid")) : "-",
          running ? human_duration(running->at("uptimeSeconds").as_double()) : "-",
          cpu_text(service.at("instances")),
          memory_text(service.at("instances")),
          trouble(service)};
}

int print_services(const Session& session, const Json& services) {
  if (session.format() == Format::kNames) {
    for (const auto& service : services.items()) {
      session.terminal.out << printable(service.at("name").as_string()) << '\n';
    }
    return kExitOk;
  }
  if (!session.wants_table()) {
    session.print(Json::object({{"items", services}}));
    return kExitOk;
  }
  if (services.items().empty()) {
    session.terminal.err << "no services are declared\n";
    return kExitOk;
  }
  Table table({"NAME", "RUNTIME", "DESIRED", "PHASE", "READY", "UP", "RESTARTS", "PID", "UPTIME", "CPU",
               "MEMORY", "MESSAGE"});
  for (const auto& service : services.items()) table.add(service_row(service));
  session.print(table);
  return kExitOk;
}

// What holds for all services: that the newest configuration is not the one in force, for instance.
void warn_of_controller(const Session& session, const Client& client) {
  const auto answer = client.get("/readyz");
  if (!answer) return;
  for (const auto& [name, check] : answer->at("checks").members()) {
    if (check.as_string() != "ok")
      session.terminal.err << session.painted(name, Colour::kYellow) << ": " << printable(check.as_string())
                           << '\n';
  }
}

void print_line(const Session& session, const char* label, const std::string& value) {
  if (value.empty()) return;
  session.terminal.out << session.painted(label, Colour::kBold)
                       << std::string(14 - std::string_view(label).size(), ' ') << printable(value) << '\n';
}

std::string restarts_text(const Json& service) {
  auto text = number_or_dash(service.at("restarts"));
  std::string causes;
  for (const auto& [cause, count] : service.at("restartsByCause").members()) {
    causes += (causes.empty() ? "" : ", ") + cause + " " + dump_json(count);
  }
  return causes.empty() ? text : text + " (" + causes + ")";
}

void print_instances(const Session& session, const Json& service) {
  Table table(
      {"INSTANCE", "PHASE", "HEALTH", "PID", "UPTIME", "CPU", "MEMORY", "FDS", "PROCESSES", "MESSAGE"});
  for (const auto& instance : service.at("instances").items()) {
    const auto& phase = instance.at("phase").as_string();
    const auto& usage = instance.at("usage");
    const auto one = Json::array({instance});
    std::string message = instance.at("message").as_string();
    if (message.empty()) message = instance.at("healthMessage").as_string();
    if (message.empty()) message = instance.at("exit").at("reason").as_string();
    if (message.empty()) message = instance.at("notifyStatus").as_string();
    const auto& uptime = instance.at("uptimeSeconds");
    table.add({number_or_dash(instance.at("ordinal")),
               {phase, phase_colour(phase)},
               instance.at("health").as_string(),
               number_or_dash(instance.at("pid")),
               uptime.is_number() ? human_duration(uptime.as_double()) : "-",
               cpu_text(one),
               memory_text(one),
               number_or_dash(usage.at("openFds")),
               number_or_dash(usage.at("processes")),
               message});
  }
  session.terminal.out << '\n';
  session.print(table);
}

void print_conditions(const Session& session, const Json& service) {
  Table table({"CONDITION", "STATUS", "REASON", "SINCE", "MESSAGE"});
  for (const auto& condition : service.at("conditions").items()) {
    table.add({condition.at("type").as_string(), condition.at("status").as_string(),
               condition.at("reason").as_string(), human_time(condition.at("lastTransitionTime").as_string()),
               condition.at("message").as_string()});
  }
  session.terminal.out << '\n';
  session.print(table);
}

int print_service(const Session& session, const Json& service) {
  if (session.format() == Format::kNames) return print_services(session, Json::array({service}));
  if (!session.wants_table()) {
    session.print(service);
    return kExitOk;
  }
  const auto& phase = service.at("phase").as_string();
  print_line(session, "name", service.at("name").as_string());
  print_line(session, "runtime", runtime_text(service));
  print_line(session, "desired", service.at("desired").as_string());
  session.terminal.out << session.painted("phase", Colour::kBold) << std::string(9, ' ')
                       << session.painted(printable(phase), phase_colour(phase)) << '\n';
  print_line(session, "ready", service.at("ready").as_bool() ? "yes" : "no");
  print_line(session, "generation", number_or_dash(service.at("generation")));
  print_line(session, "restarts", restarts_text(service));
  const auto& exit = service.at("lastExit");
  if (exit.is_object()) {
    print_line(session, "last exit",
               exit.at("reason").as_string() + " at " + human_time(exit.at("at").as_string()));
  }
  print_line(session, "trouble", trouble(service));
  if (!service.at("instances").items().empty()) print_instances(session, service);
  if (!service.at("conditions").items().empty()) print_conditions(session, service);
  return kExitOk;
}

int status(Session& session, const std::string& name) {
  const auto client = session.client();
  if (!client) return session.fail(client.error());
  const auto path =
      name.empty() ? std::string(kServices) : std::string(kServices) + "/" + percent_encode(name);
  const auto answer = (*client)->get(path);
  if (!answer) return session.fail(answer.error());
  if (!name.empty()) return print_service(session, *answer);
  if (session.wants_table()) warn_of_controller(session, **client);
  return print_services(session, answer->at("items"));
}

struct VerbOptions {
  std::vector<std::string> names;
  bool all = false, no_wait = false, wait = false;
  int timeout = 60;  // seconds
};

Result<std::vector<std::string>> wanted_names(const Client& client, const VerbOptions& options) {
  if (options.all == !options.names.empty()) {
    return fail(ErrorCode::kInvalid,
                options.all ? "--all and names exclude each other" : "no service was named",
                "name one or more services, or use --all");
  }
  if (!options.all) return options.names;
  const auto services = client.get(kServices);
  if (!services) return fail(services.error());
  std::vector<std::string> names;
  for (const auto& service : services->at("items").items()) names.push_back(service.at("name").as_string());
  return names;
}

struct Outcome {
  std::string text;
  Colour colour = Colour::kGreen;
  bool good = true;
};

Outcome outcome_of(const std::string& verb, const Json& operation) {
  const auto& outcome = operation.at("outcome");
  const bool changed = operation.at("changed").as_bool();
  if (outcome.is_null()) return {changed ? verb + " asked for" : "nothing to do, it was so already"};
  if (outcome.as_string() == "pending") {
    return {"still pending: " + operation.at("pending").as_string(), Colour::kYellow, false};
  }
  if (outcome.as_string() == "failed") {
    return {"failed: " + operation.at("message").as_string(), Colour::kRed, false};
  }
  if (outcome.as_string() == "removed") return {"removed meanwhile", Colour::kYellow, false};
  if (!changed) return {verb == "stop" ? "already stopped" : "already running"};
  return {verb == "stop" ? "stopped" : verb + "ed"};
}

int report_verbs(const Session& session, const std::string& verb, const std::vector<std::string>& names,
                 const std::vector<Result<Answer>>& answers) {
  int code = kExitOk;
  Json items = Json::array();
  for (size_t i = 0; i < names.size(); ++i) {
    const auto answer =
        answers[i] ? answers[i]->json() : Result<Json>(tl::unexpected<Error>(answers[i].error()));
    if (!answer) {
      session.fail({answer.error().code, names[i] + ": " + answer.error().message, answer.error().hint});
      code = kExitError;
      continue;
    }
    const auto outcome = outcome_of(verb, answer->at("operation"));
    if (!outcome.good) code = kExitError;
    items.push_back(answer->at("operation"));
    if (session.wants_table()) {
      session.terminal.out << printable(names[i]) << ": "
                           << session.painted(printable(outcome.text), outcome.colour) << '\n';
    }
  }
  if (session.format() == Format::kNames) {
    for (const auto& item : items.items())
      session.terminal.out << printable(item.at("service").as_string()) << '\n';
  } else if (!session.wants_table()) {
    session.print(Json::object({{"items", std::move(items)}}));
  }
  return code;
}

int change(Session& session, const std::string& verb, const VerbOptions& options) {
  const auto client = session.client();
  if (!client) return session.fail(client.error());
  const auto names = wanted_names(**client, options);
  if (!names) return session.fail(names.error());
  const int wait = std::min(options.timeout, kLongestWait);
  std::vector<Call> calls;
  for (const auto& name : *names) {
    Call call{.method = "POST", .path = std::string(kServices) + "/" + percent_encode(name) + "/" + verb};
    if (!options.no_wait) {
      call.path += "?wait=" + std::to_string(wait) + "s";
      call.timeout = std::chrono::seconds{wait} + 30s;
    }
    calls.push_back(std::move(call));
  }
  return report_verbs(session, verb, *names, (*client)->call_all(calls));
}

void add_verb(CLI::App& app, Session& session, const std::string& verb, const std::string& description) {
  const auto options = std::make_shared<VerbOptions>();
  auto* command = add_command(app, session, verb, description,
                              [&session, verb, options] { return change(session, verb, *options); });
  command->add_option("names", options->names, "Names of services")->type_name(kService);
  command->add_flag("--all", options->all, "Every declared service");
  auto* wait = command->add_flag("--wait", options->wait, "Wait until it is done (the default)");
  command->add_flag("--no-wait", options->no_wait, "Return as soon as the controller has taken the request")
      ->excludes(wait);
  command->add_option("--timeout", options->timeout, "Longest wait in seconds, at most 110")
      ->check(CLI::Range(1, kLongestWait))
      ->capture_default_str();
}

}  // namespace

void add_service_commands(CLI::App& app, Session& session) {
  const auto name = std::make_shared<std::string>();
  auto* command = add_command(app, session, "status", "Show services, or one in detail",
                              [&session, name] { return status(session, *name); });
  command->add_option("name", *name, "Name of a service")->type_name(kService);
  add_verb(app, session, "start", "Start services and keep them running");
  add_verb(app, session, "stop", "Stop services and keep them stopped");
  add_verb(app, session, "restart", "Restart services");
}

}  // namespace holdfast::cli
