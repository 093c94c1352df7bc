#include <algorithm>
#include <array>
#include <charconv>

#include "controller/config/compose/service.h"

namespace holdfast::config {

namespace {

void set_list(Section& service, std::string_view key, const char* ours, Json& docker) {
  if (auto values = service.texts(key); !values.empty()) docker.set(ours, list_of(values));
}

void set_flag(Section& service, std::string_view key, const char* ours, Json& docker) {
  if (service.boolean(key).value_or(false)) docker.set(ours, true);
}

void read_devices(Section& service, Json& docker) {
  const Node* node = service.take("devices");
  if (!node) return;
  Json devices = Json::array();
  for (size_t i = 0; i < node->items.size(); ++i) {
    const Node& item = node->items[i];
    const auto path = service.at("devices") + "." + std::to_string(i);
    auto text = text_of(item).value_or("");
    if (item.is_object()) {
      Section device(service.compose(), item, path);
      text = device.text("source").value_or("");
      if (const auto target = device.text("target")) text += ":" + *target;
      if (const auto rights = device.text("permissions")) text += ":" + *rights;
      device.finish();
    }
    if (text.starts_with('/'))
      devices.push_back(escape_parameters(text));
    else
      service.compose().note(path, "not carried over (it isn't the path of a device)");
  }
  if (!devices.items().empty()) docker.set("devices", std::move(devices));
}

DependencyCondition condition_of(Section& entry, const Node& node, const std::string& path) {
  const auto condition = entry.text("condition").value_or("service_started");
  if (condition == "service_healthy") return DependencyCondition::kHealthy;
  if (condition == "service_completed_successfully") return DependencyCondition::kCompleted;
  if (condition != "service_started")
    entry.compose().fault(node, path,
                          "expected service_started, service_healthy or service_completed_successfully");
  return DependencyCondition::kStarted;
}

void read_dependency(Section& service, const std::string& name, const Node& node, const std::string& path,
                     Json& depends) {
  auto& compose = service.compose();
  auto condition = DependencyCondition::kStarted;
  bool required = true;
  if (node.is_object()) {
    Section entry(compose, node, path);
    condition = condition_of(entry, node, path);
    required = entry.boolean("required").value_or(true);
    if (entry.boolean("restart").value_or(false))
      entry.not_carried_over("restart", "what depends on a service isn't restarted with it");
    entry.finish();
  }
  const auto other = compose.names.find(name);
  if (other != compose.names.end())
    depends.set(other->second, to_string(condition));
  else if (required)
    compose.fault(node, path, "there is no service '" + name + "'");
}

void read_dependencies(Section& service, Converted& out) {
  Json depends = out.service.at("dependsOn");
  if (const Node* node = service.take("depends_on")) {
    const auto path = service.at("depends_on");
    for (const auto& member : node->members)
      read_dependency(service, member.key, member.value, path + "." + member.key, depends);
    for (size_t i = 0; i < node->items.size(); ++i)
      read_dependency(service, text_of(node->items[i]).value_or(""), node->items[i],
                      path + "." + std::to_string(i), depends);
  }
  if (depends.is_object() && !depends.members().empty()) out.service.set("dependsOn", std::move(depends));
}

// Docker's word for it, with the most restarts behind a colon.
Json restart_policy(Section& service, const Node& node, const std::string& path, std::string policy,
                    std::optional<std::int64_t> attempts) {
  constexpr std::string_view kCounted = "on-failure:";
  if (policy.starts_with(kCounted)) {
    std::int64_t most = 0;
    const char* end = policy.data() + policy.size();
    const auto read = std::from_chars(policy.data() + kCounted.size(), end, most);
    if (read.ec == std::errc{} && read.ptr == end) {
      attempts = most;
      policy.resize(kCounted.size() - 1);
    }
  }
  Json restart = Json::object();
  if (policy == "no" || policy == "false" || policy == "none")
    restart.set("policy", "never");
  else if (policy == "always" || policy == "unless-stopped" || policy == "any" || policy == "true")
    restart.set("policy", "always");
  else if (policy == "on-failure")
    restart.set("policy", "on-failure");
  else
    service.compose().fault(node, path, "expected no, always, on-failure, on-failure:N or unless-stopped");
  if (policy == "on-failure" && attempts && *attempts >= 0)
    restart.set("budget", Json::object({{"attempts", *attempts}}));
  return restart;
}

void read_restart(Section& service, const Node* deployed, const std::string& deploy_path, Converted& out) {
  if (const Node* node = service.take("restart")) {
    out.service.set("restart", restart_policy(service, *node, service.at("restart"),
                                              text_of(*node).value_or(""), std::nullopt));
    return;
  }
  if (deployed) {
    Section section(service.compose(), *deployed, deploy_path);
    const auto policy = section.text("condition").value_or("any");
    const auto attempts = section.integer("max_attempts");
    section.finish();
    out.service.set("restart", restart_policy(service, *deployed, deploy_path, policy, attempts));
    return;
  }
  out.service.set("restart", Json::object({{"policy", "never"}}));
  service.note("restart",
               "not declared, so that the service isn't restarted, as with compose; Holdfast's own "
               "default is {policy: always}");
}

void read_stop(Section& service, Converted& out) {
  Json stop = Json::object();
  if (const auto signal = service.text("stop_signal")) {
    if (signal->find("RTM") == std::string::npos)
      stop.set("signal", *signal);
    else
      service.not_carried_over("stop_signal", "write its number: stop: {signal: 37}");
  }
  if (const auto grace = service.duration("stop_grace_period")) stop.set("gracePeriod", *grace);
  if (!stop.members().empty()) out.service.set("stop", std::move(stop));
}

std::optional<std::vector<std::string>> test_command(Section& check) {
  const Node* node = check.take("test");
  if (!node) return std::nullopt;
  if (const auto line = text_of(*node)) return std::vector<std::string>{"/bin/sh", "-c", *line};
  auto words = check.texts("test");
  const std::string kind = words.empty() ? "" : words.front();
  if (!words.empty()) words.erase(words.begin());
  if (kind == "CMD" && !words.empty()) return words;
  if (kind == "CMD-SHELL" && words.size() == 1)
    return std::vector<std::string>{"/bin/sh", "-c", words.front()};
  if (kind != "NONE")
    check.compose().fault(*node, check.at("test"),
                          "expected a text, [CMD, program...], [CMD-SHELL, line] or [NONE]");
  return std::nullopt;
}

void read_health(Section& service, Converted& out) {
  const Node* node = service.take("healthcheck");
  if (!node) return;
  Section check(service.compose(), *node, service.at("healthcheck"));
  const auto command = test_command(check);
  const auto interval = check.duration("interval"), timeout = check.duration("timeout");
  const auto retries = check.integer("retries");
  for (const auto* key : {"start_period", "start_interval"})
    check.not_carried_over(key, "not needed: readiness only reports, it restarts nothing");
  const bool disabled = check.boolean("disable").value_or(false);
  check.finish();
  if (!command || disabled) {
    if (const auto what =
            node->find("test") || disabled ? "none is declared" : "the image's own counts as it is";
        node->find("test") || disabled || interval || timeout || retries)
      service.note("healthcheck", std::string("not carried over (") + what +
                                      "; where the image has a HEALTHCHECK it counts as readiness)");
    return;
  }
  // The defaults are compose's.
  const Json probe = Json::object({{"exec", Json::object({{"command", escaped_list(*command)}})},
                                   {"interval", interval.value_or("30s")},
                                   {"timeout", timeout.value_or("30s")},
                                   {"failureThreshold", std::max<std::int64_t>(1, retries.value_or(3))}});
  out.service.set("health", Json::object({{"readiness", probe}}));
}

void set_resources(Section& section, const char* cpu, const char* memory, const char* pids, Json& resources) {
  if (const auto cores = section.text(cpu); cores && *cores != "0") resources.set("cpu", *cores);
  if (const auto bytes = section.bytes(memory); bytes && *bytes > 0)
    resources.set("memory", quantity(*bytes));
  if (const auto most = section.integer(pids); most && *most > 0) resources.set("pids", *most);
}

void read_deploy(Section& service, Json& resources, Converted& out) {
  const Node* node = service.take("deploy");
  const Node* restart = nullptr;
  const auto path = service.at("deploy");
  if (node) {
    Section deploy(service.compose(), *node, path);
    if (const auto replicas = deploy.integer("replicas")) out.replicas = *replicas;
    restart = deploy.take("restart_policy");
    if (deploy.text("mode").value_or("replicated") != "replicated")
      deploy.not_carried_over("mode", "Holdfast runs on one machine");
    if (const Node* both = deploy.take("resources")) {
      Section section(service.compose(), *both, deploy.at("resources"));
      if (const Node* limits = section.take("limits")) {
        Section inner(service.compose(), *limits, section.at("limits"));
        set_resources(inner, "cpus", "memory", "pids", resources);
        inner.finish();
      }
      section.finish();
    }
    deploy.finish();
  }
  read_restart(service, restart, path + ".restart_policy", out);
}

void read_logging(Section& service, Converted& out) {
  const Node* node = service.take("logging");
  if (!node) return;
  Section logging(service.compose(), *node, service.at("logging"));
  const auto driver = logging.text("driver").value_or("json-file");
  if (driver != "json-file")
    logging.not_carried_over("driver", "Holdfast reads what the engine keeps, with json-file");
  if (const Node* inner = driver == "json-file" ? logging.take("options") : nullptr) {
    Section options(service.compose(), *inner, logging.at("options"));
    Json logs = Json::object();
    constexpr std::int64_t kLeast = 4096;  // what Holdfast takes
    if (const auto size = options.bytes("max-size")) logs.set("maxSize", quantity(std::max(kLeast, *size)));
    if (const auto files = options.integer("max-file"))
      logs.set("maxFiles", std::clamp<std::int64_t>(*files, 1, 1000));
    options.finish();
    if (!logs.members().empty()) out.service.set("logs", std::move(logs));
  }
  logging.finish();
}

void read_labels(Section& service, Converted& out) {
  Json labels = Json::object();
  for (const auto& entry : service.pairs("labels", "=")) {
    if (!entry.key.empty()) labels.set(entry.key, entry.value.value_or(""));
  }
  if (!labels.members().empty()) out.service.set("labels", std::move(labels));
}

}  // namespace

void convert_container(Section& service, Converted& out) {
  set_list(service, "cap_add", "capAdd", out.docker);
  set_list(service, "cap_drop", "capDrop", out.docker);
  set_list(service, "security_opt", "securityOpt", out.docker);
  set_list(service, "group_add", "groupAdd", out.docker);
  read_devices(service, out.docker);
  set_flag(service, "read_only", "readOnly", out.docker);
  set_flag(service, "init", "init", out.docker);
  set_flag(service, "tty", "tty", out.docker);
  set_flag(service, "privileged", "privileged", out.docker);
  if (const auto bytes = service.bytes("shm_size"); bytes && *bytes > 0)
    out.docker.set("shmSize", quantity(*bytes));
  read_labels(service, out);
}

void convert_order(Section& service, Converted& out) {
  read_dependencies(service, out);
  if (const auto profiles = service.texts("profiles"); !profiles.empty()) {
    out.service.set("desired", "stopped");
    service.note("profiles", "not carried over (Holdfast has none); the service is declared as stopped");
  }
}

void convert_policies(Section& service, Converted& out) {
  Json resources = Json::object();
  read_deploy(service, resources, out);
  set_resources(service, "cpus", "mem_limit", "pids_limit", resources);
  if (!resources.members().empty()) out.service.set("resources", std::move(resources));
  if (const auto scale = service.integer("scale")) out.replicas = *scale;
  if (out.replicas != 1) out.service.set("replicas", out.replicas);
  read_stop(service, out);
  read_health(service, out);
  read_logging(service, out);
}

Json list_of(const std::vector<std::string>& values) {
  Json out = Json::array();
  for (const auto& value : values) out.push_back(value);
  return out;
}

Json escaped_list(const std::vector<std::string>& values) {
  Json out = Json::array();
  for (const auto& value : values) out.push_back(escape_parameters(value));
  return out;
}

}  // namespace holdfast::config
