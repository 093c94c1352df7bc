// The objects that an informer keeps, and what changes among them.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "runtimes/kubernetes/informer/informer.h"

namespace holdfast::kubernetes {

// null before: it is new; null after: it is gone.
struct Change {
  ObjectPtr before{}, after{};
};

// Not thread-safe.
class ObjectTable {
 public:
  explicit ObjectTable(std::function<void(Json&)> trim) : trim_(std::move(trim)) {}

  // What a list tells, piece by piece; nothing shows before finish_list().
  void begin_list() { fresh_.clear(); }
  void add_listed(Json object);
  std::vector<Change> finish_list();

  // What a watch tells. Empty: it is known already. An object in place of another one of its name is a loss
  // and a gain.
  std::vector<Change> put(Json object);
  std::vector<Change> erase(const Json& object);

  [[nodiscard]] ObjectPtr get(const std::string& namespace_, const std::string& name) const;
  [[nodiscard]] std::vector<ObjectPtr> all() const;
  [[nodiscard]] size_t size() const { return kept_.size(); }

 private:
  struct Entry {
    ObjectPtr object{};
    std::string uid{}, version{};
  };
  using Entries = std::unordered_map<std::string, Entry>;

  [[nodiscard]] Entry entry_of(Json object) const;
  static void replace(Entry& kept, Entry fresh, std::vector<Change>& changes);

  const std::function<void(Json&)> trim_;
  Entries kept_, fresh_;
};

std::string resource_version_of(const Json& object);

}  // namespace holdfast::kubernetes
