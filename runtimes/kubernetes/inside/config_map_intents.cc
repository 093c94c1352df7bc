#include "runtimes/kubernetes/inside/config_map_intents.h"

#include <utility>

namespace holdfast::kubernetes {

namespace {

constexpr int kSaveAttempts = 10;

Json encode_intent(const Intent& intent) {
  auto json = Json::object();
  if (intent.desired) json.set("desired", to_string(*intent.desired));
  json.set("configured", to_string(intent.configured));
  json.set("restartNonce", intent.restart_nonce);
  json.set("actor", intent.actor);
  json.set("at", format_rfc3339(intent.at));
  return json;
}

std::optional<Desired> desired_of(const Json& json) {
  for (const auto desired : {Desired::kRunning, Desired::kStopped})
    if (json.as_string() == to_string(desired)) return desired;
  return std::nullopt;
}

std::optional<Intent> intent_of(const Json& json) {
  const auto configured = desired_of(json.at("configured"));
  const auto& nonce = json.at("restartNonce");
  const auto at = parse_rfc3339(json.at("at").as_string());
  if (!configured || !nonce.is_int() || nonce.as_int() < 0 || !at) return std::nullopt;
  Intent intent;
  intent.configured = *configured;
  intent.restart_nonce = static_cast<std::uint64_t>(nonce.as_int());
  intent.actor = json.at("actor").as_string();
  intent.at = *at;
  if (const Json* desired = json.find("desired")) {
    intent.desired = desired_of(*desired);
    if (!intent.desired) return std::nullopt;
  }
  return intent;
}

}  // namespace

Result<ConfigMapIntents::Intents> ConfigMapIntents::parse(const SharedConfigMap::Values& values) const {
  Intents intents;
  const auto text = values.find(kIntentsKey);
  if (text == values.end() || text->second.empty()) return intents;
  const auto broken = [&](const std::string& why) {
    return fail(ErrorCode::kInvalid, map_.where(kIntentsKey) + ": " + why, "correct it with kubectl edit");
  };
  const auto json = parse_json(text->second);
  if (!json) return broken(json.error().message);
  if (!json->is_object()) return broken("a JSON object was expected, not " + std::string(json->type_name()));
  for (const auto& [service, entry] : json->members()) {
    auto intent = intent_of(entry);
    if (!intent)
      return broken(service +
                    " is not {desired, configured, restartNonce, actor, at}, with running or stopped");
    intents.emplace(service, std::move(*intent));
  }
  return intents;
}

Status ConfigMapIntents::save(const std::string& service, const Intent& intent, const Intents& keep) {
  const auto change = [&](SharedConfigMap::Values& values) -> Status {
    auto intents = parse(values);
    if (!intents)
      return fail_terminal(ErrorCode::kConflict, intents.error().message + "; it is not written over",
                           "correct or remove the key with kubectl edit");
    std::erase_if(*intents, [&](const auto& entry) { return !keep.contains(entry.first); });
    (*intents)[service] = intent;
    auto json = Json::object();
    for (const auto& [name, kept] : *intents) json.members().emplace_back(name, encode_intent(kept));
    values[kIntentsKey] = dump_json_pretty(json);
    return {};
  };
  const auto written = map_.edit(change, kSaveAttempts);
  if (!written) return fail(written.error());
  return {};
}

ConfigMapIntents::View ConfigMapIntents::view() const {
  const std::lock_guard lock(mutex_);
  const auto data = map_.data();
  if (data->resource_version == version_) return view_;
  version_ = data->resource_version;
  auto intents = parse(data->values);
  view_.problem.reset();
  if (intents)
    view_.intents = std::move(*intents);
  else
    view_.problem = intents.error();
  return view_;
}

}  // namespace holdfast::kubernetes
