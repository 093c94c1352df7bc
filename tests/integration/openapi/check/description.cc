#include "tests/integration/openapi/check/description.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "tests/integration/openapi/check/schema.h"

namespace holdfast::test {
namespace {

// What the server itself may answer to any request.
const std::set<int> kServerStatuses{401, 403, 408, 413, 414, 421, 429, 431, 500, 503, 504};

std::vector<std::string> segments(const std::string& path) {
  std::vector<std::string> parts;
  for (size_t begin = 0;;) {
    const size_t end = path.find('/', begin);
    parts.push_back(path.substr(begin, end - begin));
    if (end == std::string::npos) return parts;
    begin = end + 1;
  }
}

bool matches(const std::string& pattern, const std::string& path) {
  const auto wanted = segments(pattern), given = segments(path);
  return wanted.size() == given.size() && std::equal(wanted.begin(), wanted.end(), given.begin(),
                                                     [](const std::string& part, const std::string& actual) {
                                                       return part.starts_with('{') ? !actual.empty()
                                                                                    : part == actual;
                                                     });
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return text;
}

// The validator holds a format against null too, which JSON Schema doesn't.
Json null_or_formatted(Json schema) {
  schema.set("type", "string");
  return Json::object({{"anyOf", Json::array({std::move(schema), Json::object({{"type", "null"}})})}});
}

std::vector<std::string> media_faults(const Json& media, const Answered& answer) {
  if (!answer.content_type.ends_with("json")) return {};
  const auto body = parse_json(answer.body);
  if (!body) return {"the body is no JSON: " + body.error().message};
  return schema_faults(media.at("schema"), *body);
}

}  // namespace

Description::Description(Json document) : document_(std::move(document)) {
  constexpr std::array<const char*, 5> kMethods{"get", "put", "post", "patch", "delete"};
  for (const auto& [path, item] : document_.at("paths").members())
    for (const char* method : kMethods)
      if (const Json* operation = item.find(method))
        operations_.push_back({operation->at("operationId").as_string(), upper(method), path,
                               operation->at("x-role").as_string(), resolved(operation->at("responses"), 0)});
}

// Replaces references, and closes every object schema that lists its properties: an unlisted one is a fault.
Json Description::resolved(const Json& value, int depth) const {
  constexpr int kMaxDepth = 40;
  if (depth > kMaxDepth) throw std::runtime_error("a $ref of the description leads to itself");
  if (value.is_array()) {
    Json::Array items;
    for (const auto& item : value.items()) items.push_back(resolved(item, depth + 1));
    return items;
  }
  if (!value.is_object()) return value;
  if (const Json* reference = value.find("$ref"); reference != nullptr && reference->is_string()) {
    const Json* target = &document_;
    for (const auto& part : segments(reference->as_string().substr(2))) {
      target = target->find(part);
      if (target == nullptr) throw std::runtime_error("no " + reference->as_string());
    }
    return resolved(*target, depth + 1);
  }
  Json result = Json::object();
  for (const auto& [key, member] : value.members()) result.set(key, resolved(member, depth + 1));
  const Json* properties = value.find("properties");
  if (properties != nullptr && value.find("type") != nullptr && value.find("additionalProperties") == nullptr)
    result.set("additionalProperties", false);
  if (result.find("format") != nullptr && result.at("type").is_array()) return null_or_formatted(result);
  return result;
}

const Operation* Description::find(const std::string& method, const std::string& path) const {
  const Operation* best = nullptr;
  for (const auto& operation : operations_) {
    if (operation.method != method || !matches(operation.path, path)) continue;
    if (best == nullptr || operation.path.find('{') == std::string::npos) best = &operation;
  }
  return best;
}

std::vector<std::string> Description::faults(const std::string& method, const std::string& path,
                                             const Answered& answer) {
  const std::string request = method + " " + path + " -> " + std::to_string(answer.status);
  const Operation* operation = find(method, path);
  if (operation == nullptr) return {request + ": the description has no such operation"};
  const std::string status = std::to_string(answer.status);
  const Json* response = operation->responses.find(status);
  if (response == nullptr && kServerStatuses.contains(answer.status))
    response = operation->responses.find("default");
  if (response == nullptr) return {request + ": " + operation->id + " declares no such status"};
  const Json* media = response->at("content").find(answer.content_type);
  if (media == nullptr) return {request + ": " + operation->id + " declares no " + answer.content_type};
  std::vector<std::string> found = media_faults(*media, answer);
  for (auto& fault : found) fault = request + " (" + operation->id + ") " + fault;
  if (found.empty()) seen_.insert(operation->id + " " + status);
  return found;
}

std::set<std::string> Description::declared() const {
  std::set<std::string> result;
  for (const auto& operation : operations_)
    for (const auto& [status, response] : operation.responses.members())
      if (status != "default") result.insert(operation.id + " " + status);
  return result;
}

}  // namespace holdfast::test
