#include "runtimes/kubernetes/client/question.h"

#include <array>

#include "controller/base/text.h"

namespace holdfast::kubernetes {

namespace {

std::string_view gerund(std::string_view verb) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kForms{
      {{"get", "reading"},
       {"list", "listing"},
       {"watch", "watching"},
       {"create", "creating"},
       {"update", "updating"},
       {"patch", "patching"},
       {"delete", "deleting"}}};
  for (const auto& [plain, form] : kForms) {
    if (plain == verb) return form;
  }
  return verb;
}

// What the API server itself takes for a segment of a path.
bool is_segment(const std::string& text) {
  return !text.empty() && text != "." && text != ".." && text.find_first_of("/%") == std::string::npos;
}

}  // namespace

std::string api_version(const Resource& resource) {
  const std::string version(resource.version);
  return resource.group.empty() ? version : std::string(resource.group) + "/" + version;
}

std::string Question::kind() const {
  const std::string plural(resource.plural);
  return resource.group.empty() ? plural : plural + "." + std::string(resource.group);
}

std::string Question::what() const {
  auto out = std::string(gerund(verb)) + " ";
  if (!subresource.empty()) out += std::string(subresource) + " of ";
  out += kind();
  if (!name.empty()) out += " \"" + name + "\"";
  if (!namespace_.empty()) out += " in namespace \"" + namespace_ + "\"";
  return out;
}

Result<std::string> Question::path() const {
  std::string out = (resource.group.empty() ? "/api/" : "/apis/") + api_version(resource);
  const bool for_all = namespace_.empty() && name.empty() && (verb == "list" || verb == "watch");
  if (resource.namespaced && !for_all) {
    if (!is_segment(namespace_))
      return fail(ErrorCode::kInvalid, what() + ": that is no name of a namespace");
    out += "/namespaces/" + percent_encode(namespace_);
  }
  out += "/" + std::string(resource.plural);
  if (verb == "list" || verb == "watch" || verb == "create") return out;
  if (!is_segment(name)) return fail(ErrorCode::kInvalid, what() + ": that is no name of an object");
  out += "/" + percent_encode(name);
  if (!subresource.empty()) out += "/" + std::string(subresource);
  return out;
}

std::string query_of(const Parameters& parameters) {
  std::string out;
  for (const auto& [key, value] : parameters) {
    if (value.empty()) continue;
    out += (out.empty() ? "?" : "&") + std::string(key) + "=" + percent_encode(value);
  }
  return out;
}

Parameters parameters_of(const Selection& selection) {
  return {{"labelSelector", selection.label_selector}, {"fieldSelector", selection.field_selector}};
}

}  // namespace holdfast::kubernetes
