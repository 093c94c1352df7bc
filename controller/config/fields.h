// Reads the members of a map one by one, and reports each fault where it was written: a wrong type or range
// with what is expected, and at the end every key that nobody asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "controller/config/faults.h"
#include "controller/config/node.h"
#include "controller/config/path.h"

namespace holdfast::config {

// What all readers of one tree share.
struct Reading {
  Faults& faults;
  bool partial = false;  // the tree is only a part (`defaults:`): nothing is missed in it
};

// Not thread-safe; borrows all it is given. A member that is absent leaves its target as it was.
class Fields {
 public:
  // Reports a node that is no map; it then reads like an empty one. Echo says whether values may be shown.
  Fields(Reading& reading, const Node& node, Path path, Faults::Echo echo = Faults::Echo::kYes);
  Fields(const Fields&) = delete;  // paths of children point here
  Fields& operator=(const Fields&) = delete;

  // Null if absent. The key counts as known from now on.
  const Node* take(std::string_view key);
  [[nodiscard]] Path at(std::string_view key) const { return {&path_, key}; }
  [[nodiscard]] const Path& path() const { return path_; }
  [[nodiscard]] const Node& node() const { return node_; }
  [[nodiscard]] Reading& reading() const { return reading_; }

  void text(std::string_view key, std::string& out);
  void non_empty_text(std::string_view key, std::string& out);
  void boolean(std::string_view key, bool& out);
  void number(std::string_view key, double& out, double least, double most);
  template <typename Integer>
  void integer(std::string_view key, Integer& out, std::int64_t least, std::int64_t most) {
    if (const Node* value = take(key)) {
      std::int64_t read = 0;
      if (read_integer(*value, at(key), read, least, most)) out = static_cast<Integer>(read);
    }
  }
  void duration(std::string_view key, Duration& out, Duration least = Duration{0});
  void bytes(std::string_view key, std::int64_t& out, std::int64_t least, std::int64_t most);
  void texts(std::string_view key, std::vector<std::string>& out);
  template <typename Value>
  void choice(std::string_view key, Value& out,
              std::initializer_list<std::pair<std::string_view, Value>> choices) {
    const Node* value = take(key);
    if (!value) return;
    std::vector<std::string_view> names;
    for (const auto& [name, meaning] : choices) {
      if (value->is_string() && value->scalar.as_string() == name) {
        out = meaning;
        return;
      }
      names.push_back(name);
    }
    not_one_of(*value, at(key), names);
  }

  void fault(const Node& node, const Path& path, std::string message) const;
  // Something that must be there isn't; silent where only a part is read.
  void missing(std::string message) const;
  // Reports unknown keys. Call last.
  void finish();

 private:
  bool read_integer(const Node& value, const Path& path, std::int64_t& out, std::int64_t least,
                    std::int64_t most) const;
  void not_one_of(const Node& value, const Path& path, const std::vector<std::string_view>& names) const;

  Reading& reading_;
  const Node& node_;
  Path path_;
  Faults::Echo echo_;
  std::vector<std::string_view> known_;
};

// "expected a string"; for numbers and booleans it tells to quote them.
std::string expected_text(const Node& node);

// Lower-case letters, digits and '-', 1 to 63, begins and ends with a letter or digit (RFC 1123).
bool is_dns_label(std::string_view text);

}  // namespace holdfast::config
