#include "runtimes/kubernetes/client/failure.h"

#include <optional>
#include <utility>

namespace holdfast::kubernetes {

namespace {

constexpr size_t kMostWords = 1024;

// One line, without what a terminal would take for commands.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kMostWords)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7f ? ' ' : c;
  }
  while (!out.empty() && (out.back() == ' ' || out.back() == '.')) out.pop_back();
  return out;
}

std::string quoted(const std::string& text) {
  return "\"" + text + "\"";
}

// What stands between `before` and the next quote.
std::optional<std::string> between(const std::string& text, const std::string& before, char end) {
  const auto begin = text.find(before);
  if (begin == std::string::npos) return std::nullopt;
  const auto from = begin + before.size();
  const auto to = text.find(end, from);
  if (to == std::string::npos) return std::nullopt;
  return text.substr(from, to - from);
}

// `... is forbidden: User "u" cannot patch resource "deployments" in API group "apps" in the namespace "n"`:
// the server knows better than we do, as an apply may need to create.
struct MissingRule {
  std::string verb{}, resource{}, group{};
  std::optional<std::string> namespace_{};
  std::string user{};
};
std::optional<MissingRule> missing_rule(const std::string& words) {
  const auto verb = between(words, "\" cannot ", ' ');
  const auto resource = between(words, " resource \"", '"');
  if (!verb || !resource) return std::nullopt;
  return MissingRule{*verb, *resource, between(words, "API group \"", '"').value_or(""),
                     between(words, "in the namespace \"", '"'), between(words, "User \"", '"').value_or("")};
}

Error not_allowed(const MissingRule& rule) {
  const auto kind = rule.group.empty() ? rule.resource : rule.resource + "." + rule.group;
  Error error{ErrorCode::kPermission, {}, {}};
  error.message = "not allowed to " + rule.verb + " " + kind;
  error.message += rule.namespace_ ? " in namespace " + quoted(*rule.namespace_) : " in the whole cluster";
  if (!rule.user.empty()) error.message += " as " + rule.user;
  error.hint = std::string("add to a ") + (rule.namespace_ ? "Role" : "ClusterRole") + ": {apiGroups: [" +
               quoted(rule.group) + "], resources: [" + quoted(rule.resource) + "], verbs: [" +
               quoted(rule.verb) + "]}";
  return error;
}

bool has_cause(const Json& status, std::string_view reason) {
  for (const auto& cause : status.at("details").at("causes").items()) {
    if (cause.at("reason").as_string() == reason) return true;
  }
  return false;
}

Error forbidden(const Question& question, const Json& status, const std::string& words) {
  const auto& name = question.namespace_;
  // An older server gives no cause.
  if (has_cause(status, "NamespaceTerminating") ||
      words.find("because it is being terminated") != std::string::npos) {
    return {ErrorCode::kConflict, question.what() + ": namespace " + quoted(name) + " is being deleted",
            "Wait until it is gone and create it again, or use another one"};
  }
  if (const auto rule = missing_rule(words)) return not_allowed(*rule);
  // It says nothing more when a change would have to create its object.
  if (words.ends_with("is forbidden:"))
    return not_allowed({"create",
                        std::string(question.resource.plural),
                        std::string(question.resource.group),
                        name.empty() ? std::nullopt : std::optional(name),
                        {}});
  return {ErrorCode::kPermission, question.what() + ": " + words, {}};
}

Error not_found(const Question& question, const Json& status, const std::string& words) {
  const auto& details = status.at("details");
  if (details.at("kind").as_string() == "namespaces" && question.resource.plural != kNamespaces.plural) {
    const auto& name = details.at("name").as_string();
    return {ErrorCode::kNotFound, question.what() + ": namespace " + quoted(name) + " doesn't exist",
            "Create it: kubectl create namespace " + name};
  }
  if (details.at("name").as_string().empty()) {
    return {ErrorCode::kNotFound,
            question.what() + ": the server doesn't know " + question.kind() + " of " +
                api_version(question.resource) + " (" + words + ")",
            {}};
  }
  return {ErrorCode::kNotFound, question.what() + ": " + words, {}};
}

// Fields that somebody else has set, or values that can't be.
std::vector<ErrorDetail> causes_of(const Json& status) {
  std::vector<ErrorDetail> out;
  for (const auto& cause : status.at("details").at("causes").items())
    out.push_back({one_line(cause.at("field").as_string()), one_line(cause.at("message").as_string()), {}});
  return out;
}

Error conflict(const Question& question, const Json& status, const std::string& words) {
  Error error{ErrorCode::kConflict, {}, {}};
  if (!has_cause(status, "FieldManagerConflict")) {
    error.message = question.what() + ": " + words;
    return error;
  }
  error.details = causes_of(status);
  error.message = question.what() + ": others have set ";
  for (size_t i = 0; i < error.details.size(); ++i) {
    const auto& detail = error.details[i];
    const auto manager = between(detail.message, "conflict with \"", '"').value_or(detail.message);
    error.message += (i == 0 ? "" : ", ") + detail.path + " (" + manager + ")";
  }
  error.hint = "Take the fields over with force, or leave them out";
  return error;
}

Error unauthorized(const Question& question, const std::string& words) {
  return {ErrorCode::kPermission,
          question.what() + ": the server doesn't accept the credentials (" + words + ")",
          "Have they expired? Renew the token or certificate"};
}

ErrorCode plain_code(long status) {
  switch (status) {
    case 400:
    case 413:
    case 422:
      return ErrorCode::kInvalid;
    case 504:
      return ErrorCode::kTimeout;
    case 410:
    case 429:
    case 500:
    case 502:
    case 503:
      return ErrorCode::kUnavailable;
    default:
      return ErrorCode::kInternal;
  }
}

Error refusal_of(const Question& question, long status, const Json& body, const std::string& words) {
  switch (status) {
    case 401:
      return unauthorized(question, words);
    case 403:
      return forbidden(question, body, words);
    case 404:
      return not_found(question, body, words);
    case 409:
      return conflict(question, body, words);
    default:
      break;
  }
  Error error{plain_code(status), question.what() + ": " + words, {}};
  if (status == 422) error.details = causes_of(body);
  return error;
}

}  // namespace

Error refusal_of_status(const Question& question, long status, const Json& body) {
  auto words = one_line(body.at("message").as_string());
  if (words.empty()) words = "status " + std::to_string(status);
  return refusal_of(question, status, body, words);
}

Error refusal(const Question& question, long status, std::string_view body) {
  if (const auto json = parse_json(body); json && json->is_object())
    return refusal_of_status(question, status, *json);
  const auto words = "status " + std::to_string(status);
  const auto line = one_line(body);
  return refusal_of(question, status, Json(), line.empty() ? words : words + ", " + line);
}

bool is_absent(const Question& question, std::string_view body) {
  const auto json = parse_json(body);
  if (!json || json->at("reason").as_string() != "NotFound") return false;
  return json->at("details").at("name").as_string() == question.name &&
         json->at("details").at("kind").as_string() == question.resource.plural;
}

Error silence(const Access& access, const http_client::Fault& fault) {
  auto error = http_client::plain_words(fault, "the API server at " + access.server);
  if (fault.kind != http_client::Fault::Kind::kUnreachable) return error;
  error.hint = fault.detail.find("certificate") != std::string::npos
                   ? "Does the certificate authority of " + access.where + " fit the server?"
                   : "Is the cluster up, and is its address right in " + access.where + "?";
  return error;
}

}  // namespace holdfast::kubernetes
