// A service's typed parameters: checked against its schema, and put into strings where ${name} stands.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "controller/config/fields.h"
#include "controller/config/node.h"

namespace holdfast::config {

// Adds the schema's top-level defaults to the parameters that have no value.
void fill_parameter_defaults(Node& service);

// Reports every parameter that doesn't fit the schema, at the parameter; and a schema that is none.
void check_parameters(Reading& reading, const Node* schema, const Node* parameters, const Path& service);

// Not thread-safe; borrows the service. Values are put in once, after the document was parsed: what they hold
// is never parsed, neither as YAML nor for further ${}.
class Substitution {
 public:
  Substitution(Reading& reading, const Node* schema, const Node* parameters);

  // "$${" becomes "${", a lone "$" stays. Faults are reported at `text`, of which an unknown name is one.
  std::string apply(const Node& text, const Path& path, Faults::Echo echo = Faults::Echo::kYes);
  // As apply, for a value that needn't be a string or a list of strings: reports what is none.
  std::string apply_text(const Node& node, const Path& path, Faults::Echo echo = Faults::Echo::kYes);
  std::vector<std::string> apply_list(const Node& node, const Path& path);
  // A boolean parameter's value, for {when: name}.
  bool flag(const Node& name, const Path& path);

 private:
  void append_parameter(std::string& out, std::string_view name, const Node& text, const Path& path,
                        Faults::Echo echo);
  [[nodiscard]] std::string unknown(std::string_view name) const;
  [[nodiscard]] bool declared(std::string_view name) const;

  Reading& reading_;
  std::unordered_map<std::string_view, const Node*> values_;
  const Node* properties_ = nullptr;
  size_t written_ = 0;
};

}  // namespace holdfast::config
