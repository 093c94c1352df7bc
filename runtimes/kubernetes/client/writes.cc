// What changes an object, or reads a pod's output.
#include <utility>

#include "runtimes/kubernetes/client/api_client.h"
#include "runtimes/kubernetes/client/failure.h"

namespace holdfast::kubernetes {

namespace {

using http_client::Request;

constexpr const char* kManager = "holdfast";
constexpr const char* kJsonType = "application/json";
constexpr size_t kMaxLogs = 16u << 20;

const std::string& name_in(const Json& object) {
  return object.at("metadata").at("name").as_string();
}

// The server wants each object to tell what it is.
std::string body_of(const Json& object, const Resource& resource) {
  if (object.find("apiVersion") && object.find("kind")) return dump_json(object);
  auto whole = object;
  whole.set("apiVersion", api_version(resource));
  whole.set("kind", resource.kind);
  return dump_json(whole);
}

}  // namespace

Result<Json> ApiClient::create(const Resource& resource, const std::string& namespace_, const Json& object) {
  const Question question{
      .verb = "create", .resource = resource, .namespace_ = namespace_, .name = name_in(object)};
  return call_json(question, {{"fieldManager", kManager}},
                   {.method = "POST", .content_type = kJsonType, .body = body_of(object, resource)});
}

Result<Json> ApiClient::update(const Resource& resource, const std::string& namespace_, const Json& object) {
  const Question question{
      .verb = "update", .resource = resource, .namespace_ = namespace_, .name = name_in(object)};
  return call_json(question, {{"fieldManager", kManager}},
                   {.method = "PUT", .content_type = kJsonType, .body = body_of(object, resource)});
}

Result<Json> ApiClient::apply(const Resource& resource, const std::string& namespace_, const Json& object,
                              const ApplyOptions& options) {
  const Question question{
      .verb = "patch", .resource = resource, .namespace_ = namespace_, .name = name_in(object)};
  return call_json(
      question,
      {{"fieldManager", kManager},
       {"force", options.force ? "true" : "false"},
       {"dryRun", options.dry_run ? "All" : ""}},
      {.method = "PATCH", .content_type = "application/apply-patch+yaml", .body = body_of(object, resource)});
}

Result<Json> ApiClient::patch(const Resource& resource, const std::string& namespace_,
                              const std::string& name, const Json& patch) {
  const Question question{.verb = "patch", .resource = resource, .namespace_ = namespace_, .name = name};
  return call_json(
      question, {{"fieldManager", kManager}},
      {.method = "PATCH", .content_type = "application/merge-patch+json", .body = dump_json(patch)});
}

Status ApiClient::remove(const Resource& resource, const std::string& namespace_, const std::string& name,
                         const DeleteOptions& options) {
  const Question question{.verb = "delete", .resource = resource, .namespace_ = namespace_, .name = name};
  auto path = question.path();
  if (!path) return fail(path.error());
  auto body = Json::object({{"apiVersion", "v1"}, {"kind", "DeleteOptions"}});
  if (!options.propagation.empty()) body.set("propagationPolicy", options.propagation);
  if (!options.uid.empty()) body.set("preconditions", Json::object({{"uid", options.uid}}));
  const auto response = ask({.request = {.method = "DELETE",
                                         .target = *path,
                                         .what = question.what(),
                                         .content_type = kJsonType,
                                         .body = dump_json(body)},
                             .deadline = clock_.now() + timeouts_.call});
  if (!response) return fail(response.error());
  if (response->status == 404 && is_absent(question, response->body)) return {};
  if (http_client::is_failure(response->status))
    return fail(refusal(question, response->status, response->body));
  return {};
}

Result<std::string> ApiClient::logs(const std::string& namespace_, const std::string& pod,
                                    const LogOptions& options) {
  const Question question{
      .verb = "get", .resource = kPods, .namespace_ = namespace_, .name = pod, .subresource = "log"};
  Parameters parameters{{"timestamps", "true"}, {"container", options.container}};
  if (options.previous) parameters.emplace_back("previous", "true");
  if (options.since) parameters.emplace_back("sinceTime", format_rfc3339(*options.since));
  if (options.tail)
    parameters.emplace_back("tailLines", std::to_string(*options.tail));
  else
    parameters.emplace_back("limitBytes", std::to_string(kMaxLogs));  // counted from the first one
  const auto response = call(question, parameters, {.max_bytes = 2 * kMaxLogs});
  if (!response) return fail(response.error());
  return response->body;
}

}  // namespace holdfast::kubernetes
