#include "runtimes/kubernetes/pod_template.h"

#include <algorithm>
#include <charconv>

#include "runtimes/kubernetes/merge_keys.h"
#include "runtimes/kubernetes/names.h"
#include "runtimes/kubernetes/probe_manifest.h"
#include "runtimes/kubernetes/quantity.h"

namespace holdfast::kubernetes {

namespace {

constexpr size_t kLongestPortName = 15;

Json env_of(const ServiceSpec& spec) {
  auto env = Json::array();
  for (const auto& [name, value] : spec.env) {
    if (const auto* text = std::get_if<std::string>(&value)) {
      env.push_back(Json::object({{"name", name}, {"value", *text}}));
      continue;
    }
    const auto& secret = std::get<SecretRef>(value);
    const auto ref = Json::object({{"name", secret.name}, {"key", secret.key}});
    env.push_back(Json::object({{"name", name}, {"valueFrom", Json::object({{"secretKeyRef", ref}})}}));
  }
  return env;
}

Json container_ports(const KubernetesOptions& options) {
  auto ports = Json::array();
  for (const auto& port : options.ports) {
    auto item = Json::object({{"containerPort", port.target}, {"protocol", port.protocol}});
    const auto keys = merge_keys("ports", Json::array({item}));
    if (find_item(ports, identity(item, keys), keys) != nullptr)
      continue;  // two of the Service may lead to it
    if (!port.name.empty() && port.name.size() <= kLongestPortName) item.set("name", port.name);
    ports.push_back(std::move(item));
  }
  return ports;
}

// Without requests in the podTemplate the API server takes the limits for them.
Json resources_of(const Resources& resources) {
  auto limits = Json::object();
  if (resources.cpu_millis) limits.set("cpu", cpu_text(*resources.cpu_millis));
  if (resources.memory_bytes) limits.set("memory", bytes_text(*resources.memory_bytes));
  if (limits.members().empty()) return {};
  return Json::object({{"limits", limits}});
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "1000" or "1000:1000"; check_spec refuses others.
Json security_context(const std::string& user) {
  const auto colon = user.find(':');
  auto out = Json::object();
  if (const auto uid = number(std::string_view(user).substr(0, colon))) out.set("runAsUser", *uid);
  if (colon == std::string::npos) return out;
  if (const auto gid = number(std::string_view(user).substr(colon + 1))) out.set("runAsGroup", *gid);
  return out;
}

Json container_of(const ServiceSpec& spec) {
  auto out = Json::object({{"name", own_container(spec)}});
  const auto put = [&](const char* key, Json value) {
    if (!value.is_null()) out.set(key, std::move(value));
  };
  const auto text = [](const std::string& value) { return value.empty() ? Json() : Json(value); };
  put("image", text(spec.kubernetes.image));
  put("imagePullPolicy", text(spec.kubernetes.pull_policy));
  put("workingDir", text(spec.working_dir));
  if (!spec.argv.empty()) {
    auto args = Json::array();  // and the image's ENTRYPOINT stays, as with a container of Docker
    for (const auto& argument : spec.argv) args.push_back(argument);
    put("args", std::move(args));
  }
  if (!spec.env.empty()) put("env", env_of(spec));
  if (!spec.kubernetes.ports.empty()) put("ports", container_ports(spec.kubernetes));
  put("resources", resources_of(spec.resources));
  if (!spec.user.empty()) put("securityContext", security_context(spec.user));
  const auto& health = spec.health;
  if (health.startup) put("startupProbe", probe_manifest(*health.startup, true));
  if (health.readiness) put("readinessProbe", probe_manifest(*health.readiness, false));
  if (health.liveness) put("livenessProbe", probe_manifest(*health.liveness, true));
  return out;
}

void write_amount(Json* amount) {
  if (amount != nullptr && amount->is_number()) *amount = dump_json(*amount);
}

// An API server takes amounts as numbers too, but not those that are applied.
void write_amounts(Json& pod) {
  for (const char* list : {"initContainers", "containers"}) {
    Json* containers = pod.find(list);
    if (containers == nullptr || !containers->is_array()) continue;
    for (auto& container : containers->items()) {
      Json* resources = container.find("resources");
      for (const char* kind : {"limits", "requests"}) {
        Json* amounts = resources == nullptr ? nullptr : resources->find(kind);
        if (amounts == nullptr || !amounts->is_object()) continue;
        for (auto& [name, amount] : amounts->members()) write_amount(&amount);
      }
    }
  }
  Json* volumes = pod.find("volumes");
  if (volumes == nullptr || !volumes->is_array()) return;
  for (auto& volume : volumes->items()) {
    if (Json* directory = volume.find("emptyDir")) write_amount(directory->find("sizeLimit"));
  }
}

}  // namespace

std::string own_container(const ServiceSpec& spec) {
  const auto& containers = spec.kubernetes.pod_template.at("spec").at("containers").items();
  const bool named = std::any_of(containers.begin(), containers.end(), [&](const Json& container) {
    return container.at("name").as_string() == spec.name;
  });
  if (named || containers.empty() || containers[0].at("name").as_string().empty()) return spec.name;
  return containers[0].at("name").as_string();
}

void lay_over(Json& below, const Json& over, const std::string& field) {
  if (below.is_object() && over.is_object()) {
    for (const auto& [key, value] : over.members()) {
      if (Json* there = below.find(key))
        lay_over(*there, value, key);
      else
        below.set(key, value);
    }
    return;
  }
  const auto keys = over.is_array() ? merge_keys(field, over) : std::vector<std::string>{};
  if (!below.is_array() || keys.empty()) {
    below = over;
    return;
  }
  for (const auto& item : over.items()) {
    Json* there = find_item(below, identity(item, keys), keys);
    if (there == nullptr)
      below.push_back(item);
    else if (field == "env")
      *there = item;  // `value` and `valueFrom` exclude each other
    else
      lay_over(*there, item);
  }
}

Json pod_template_of(const ServiceSpec& spec) {
  auto pod = Json::object({{"containers", Json::array({container_of(spec)})}});
  const auto grace = std::chrono::ceil<std::chrono::seconds>(spec.stop.grace_period);
  pod.set("terminationGracePeriodSeconds", std::int64_t{grace.count()});
  if (!spec.kubernetes.service_account.empty())
    pod.set("serviceAccountName", spec.kubernetes.service_account);
  Json result = spec.kubernetes.pod_template.is_object() ? spec.kubernetes.pod_template : Json::object();
  lay_over(result, Json::object({{"spec", std::move(pod)}}));
  write_amounts(*result.find("spec"));
  return result;
}

}  // namespace holdfast::kubernetes
