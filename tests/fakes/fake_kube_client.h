// A Kubernetes API server in memory, behind the client's contract: resource versions, watches that go on from
// one, and faults on demand. It knows no controllers, defaults or validation, and applies as it merges.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "runtimes/kubernetes/client/client.h"

namespace holdfast::test {

// Thread-safe. Handlers of watches run on a thread of its own; it must outlive its watches.
class FakeKube final : public kubernetes::Client {
 public:
  using Resource = kubernetes::Resource;

  FakeKube();
  ~FakeKube() override;

  // What others do. Of an object put again the uid stays, and the generation if the spec does.
  Json put(const Resource& resource, Json object);
  void erase(const Resource& resource, const std::string& namespace_, const std::string& name);
  void set_logs(const std::string& namespace_, const std::string& pod, const std::string& text);
  void bookmark();  // tells all watches the newest version
  void compact();   // versions before the newest are gone: watches from there end with 410

  // Faults. Verbs are those of roles: "get", "list", "watch", "create", "update", "patch", "delete". An
  // empty plural: of any resource.
  void fail_next(const std::string& verb, const std::string& plural, Error error, int times = 1,
                 long status = 0);
  void set_unreachable(bool unreachable);  // calls fail, watches end with kUnavailable
  void end_watches(const std::optional<Error>& error = {}, long status = 200);
  void set_silent(bool silent);  // open watches and new ones tell nothing any more
  void set_barren(bool barren);  // watches end at once, without an event
  void hold_lists(bool hold);    // lists don't end before this is taken back, or they are stopped
  void interrupt_next_list();    // after its first half, as by an expired continue token

  [[nodiscard]] size_t open_watches() const;
  [[nodiscard]] std::vector<std::string> calls() const;  // "create pods default/web-1", in order
  [[nodiscard]] size_t count(const std::string& call_prefix) const;
  void settle();  // all that is to be told by now has been told

  [[nodiscard]] const std::string& default_namespace() const override { return default_namespace_; }
  [[nodiscard]] const std::string& server() const override { return server_; }
  Result<std::string> version(Duration timeout) override;
  Result<std::optional<Json>> get(const Resource& resource, const std::string& namespace_,
                                  const std::string& name) override;
  Result<std::string> list(const Resource& resource, const kubernetes::Selection& selection,
                           const std::function<void(Json object)>& each, const std::function<void()>& restart,
                           const std::stop_token& stop) override;
  std::unique_ptr<kubernetes::Watch> watch(const Resource& resource, const kubernetes::Selection& selection,
                                           const std::string& resource_version, Duration timeout,
                                           kubernetes::WatchHandlers handlers) override;
  Result<Json> create(const Resource& resource, const std::string& namespace_, const Json& object) override;
  Result<Json> update(const Resource& resource, const std::string& namespace_, const Json& object) override;
  Result<Json> apply(const Resource& resource, const std::string& namespace_, const Json& object,
                     const kubernetes::ApplyOptions& options) override;
  Result<Json> patch(const Resource& resource, const std::string& namespace_, const std::string& name,
                     const Json& patch) override;
  Status remove(const Resource& resource, const std::string& namespace_, const std::string& name,
                const kubernetes::DeleteOptions& options) override;
  Result<std::string> logs(const std::string& namespace_, const std::string& pod,
                           const kubernetes::LogOptions& options) override;

 private:
  struct WatchState;
  class OpenWatch;
  struct Record {
    std::int64_t version = 0;
    std::string kind{};  // plural.group
    Json before{}, after{};
  };
  struct Planned {
    std::string verb{}, plural{};
    Error error{};
    int times = 0;
    long status = 0;
  };
  using Objects = std::map<std::pair<std::string, std::string>, Json>;  // by kind, and namespace/name

  // All under the mutex.
  Json store(const Resource& resource, const std::string& namespace_, Json object);
  void drop(const Objects::iterator& at);
  void record(Record record);
  void tell(const std::shared_ptr<WatchState>& watch, const Record& record);
  void post(const std::shared_ptr<WatchState>& watch,
            std::function<void(const kubernetes::WatchHandlers&)> what);
  void end(const std::shared_ptr<WatchState>& watch, std::optional<Error> error, long status);
  std::optional<std::pair<Error, long>> fault(const std::string& verb, const Resource& resource,
                                              const std::string& namespace_, const std::string& name);
  Result<Json> change(const Resource& resource, const std::string& namespace_, const std::string& name,
                      const std::function<Json(const Json& old)>& changed);

  void deliver(const std::stop_token& stop);

  const std::string default_namespace_ = "default", server_ = "https://fake:6443";
  mutable std::mutex mutex_;
  std::condition_variable_any news_;
  Objects objects_;
  std::vector<Record> records_;
  std::int64_t version_ = 100, oldest_ = 0, uids_ = 0;
  std::vector<std::shared_ptr<WatchState>> watches_;
  std::deque<std::function<void()>> to_tell_;
  bool telling_ = false, unreachable_ = false, silent_ = false, barren_ = false, held_ = false,
       interrupt_ = false;
  std::vector<Planned> planned_;
  std::vector<std::string> calls_;
  std::map<std::string, std::string> logs_;
  std::jthread thread_;  // ends first
};

}  // namespace holdfast::test
