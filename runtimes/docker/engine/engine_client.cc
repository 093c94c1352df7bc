#include "runtimes/docker/engine/engine_client.h"

#include <algorithm>
#include <utility>

#include "controller/base/text.h"
#include "runtimes/docker/engine/client_impl.h"
#include "runtimes/docker/engine/failure.h"

namespace holdfast::docker {

namespace {

std::string of_container(const std::string& container, const std::string& action) {
  return "/containers/" + percent_encode(container) + action;
}

std::string naming(const std::string& verb, const std::string& container) {
  return verb + " container '" + container + "'";
}

// Not any 404: a proxy's must not pass for "it is gone".
bool no_such_container(const Error& error) {
  return error.code == ErrorCode::kNotFound && mentions(error, "no such container");
}

// A paused one takes no signal either, but isn't dead.
bool not_running(const Error& error) {
  if (error.code != ErrorCode::kConflict || mentions(error, "paused")) return false;
  return mentions(error, "is not running") || mentions(error, "can only kill running");  // Docker, Podman
}

// A container has its own name, and "/other/alias" for every link to it.
std::string name_of(const Json& row) {
  for (const auto& name : row.at("Names").items()) {
    const auto& text = name.as_string();
    if (text.find('/', 1) != std::string::npos) continue;
    return text.starts_with('/') ? text.substr(1) : text;
  }
  return {};
}

bool has_health_check(const Json& image) {
  const auto& test = image.at("Config").at("Healthcheck").at("Test").items();
  return !test.empty() && test.front().as_string() != "NONE";
}

}  // namespace

EngineClient::EngineClient(Endpoint endpoint, const Clock& clock, EngineTimeouts timeouts)
    : clock_(clock),
      timeouts_(timeouts),
      registry_config_(endpoint.registry_config),
      session_(std::move(endpoint), timeouts.connect, timeouts.query) {}

Result<Json> EngineClient::query(const std::string& target, const std::string& what) {
  return session_.call_json({.target = target, .what = what, .timeout = timeouts_.query});
}

Status EngineClient::act(const std::string& container, const std::string& action, const std::string& what,
                         Duration timeout) {
  const auto response = session_.call({.method = "POST",
                                       .target = of_container(container, action),
                                       .what = naming(what, container),
                                       .timeout = timeout});
  if (!response) return fail(response.error());
  return {};
}

Result<std::string> EngineClient::identity() {
  const auto who = session_.ping(timeouts_.query);
  if (!who) return fail(who.error());
  if (who->name.starts_with("Podman")) return std::string();  // it makes one up for each answer
  const auto info = query("/info", "asking for the engine's id");
  if (!info) return fail(info.error());
  return info->at("ID").as_string();
}

Result<std::vector<ContainerRow>> EngineClient::list(const std::string& label) {
  const auto filters = dump_json(Json::object({{"label", Json::array({label})}}));
  const auto json =
      query("/containers/json?all=true&filters=" + percent_encode(filters), "listing containers of " + label);
  if (!json) return fail(json.error());
  if (!json->is_array()) return fail(ErrorCode::kInternal, "listing containers: the engine sent no list");
  std::vector<ContainerRow> rows;
  for (const auto& item : json->items()) {
    auto& row = rows.emplace_back();
    row.id = item.at("Id").as_string();
    row.name = name_of(item);
    row.state = item.at("State").as_string();
    for (const auto& [key, value] : item.at("Labels").members()) row.labels[key] = value.as_string();
  }
  return rows;
}

Result<std::optional<Container>> EngineClient::inspect(const std::string& container) {
  auto json = query(of_container(container, "/json"), naming("inspecting", container));
  if (!json && no_such_container(json.error())) return std::optional<Container>();
  if (!json) return fail(std::move(json.error()));
  auto parsed = parse_container(std::move(*json));
  if (!parsed) return fail(std::move(parsed.error()));
  return std::optional<Container>(std::move(*parsed));
}

Result<std::string> EngineClient::create(const std::string& name, const CreateSpec& spec) {
  auto json = session_.call_json({.method = "POST",
                                  .target = "/containers/create?name=" + percent_encode(name),
                                  .what = naming("creating", name),
                                  .content_type = "application/json",
                                  .body = dump_json(create_body(spec)),
                                  .timeout = timeouts_.create});
  if (!json) {
    auto error = std::move(json.error());
    if (error.code == ErrorCode::kNotFound && mentions(error, "image"))
      error.hint = "Pull or build the image " + spec.image + " first";
    // Podman's way of saying 409.
    if (error.code == ErrorCode::kInternal && mentions(error, "already in use"))
      error.code = ErrorCode::kConflict;
    return fail(std::move(error));
  }
  const auto& id = json->at("Id").as_string();
  if (id.empty()) return fail(ErrorCode::kInternal, naming("creating", name) + ": the engine told no id");
  return id;
}

Status EngineClient::start(const std::string& container) {
  return act(container, "/start", "starting", timeouts_.start);
}

Status EngineClient::signal(const std::string& container, int signal) {
  auto status = act(container, "/kill?signal=" + std::to_string(signal),
                    "sending signal " + std::to_string(signal) + " to", timeouts_.query);
  if (status || no_such_container(status.error()) || not_running(status.error())) return {};
  return status;
}

Status EngineClient::unpause(const std::string& container) {
  auto status = act(container, "/unpause", "unpausing", timeouts_.query);
  if (!status && mentions(status.error(), "is not paused")) return {};
  return status;
}

Status EngineClient::remove(const std::string& container) {
  const auto response = session_.call({.method = "DELETE",
                                       .target = of_container(container, "?v=1"),
                                       .what = naming("removing", container),
                                       .timeout = timeouts_.remove});
  if (response || no_such_container(response.error())) return {};
  auto error = response.error();
  if (error.code == ErrorCode::kConflict && mentions(error, "already in progress")) return {};
  return fail(std::move(error));
}

Result<std::optional<Image>> EngineClient::image(const std::string& reference) {
  const auto json =
      query("/images/" + percent_encode(reference, "/:@") + "/json", "looking for image " + reference);
  if (!json && json.error().code == ErrorCode::kNotFound && mentions(json.error(), "no such image"))
    return std::optional<Image>();
  if (!json) return fail(json.error());
  return std::optional<Image>(Image{json->at("Id").as_string(), has_health_check(*json)});
}

std::unique_ptr<Client> make_engine_client(Endpoint endpoint, const Clock& clock, EngineTimeouts timeouts) {
  return std::make_unique<EngineClient>(std::move(endpoint), clock, timeouts);
}

}  // namespace holdfast::docker
