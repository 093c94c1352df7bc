#include "runtimes/kubernetes/drift.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "runtimes/kubernetes/merge_keys.h"
#include "runtimes/kubernetes/names.h"
#include "runtimes/kubernetes/quantity.h"

namespace holdfast::kubernetes {

namespace {

constexpr size_t kLongestText = 120;  // of a value, in a sentence

// What the API server leaves out when it writes an object.
bool is_zero(const Json& value) {
  if (value.is_object()) return value.members().empty();
  if (value.is_array()) return value.items().empty();
  return value.is_null() || value == Json(0) || value == Json(false) || value == Json("");
}

std::string text_of(const Json& value) {
  if (value.is_null()) return "nothing";
  auto text = value.is_string() && !value.as_string().empty() ? value.as_string() : dump_json(value);
  if (text.size() > kLongestText) text = text.substr(0, kLongestText) + "...";
  return text;
}

class Differences {
 public:
  std::vector<Difference> run(const Json& declared, const Json& actual) {
    own_container_ = declared.at("spec").at("template").at("metadata").at("annotations").at(kContainerNote);
    compare(declared, actual, "");
    return std::move(found_);
  }

 private:
  struct Step {
    std::string element, label;
  };

  void compare(const Json& declared, const Json& actual, std::string_view field) {
    if (actual.is_null() && is_zero(declared)) return;
    if (declared.is_object() && actual.is_object()) return compare_members(declared, actual);
    if (declared.is_array() && actual.is_array()) return compare_lists(declared, actual, field);
    if (!same_value(declared, actual)) tell(declared, actual);
  }

  void compare_members(const Json& declared, const Json& actual) {
    for (const auto& [key, value] : declared.members()) {
      steps_.push_back({"f:" + key, key});
      compare(value, actual.at(key), key);
      steps_.pop_back();
    }
  }

  void compare_lists(const Json& declared, const Json& actual, std::string_view field) {
    const auto keys = merge_keys(field, declared);
    if (keys.empty()) return compare_whole(declared, actual);
    for (const auto& item : declared.items()) {
      const auto id = identity(item, keys);
      const auto& first = id.members().front().second;
      steps_.push_back(
          {"k:" + dump_json_canonical(id), first.is_string() ? first.as_string() : dump_json(first)});
      if (const Json* there = find_item(actual, id, keys))
        compare(item, *there, "");
      else
        tell(item, Json());
      steps_.pop_back();
    }
  }

  // One value, but the server adds defaults within the items.
  void compare_whole(const Json& declared, const Json& actual) {
    bool same = declared.items().size() == actual.items().size();
    for (size_t i = 0; same && i < declared.items().size(); ++i)
      same = differences(declared.items()[i], actual.items()[i]).empty();
    if (!same) tell(declared, actual);
  }

  [[nodiscard]] bool within(std::string_view field) const {
    return std::any_of(steps_.begin(), steps_.end(), [&](const Step& step) { return step.label == field; });
  }

  [[nodiscard]] bool same_value(const Json& declared, const Json& actual) const {
    if (within("resources") || within("sizeLimit")) return same_quantity(declared, actual);
    if (declared.is_string() != actual.is_string() && (declared.is_number() || actual.is_number()))
      return text_of(declared) == text_of(actual);  // fields that take a number or a text
    return declared == actual;
  }

  void tell(const Json& declared, const Json& actual) {
    Difference difference;
    for (const auto& step : steps_) difference.path.push_back(step.element);
    const auto env =
        std::find_if(steps_.begin(), steps_.end(), [](const Step& step) { return step.element == "f:env"; });
    difference.field = name_of_place();
    if (env == steps_.end()) {
      difference.declared = text_of(declared);
      difference.actual = text_of(actual);
    } else if (env + 1 != steps_.end()) {
      difference.field = "env " + (env + 1)->label;
    }
    found_.push_back(std::move(difference));
  }

  // Without what leads to any field of a Deployment: "template.spec.containers.web.image" is "image".
  [[nodiscard]] std::string name_of_place() const {
    size_t at = 0;
    static constexpr std::array<std::string_view, 4> kPod{"f:spec", "f:template", "f:spec", "f:containers"};
    while (at < kPod.size() && at + 1 < steps_.size() && steps_[at].element == kPod[at]) ++at;
    if (at == kPod.size() && at + 1 < steps_.size() && own_container_ == Json(steps_[at].label)) ++at;
    std::string name;
    for (; at < steps_.size(); ++at) name += (name.empty() ? "" : ".") + steps_[at].label;
    return name;
  }

  Json own_container_;
  std::vector<Step> steps_;
  std::vector<Difference> found_;
};

bool owns(const Json& fields, const std::vector<std::string>& path) {
  const Json* at = &fields;
  for (const auto& element : path) {
    const Json* next = at->find(element);
    if (next == nullptr) return at != &fields && at->members().empty();  // the whole of it is set as one
    at = next;
  }
  return true;
}

}  // namespace

std::vector<Difference> differences(const Json& declared, const Json& actual) {
  return Differences().run(declared, actual);
}

std::string sentence(const Difference& difference, const std::string& manager) {
  std::string text = difference.field;
  if (difference.declared.empty() && difference.actual.empty())
    text += ": the declared value is not in force";
  else
    text += ": " + difference.declared + " is declared, " + difference.actual + " is in force";
  return manager.empty() ? text : text + " (by " + manager + ")";
}

Json foreign_fields(const Json& managed_fields) {
  auto out = Json::array();
  for (const auto& entry : managed_fields.items()) {
    if (entry.at("manager").as_string() == kManager || entry.at("subresource").as_string() == "status")
      continue;
    auto fields = entry.at("fieldsV1");
    fields.erase("f:status");
    if (fields.members().empty()) continue;
    out.push_back(Json::object(
        {{"manager", entry.at("manager")}, {"time", entry.at("time")}, {"fieldsV1", std::move(fields)}}));
  }
  return out.items().empty() ? Json() : out;
}

std::string manager_of(const Difference& difference, const Json& foreign) {
  std::string manager, newest;
  for (const auto& entry : foreign.items()) {
    if (!owns(entry.at("fieldsV1"), difference.path)) continue;
    const auto& time = entry.at("time").as_string();  // RFC 3339 in UTC and seconds: they sort as text
    if (!manager.empty() && time < newest) continue;
    newest = time;
    manager = entry.at("manager").as_string();
  }
  return manager;
}

}  // namespace holdfast::kubernetes
