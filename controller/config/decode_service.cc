#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>

#include "controller/config/decode.h"
#include "controller/config/nearest.h"

namespace holdfast::config {

namespace {

struct SignalName {
  std::string_view name;
  int number;
};
// Linux on all of Debian's release architectures but MIPS.
constexpr std::array<SignalName, 30> kSignals{
    {{"HUP", 1},   {"INT", 2},     {"QUIT", 3},  {"ILL", 4},     {"TRAP", 5},  {"ABRT", 6},
     {"BUS", 7},   {"FPE", 8},     {"KILL", 9},  {"USR1", 10},   {"SEGV", 11}, {"USR2", 12},
     {"PIPE", 13}, {"ALRM", 14},   {"TERM", 15}, {"STKFLT", 16}, {"CHLD", 17}, {"CONT", 18},
     {"STOP", 19}, {"TSTP", 20},   {"TTIN", 21}, {"TTOU", 22},   {"URG", 23},  {"XCPU", 24},
     {"XFSZ", 25}, {"VTALRM", 26}, {"PROF", 27}, {"WINCH", 28},  {"IO", 29},   {"PWR", 30}}};

std::optional<int> signal_number(const Node& node) {
  if (node.scalar.is_int()) {
    const auto number = node.scalar.as_int();
    return number >= 1 && number <= 64 ? std::optional(static_cast<int>(number)) : std::nullopt;
  }
  if (!node.is_string()) return std::nullopt;
  std::string name = node.scalar.as_string();
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
  if (name.starts_with("SIG")) name.erase(0, 3);
  for (const auto& signal : kSignals) {
    if (signal.name == name) return signal.number;
  }
  int number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error == std::errc{} && end == name.data() + name.size() && number >= 1 && number <= 64) return number;
  return std::nullopt;
}

StopPolicy decode_stop(Reading& reading, const Node& node, Path path) {
  StopPolicy stop;
  Fields fields(reading, node, path);
  if (const Node* signal = fields.take("signal")) {
    if (const auto number = signal_number(*signal))
      stop.signal = *number;
    else
      fields.fault(*signal, fields.at("signal"), "expected a signal such as TERM, INT or 1 to 64");
  }
  fields.duration("gracePeriod", stop.grace_period);
  fields.finish();
  return stop;
}

RestartPolicy decode_restart(Reading& reading, const Node& node, Path path) {
  RestartPolicy restart;
  Fields fields(reading, node, path);
  fields.choice<RestartMode>("policy", restart.mode,
                             {{"always", RestartMode::kAlways},
                              {"on-failure", RestartMode::kOnFailure},
                              {"never", RestartMode::kNever}});
  if (const Node* backoff = fields.take("backoff")) {
    auto& out = restart.backoff;
    Fields inner(reading, *backoff, fields.at("backoff"));
    const auto faults = reading.faults.count();
    inner.duration("initial", out.initial);
    inner.duration("base", out.base, std::chrono::milliseconds{1});
    inner.number("factor", out.factor, 1, 100);
    inner.duration("max", out.max, std::chrono::milliseconds{1});
    inner.number("jitter", out.jitter, 0, 1);
    inner.duration("resetAfter", out.reset_after);
    if (reading.faults.count() == faults && (out.max < out.base || out.max < out.initial))
      inner.missing("max (" + format_duration(out.max) + ") is shorter than base (" +
                    format_duration(out.base) + ") or initial (" + format_duration(out.initial) + ")");
    inner.finish();
  }
  if (const Node* budget = fields.take("budget")) {
    Fields inner(reading, *budget, fields.at("budget"));
    inner.integer("attempts", restart.budget_attempts, 0, 1'000'000);
    inner.duration("window", restart.budget_window, std::chrono::milliseconds{1});
    inner.finish();
  }
  fields.finish();
  return restart;
}

Resources decode_resources(Reading& reading, const Node& node, Path path) {
  Resources resources;
  Fields fields(reading, node, path);
  if (const Node* cpu = fields.take("cpu")) {
    // A number is read in its shortest decimal form, so that 0.1 is 100m and not a little more.
    const auto text = cpu->scalar.is_number() ? dump_json_canonical(cpu->scalar) : cpu->scalar.as_string();
    const auto millis = parse_cpu_millis(text);
    if (millis && *millis > 0)
      resources.cpu_millis = *millis;
    else
      fields.fault(*cpu, fields.at("cpu"), "expected cores above zero, such as \"0.5\", 2 or 500m");
  }
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  if (fields.node().find("memory")) fields.bytes("memory", resources.memory_bytes.emplace(), 1, kMost);
  if (fields.node().find("pids")) fields.integer("pids", resources.pids.emplace(), 1, kMost);
  fields.take("memory");
  fields.take("pids");
  fields.finish();
  return resources;
}

SecretRef decode_secret(Reading& reading, const Node& node, Path path) {
  SecretRef secret;
  Fields fields(reading, node, path, Faults::Echo::kNo);
  std::string_view kind;
  const Node* source = exactly_one(fields, {"file", "env", "kubernetes"}, &kind);
  if (kind == "kubernetes") {
    secret.source = SecretRef::Source::kKubernetes;
    Fields inner(reading, *source, fields.at(kind), Faults::Echo::kNo);
    inner.non_empty_text("name", secret.name);
    inner.non_empty_text("key", secret.key);
    if (!source->find("name") || !source->find("key")) inner.missing("name and key of the Secret are needed");
    inner.finish();
  } else if (source) {
    secret.source = kind == "file" ? SecretRef::Source::kFile : SecretRef::Source::kEnv;
    fields.non_empty_text(kind, secret.name);
  }
  fields.finish();
  return secret;
}

bool is_env_name(std::string_view name) {
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-';
         });
}

