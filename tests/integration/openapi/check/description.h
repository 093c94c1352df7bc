// An OpenAPI 3.1 description as a judge of answers: it knows its operations, and says what is wrong with an
// answer.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/base/json.h"

namespace holdfast::test {

struct Operation {
  std::string id, method, path, role;  // "getService", "GET", "/api/v1/services/{name}", "viewer"
  Json responses;                      // by status; every $ref resolved; objects closed, see below
};

struct Answered {
  int status = 0;
  std::string content_type;  // without parameters
  std::string body;
};

class Description {
 public:
  explicit Description(Json document);

  [[nodiscard]] const std::vector<Operation>& operations() const { return operations_; }
  // The one that a request reaches; a fixed path goes before a pattern.
  [[nodiscard]] const Operation* find(const std::string& method, const std::string& path) const;

  // What is wrong with the answer to a request; empty: nothing. An undeclared route, status, content type or
  // field is a fault; so is an object schema's field that the answer lacks. `default` stands for what the
  // server itself may answer anywhere (401, 403, 413 ...), not for what a handler decides.
  std::vector<std::string> faults(const std::string& method, const std::string& path, const Answered& answer);

  // "getService 200", for each status that an operation names, without `default`.
  [[nodiscard]] std::set<std::string> declared() const;
  [[nodiscard]] const std::set<std::string>& seen() const {
    return seen_;
  }  // by faults(), where there was none

 private:
  [[nodiscard]] Json resolved(const Json& value, int depth) const;

  Json document_;
  std::vector<Operation> operations_;
  std::set<std::string> seen_;
};

}  // namespace holdfast::test
