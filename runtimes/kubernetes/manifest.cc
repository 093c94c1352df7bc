#include "runtimes/kubernetes/manifest.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "runtimes/kubernetes/client/client.h"
#include "runtimes/kubernetes/names.h"
#include "runtimes/kubernetes/pod_template.h"

namespace holdfast::kubernetes {

namespace {

constexpr int kKeptRevisions = 5;  // old ReplicaSets, for kubectl rollout undo and for going back
constexpr size_t kLongestLabel = 63, kLongestPrefix = 253;

bool is_label_text(std::string_view text) {
  const auto alphanumeric = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  return text.size() <= kLongestLabel &&
         (text.empty() || (alphanumeric(text.front()) && alphanumeric(text.back()))) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

// Rules: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
bool is_label_key(std::string_view key) {
  const auto slash = key.rfind('/');
  const auto prefix = slash == std::string_view::npos ? std::string_view() : key.substr(0, slash);
  const auto name = slash == std::string_view::npos ? key : key.substr(slash + 1);
  const bool good_prefix = std::all_of(prefix.begin(), prefix.end(), [](char c) {
    return std::islower(static_cast<unsigned char>(c)) != 0 ||
           std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.';
  });
  return !name.empty() && is_label_text(name) && good_prefix && prefix.size() <= kLongestPrefix && slash != 0;
}

Json metadata_of(const ServiceSpec& spec, const ManifestOptions& options) {
  auto labels = Json::object();
  auto annotations = Json::object();
  for (const auto& [key, value] : spec.labels) {
    if (!is_label_key(key)) continue;
    (is_label_text(value) ? labels : annotations).set(key, value);
  }
  labels.set("app.kubernetes.io/name", spec.name);
  labels.set("app.kubernetes.io/instance", spec.name);
  labels.set(kManagedByLabel, kManager);
  labels.set(kServiceLabel, spec.name);
  labels.set(kControllerLabel, options.controller);
  return Json::object({{"name", spec.name},
                       {"namespace", options.namespace_},
                       {"labels", std::move(labels)},
                       {"annotations", std::move(annotations)}});
}

// "25%" stays a text, "2" is a number.
Json number_or_share(const std::string& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size()) return value;
  return text;
}

Json strategy_of(const KubernetesOptions& options) {
  auto out = Json::object({{"type", options.strategy}});
  if (options.strategy == "RollingUpdate")
    out.set("rollingUpdate", Json::object({{"maxSurge", number_or_share(options.max_surge)},
                                           {"maxUnavailable", number_or_share(options.max_unavailable)}}));
  return out;
}

Json template_of(const ServiceSpec& spec, const ManifestOptions& options, const Json& selector) {
  auto labels = selector.at("matchLabels");
  lay_over(labels, Json::object({{"app.kubernetes.io/name", spec.name},
                                 {"app.kubernetes.io/instance", spec.name},
                                 {kManagedByLabel, kManager},
                                 {kServiceLabel, spec.name},
                                 {kControllerLabel, options.controller}}));
  auto annotations = Json::object({{kHashNote, spec.spec_hash},
                                   {kNonceNote, std::to_string(options.restart_nonce)},
                                   {kContainerNote, own_container(spec)}});
  auto out = pod_template_of(spec);
  lay_over(out, Json::object({{"metadata", Json::object({{"labels", std::move(labels)},
                                                         {"annotations", std::move(annotations)}})}}));
  return out;
}

Json service_of(const ServiceSpec& spec, const ManifestOptions& options) {
  auto ports = Json::array();
  for (const auto& port : spec.kubernetes.ports) {
    auto item = Json::object({{"port", port.port}, {"protocol", port.protocol}, {"targetPort", port.target}});
    if (!port.name.empty())
      item.set("name", port.name);
    else if (spec.kubernetes.ports.size() > 1)
      item.set("name", "port-" + std::to_string(port.port));
    ports.push_back(std::move(item));
  }
  return Json::object({{"apiVersion", api_version(kServices)},
                       {"kind", kServices.kind},
                       {"metadata", metadata_of(spec, options)},
                       {"spec", Json::object({{"type", spec.kubernetes.service_type},
                                              {"selector", Json::object({{kServiceLabel, spec.name}})},
                                              {"ports", std::move(ports)}})}});
}

tl::unexpected<Error> refuse(const ServiceSpec& spec, const std::string& what, std::string hint) {
  return fail_terminal(ErrorCode::kInvalid, "service " + spec.name + " " + what, std::move(hint));
}

bool has_image(const ServiceSpec& spec) {
  if (!spec.kubernetes.image.empty()) return true;
  const auto& containers = spec.kubernetes.pod_template.at("spec").at("containers").items();
  return std::any_of(containers.begin(), containers.end(), [&](const Json& container) {
    return container.at("name").as_string() == own_container(spec) &&
           !container.at("image").as_string().empty();
  });
}

}  // namespace

const std::string& Manifest::hash() const {
  return deployment.at("metadata").at("annotations").at(kHashNote).as_string();
}

std::uint64_t Manifest::restart_nonce() const {
  const auto& text = deployment.at("metadata").at("annotations").at(kNonceNote).as_string();
  std::uint64_t nonce = 0;
  std::from_chars(text.data(), text.data() + text.size(), nonce);
  return nonce;
}

Manifest manifest_of(const ServiceSpec& spec, const ManifestOptions& options) {
  const auto selector = options.selector.is_object()
                            ? options.selector
                            : Json::object({{"matchLabels", Json::object({{kServiceLabel, spec.name}})}});
  auto metadata = metadata_of(spec, options);
  metadata.find("annotations")->set(kHashNote, spec.spec_hash);
  metadata.find("annotations")->set(kNonceNote, std::to_string(options.restart_nonce));
  const auto deadline = std::chrono::ceil<std::chrono::seconds>(spec.kubernetes.progress_deadline);
  Manifest out;
  out.deployment = Json::object(
      {{"apiVersion", api_version(kDeployments)},
       {"kind", kDeployments.kind},
       {"metadata", std::move(metadata)},
       {"spec",
        Json::object({{"replicas", spec.replicas},
                      {"selector", selector},
                      {"strategy", strategy_of(spec.kubernetes)},
                      {"progressDeadlineSeconds", std::max(std::int64_t{1}, std::int64_t{deadline.count()})},
                      {"revisionHistoryLimit", kKeptRevisions},
                      {"paused", false},  // by somebody else it would hold up every change without a word
                      {"template", template_of(spec, options, selector)}})}});
  if (!spec.kubernetes.ports.empty()) out.service = service_of(spec, options);
  return out;
}

Json to_json(const Manifest& manifest) {
  auto out = Json::object({{"deployment", manifest.deployment}});
  if (manifest.service) out.set("service", *manifest.service);
  return out;
}

std::optional<Manifest> manifest_from(const Json& value) {
  Manifest out;
  out.deployment = value.at("deployment");
  if (!out.deployment.at("spec").at("template").is_object() || out.hash().empty()) return std::nullopt;
  if (const Json* service = value.find("service")) out.service = *service;
  return out;
}

Status check_spec(const ServiceSpec& spec) {
  if (!has_image(spec)) return refuse(spec, "names no container image", "set kubernetes.image");
  if (spec.restart.mode != RestartMode::kAlways)
    return refuse(spec,
                  "has the restart policy " + std::string(to_string(spec.restart.mode)) +
                      ", but the pods of a Deployment are always restarted",
                  "set restart.policy: always, or run it as a process or in docker");
  for (const auto& [name, value] : spec.env) {
    const auto* secret = std::get_if<SecretRef>(&value);
    if (secret != nullptr && secret->source != SecretRef::Source::kKubernetes)
      return refuse(spec, "takes env " + name + " from a secret that no pod can read",
                    "put it in a Kubernetes Secret: {secret: {kubernetes: {name: NAME, key: KEY}}}");
  }
  const bool numeric = spec.user.find_first_not_of("0123456789:") == std::string::npos;
  if (!numeric)
    return refuse(spec, "is to run as '" + spec.user + "', but in a pod users have only numbers",
                  "write the user's number, such as user: \"1000\"");
  return {};
}

std::string namespace_of(const ServiceSpec& spec, const std::string& otherwise) {
  return spec.kubernetes.namespace_.empty() ? otherwise : spec.kubernetes.namespace_;
}

bool runs_in_kubernetes(const ServiceSpec& spec, bool takes_auto) {
  return spec.runtime == RuntimeKind::kKubernetes ||
         (takes_auto && spec.runtime == RuntimeKind::kAuto && has_image(spec));
}

}  // namespace holdfast::kubernetes