// A value may be a secret put where it shouldn't be: no fault here shows one.
std::map<std::string, EnvValue> decode_env(Reading& reading, const Node& node, const Path& path,
                                           Substitution& parameters) {
  std::map<std::string, EnvValue> env;
  if (!node.is_object()) {
    reading.faults.add(node, path, "expected a map of variables, such as {LOG_LEVEL: info}",
                       Faults::Echo::kNo);
    return env;
  }
  for (const auto& member : node.members) {
    const Path at{&path, member.key};
    if (!is_env_name(member.key))
      reading.faults.add(
          member.key_mark, at.text(),
          "a variable's name is made of letters, digits, '_', '.' and '-', and begins with no digit");
    if (member.value.is_object()) {
      Fields fields(reading, member.value, at, Faults::Echo::kNo);
      if (const Node* secret = fields.take("secret"))
        env.emplace(member.key, decode_secret(reading, *secret, fields.at("secret")));
      else
        fields.missing("expected a string or {secret: {file: /path}}");
      fields.finish();
    } else {
      env.emplace(member.key, parameters.apply_text(member.value, at, Faults::Echo::kNo));
    }
  }
  return env;
}

void append_args(Reading& reading, const Node& node, const Path& path, Substitution& parameters,
                 std::vector<std::string>& argv) {
  if (!node.is_array()) {
    reading.faults.add(node, path, "expected a list of strings and {when: parameter, args: [...]}");
    return;
  }
  for (size_t i = 0; i < node.items.size(); ++i) {
    const Node& item = node.items[i];
    const auto index = std::to_string(i);
    const Path at{&path, index};
    if (!item.is_object()) {
      argv.push_back(parameters.apply_text(item, at));
      continue;
    }
    Fields fields(reading, item, at);
    const Node* when = fields.take("when");
    const Node* args = fields.take("args");
    if (!when || !args) fields.missing("expected {when: parameter, args: [...]}");
    const bool wanted = when && parameters.flag(*when, fields.at("when"));
    if (args) {
      auto more = parameters.apply_list(*args, fields.at("args"));
      if (wanted) std::move(more.begin(), more.end(), std::back_inserter(argv));
    }
    fields.finish();
  }
}

std::map<std::string, std::string> decode_labels(Reading& reading, const Node& node, const Path& path) {
  std::map<std::string, std::string> labels;
  if (!node.is_object()) reading.faults.add(node, path, "expected a map of labels, such as {team: pipeline}");
  for (const auto& member : node.members) {
    const Path at{&path, member.key};
    if (member.key.empty()) reading.faults.add(member.key_mark, at.text(), "a label's name can't be empty");
    if (member.value.is_string())
      labels.emplace(member.key, member.value.scalar.as_string());
    else
      reading.faults.add(member.value, at, expected_text(member.value));
  }
  return labels;
}

std::map<std::string, DependencyCondition> decode_dependencies(Reading& reading, const Node& node,
                                                               Path path) {
  std::map<std::string, DependencyCondition> out;
  Fields fields(reading, node, path);
  for (const auto& member : node.members) {
    fields.choice<DependencyCondition>(member.key, out[member.key],
                                       {{"started", DependencyCondition::kStarted},
                                        {"healthy", DependencyCondition::kHealthy},
                                        {"completed", DependencyCondition::kCompleted}});
  }
  return out;
}

