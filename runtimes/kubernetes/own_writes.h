// What was written and an informer doesn't know yet: until it does, that is what is true.
#pragma once

#include <map>
#include <string>

#include "controller/base/clock.h"
#include "runtimes/kubernetes/informer/informer.h"

namespace holdfast::kubernetes {

// Of one kind in one namespace. Not thread-safe.
class OwnWrites {
 public:
  void wrote(const std::string& name, ObjectPtr object, MonoTime now);
  void removed(const std::string& name, std::string uid, MonoTime now);
  // The informer has told that this object is gone.
  void is_gone(const std::string& name, const ObjectPtr& object);
  // The newer of the two; null: there is none.
  ObjectPtr newest(const std::string& name, const ObjectPtr& cached, MonoTime now);
  [[nodiscard]] const auto& entries() const { return entries_; }

 private:
  struct Entry {
    ObjectPtr object{};  // null: it was removed
    std::string uid{};
    MonoTime at{};
  };
  std::map<std::string, Entry> entries_;
};

const std::string& uid_of(const Json& object);

}  // namespace holdfast::kubernetes
