// One ConfigMap that several write: kubectl, Helm, this controller and its peers. What it holds is followed
// by a watch, and changed with optimistic concurrency. Source:
// https://kubernetes.io/docs/concepts/configuration/configmap/
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/clock.h"
#include "controller/base/result.h"
#include "runtimes/kubernetes/client/client.h"
#include "runtimes/kubernetes/informer/informer.h"

namespace holdfast::kubernetes {

// Keys that hold what the controller itself writes; none of them is a layer of configuration.
inline constexpr const char* kEditsKey = "edits.json";
inline constexpr const char* kRevisionsKey = "revisions.json";
inline constexpr const char* kIntentsKey = "intents.json";

// Thread-safe.
class SharedConfigMap {
 public:
  using Values = std::map<std::string, std::string>;
  struct Data {
    Values values{};
    std::string resource_version{};  // empty: there is no such ConfigMap
    std::string problem{};           // what of it is left out, and why
    ObjectPtr object{};              // null: there is none
  };
  using DataPtr = std::shared_ptr<const Data>;
  struct Layer {
    std::string key{}, text{};
  };

  // Begins to follow it at once. `client` and `clock` must outlive it. `sink` is called when others have
  // changed it, and when error() has changed: from any thread, also from within edit(), so it must not block
  // nor call back.
  SharedConfigMap(Client& client, const Clock& clock, std::string in_namespace, std::string name,
                  std::function<void()> sink = {});
  ~SharedConfigMap();  // not within the sink
  SharedConfigMap(const SharedConfigMap&) = delete;
  SharedConfigMap& operator=(const SharedConfigMap&) = delete;

  // Until it is known for the first time, there or not. kTimeout, or why it can't be read.
  Status wait_synced(Duration timeout) const;

  // Never null; at least as new as what edit() has returned last.
  [[nodiscard]] DataPtr data() const;
  // What is configured by it, in the order of their keys: *.yaml, *.yml and *.json but for the reserved ones.
  [[nodiscard]] std::vector<Layer> layers() const;
  // Why data() may be old; nullopt: it isn't.
  [[nodiscard]] std::optional<Error> error() const;

  // Changes the values, and gives what was written. `change` is asked again, on the newest values, when
  // somebody else was faster; its errors are passed on. A change of nothing writes nothing. What isn't there
  // is made. Blocks for the client's deadlines.
  // kConflict: somebody else was faster each time. kInvalid, terminal: more than a ConfigMap may hold;
  // nothing was sent. After kTimeout and kUnavailable it may have been written: data() will tell.
  Result<DataPtr> edit(const std::function<Status(Values& values)>& change, int attempts = 5);

  [[nodiscard]] const std::string& namespace_name() const { return namespace_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  // For messages: "ConfigMap NS/NAME", "ConfigMap NS/NAME, key KEY".
  [[nodiscard]] std::string where(std::string_view key = {}) const;

 private:
  static DataPtr data_of(ObjectPtr object);
  void informed(const ObjectPtr& before, const ObjectPtr& after);
  void state_changed();
  Status read_newest();
  DataPtr written(Json object);
  void put(DataPtr data);
  [[nodiscard]] Status check_size(const Data& base, const Values& values) const;
  Result<Json> write(const Data& base, const Values& values);

  Client& client_;
  const std::string namespace_, name_;
  const std::function<void()> sink_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  DataPtr data_ = std::make_shared<const Data>();
  // The version last written or read past the watch, until the watch has come as far: what it tells until
  // then is older.
  std::string ahead_;
  bool known_ = false;  // was in step once
  std::optional<Error> told_;
  std::unique_ptr<Informer> informer_;  // last: it calls the others
};

}  // namespace holdfast::kubernetes