void read_user(Fields& fields, std::string& user) {
  const Node* node = fields.take("user");
  if (!node) return;
  if (node->scalar.is_int() && node->scalar.as_int() >= 0 && node->scalar.as_int() < 4'294'967'295)
    user = std::to_string(node->scalar.as_int());
  else if (node->is_string() && !node->scalar.as_string().empty())
    user = node->scalar.as_string();
  else
    fields.fault(*node, fields.at("user"), "expected the name or number of a user");
}

void read_program(Fields& fields, Substitution& parameters, ServiceSpec& spec) {
  Reading& reading = fields.reading();
  if (const Node* command = fields.take("command")) {
    const Path at = fields.at("command");
    spec.argv = parameters.apply_list(*command, at);
    if (command->is_array() && (spec.argv.empty() || (spec.argv[0].empty() && command->items[0].is_string() &&
                                                      command->items[0].scalar.as_string().empty())))
      fields.fault(*command, at, "expected the program to run as the first item");
  }
  if (const Node* args = fields.take("args"))
    append_args(reading, *args, fields.at("args"), parameters, spec.argv);
  if (const Node* env = fields.take("env"))
    spec.env = decode_env(reading, *env, fields.at("env"), parameters);
  if (const Node* directory = fields.take("workingDir")) {
    const Path at = fields.at("workingDir");
    const auto before = reading.faults.count();
    spec.working_dir = parameters.apply_text(*directory, at);
    if (reading.faults.count() == before && !reading.partial && !spec.working_dir.starts_with('/'))
      fields.fault(*directory, at, "expected an absolute path");
  }
  read_user(fields, spec.user);
}

// Something to run must be there, for the runtime that is to run it.
void check_program(const Fields& fields, const ServiceSpec& spec) {
  // A mistyped key gets its own "did you mean"; that something is missing besides would only hide it.
  const auto& members = fields.node().members;
  const bool command = std::any_of(members.begin(), members.end(), [](const auto& member) {
    return member.key == "command" || nearest(member.key, {"command"});
  });
  const bool docker = !spec.docker.image.empty() || !spec.docker.container.empty();
  const bool kubernetes = !spec.kubernetes.image.empty() || !spec.kubernetes.pod_template.is_null();
  switch (spec.runtime) {
    case RuntimeKind::kProcess:
      if (!command) fields.missing("command is missing: a list of the program and its arguments");
      return;
    case RuntimeKind::kDocker:
      if (!docker) fields.missing("docker.image (or docker.container) is missing: what to run");
      return;
    case RuntimeKind::kKubernetes:
      if (!kubernetes) fields.missing("kubernetes.image (or kubernetes.podTemplate) is missing: what to run");
      return;
    case RuntimeKind::kAuto:
      if (!command && !docker && !kubernetes)
        fields.missing("nothing to run: command (or docker.image, kubernetes.image) is missing");
      return;
  }
}

void read_policies(Fields& fields, Substitution& parameters, ServiceSpec& spec) {
  Reading& reading = fields.reading();
  if (const Node* node = fields.take("restart"))
    spec.restart = decode_restart(reading, *node, fields.at("restart"));
  if (const Node* node = fields.take("stop")) spec.stop = decode_stop(reading, *node, fields.at("stop"));
  if (const Node* node = fields.take("health"))
    spec.health = decode_health(reading, *node, fields.at("health"), parameters);
  if (const Node* node = fields.take("dependsOn"))
    spec.depends_on = decode_dependencies(reading, *node, fields.at("dependsOn"));
  if (const Node* node = fields.take("resources"))
    spec.resources = decode_resources(reading, *node, fields.at("resources"));
  if (const Node* node = fields.take("collectors"))
    spec.collectors = decode_collectors(reading, *node, fields.at("collectors"), parameters);
  if (const Node* node = fields.take("logs")) {
    Fields inner(reading, *node, fields.at("logs"));
    inner.bytes("maxSize", spec.logs.max_size, 4096, std::int64_t{1} << 40);
    inner.integer("maxFiles", spec.logs.max_files, 1, 1000);
    inner.finish();
  }
  if (const Node* node = fields.take("labels"))
    spec.labels = decode_labels(reading, *node, fields.at("labels"));
  if (const Node* node = fields.take("process"))
    spec.process = decode_process(reading, *node, fields.at("process"));
  if (const Node* node = fields.take("docker")) {
    spec.docker = decode_docker(reading, *node, fields.at("docker"), parameters);
    check_docker_replicas(reading, *node, fields.at("docker"), spec);
  }
  if (const Node* node = fields.take("kubernetes"))
    spec.kubernetes = decode_kubernetes(reading, *node, fields.at("kubernetes"), parameters);
}

}  // namespace

ServiceSpec decode_service(Reading& reading, const std::string& name, const Node& node, const Path& path) {
  ServiceSpec spec;
  spec.name = name;
  Fields fields(reading, node, path);
  fields.choice<Desired>("desired", spec.desired,
                         {{"running", Desired::kRunning}, {"stopped", Desired::kStopped}});
  fields.choice<RuntimeKind>("runtime", spec.runtime,
                             {{"auto", RuntimeKind::kAuto},
                              {"process", RuntimeKind::kProcess},
                              {"docker", RuntimeKind::kDocker},
                              {"kubernetes", RuntimeKind::kKubernetes}});
  fields.integer("replicas", spec.replicas, 0, 1000);

  const Node* schema = fields.take("parameterSchema");
  const Node* parameters = fields.take("parameters");
  if (parameters && !parameters->is_object())
    fields.fault(*parameters, fields.at("parameters"), "expected a map of parameters by name");
  check_parameters(reading, schema, parameters, fields.path());
  spec.parameters = parameters ? to_json(*parameters) : Json::object();
  spec.parameter_schema = schema ? to_json(*schema) : Json();

  Substitution substitution(reading, schema, parameters);
  read_program(fields, substitution, spec);
  read_policies(fields, substitution, spec);
  check_program(fields, spec);
  fields.finish();
  return spec;
}

}  // namespace holdfast::config
