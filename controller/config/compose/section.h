// Reads the members of one map of a compose file, in the forms that compose allows, and says what nobody
// read.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/config/compose/compose.h"
#include "controller/config/compose/words.h"
#include "controller/config/faults.h"
#include "controller/config/node.h"

namespace holdfast::config {

// What the conversion of one file shares. Not thread-safe.
struct Compose {
  const ComposeInput& input;
  Lookup lookup{};
  Faults faults{};
  std::vector<std::string> notes{};
  std::string project{};
  const Node* volumes = nullptr;  // the file's own sections
  const Node* networks = nullptr;
  const Node* secrets = nullptr;
  std::string service{};                       // which is being converted, as in the file
  std::map<std::string, std::string> names{};  // of services: as in the file, and as Holdfast has it
  std::set<std::string> own_networks{};        // used, and made by compose until now

  void note(const std::string& path, const std::string& text) { notes.push_back(path + ": " + text); }
  void fault(const Node& node, const std::string& path, std::string message) {
    faults.add(node.mark, path, std::move(message), abridged(node));
  }
  // Against the folder of the file; ~ is the home directory.
  [[nodiscard]] std::string absolute(std::string_view path) const;
};

// A scalar as text, as compose casts it; nullopt for null, lists and maps.
std::optional<std::string> text_of(const Node& node);

struct Entry {
  std::string key{};
  std::optional<std::string> value{};  // nullopt: the key alone
  std::string path{};
  const Node* node = nullptr;
};

// Borrows all it is given.
class Section {
 public:
  Section(Compose& compose, const Node& node, std::string path);
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;

  // Null if absent or null. The key counts as read from now on.
  const Node* take(std::string_view key);
  [[nodiscard]] std::string at(std::string_view key) const;
  [[nodiscard]] Compose& compose() const { return compose_; }
  [[nodiscard]] const Node& node() const { return node_; }
  [[nodiscard]] const std::string& path() const { return path_; }

  std::optional<std::string> text(std::string_view key);
  std::optional<bool> boolean(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key);
  std::optional<std::string> duration(std::string_view key);  // "1m30s", as Holdfast writes it
  std::optional<std::int64_t> bytes(std::string_view key);
  // A list of scalars, or one of them.
  std::vector<Entry> items(std::string_view key);
  std::vector<std::string> texts(std::string_view key);
  // A list of words, or a text that is split into words; an empty list is not nullopt.
  std::optional<std::vector<std::string>> words(std::string_view key);
  // A map, or a list of texts "key<separator>value"; further separators are tried where the first isn't
  // there.
  std::vector<Entry> pairs(std::string_view key, std::string_view separators);

  void note(std::string_view key, const std::string& text) { compose_.note(at(key), text); }
  void not_carried_over(std::string_view key, const std::string& why);
  // Says of every key that nobody read that it isn't carried over.
  void finish();

 private:
  Compose& compose_;
  const Node& node_;
  std::string path_;
  std::set<std::string, std::less<>> read_;
};

}  // namespace holdfast::config
