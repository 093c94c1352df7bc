// Leadership by a Lease (coordination.k8s.io/v1). What decides is election.h; this asks the API server.
//
// The Lease's annotation holdfast.dev/address has the address of the holder's API.
// Source: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>

#include "controller/base/clock.h"
#include "controller/base/result.h"
#include "controller/model/leadership.h"
#include "runtimes/kubernetes/client/client.h"
#include "runtimes/kubernetes/inside/election.h"

namespace holdfast::kubernetes {

// Thread-safe.
class LeaseElector final : public Leadership {
 public:
  // `client` and `clock` must outlive it. Give it a client of its own, with a deadline for calls of half the
  // renew deadline: then one call that hangs costs one attempt and not the lease. `times` are good ones, see
  // check().
  LeaseElector(Client& client, const Clock& clock, std::string in_namespace, const Candidate& candidate,
               ElectionTimes times = {});
  // Gives nothing back: others take over when the lease expires.
  ~LeaseElector() override;
  LeaseElector(const LeaseElector&) = delete;
  LeaseElector& operator=(const LeaseElector&) = delete;

  void on_change(std::function<void()> sink) override;  // before start()
  void start();

  [[nodiscard]] bool leads() const override;
  [[nodiscard]] Leader leader() const override;
  // Why the last attempt failed; nullopt: it didn't.
  [[nodiscard]] std::optional<Error> error() const;

  // Leads no longer, stands no more, and lets the next one begin at once: call it when nothing acts any more.
  // Blocks for two calls of the client's. After an error the lease expires by itself. Not from within the
  // sink.
  Status resign();

  // One attempt, as the thread of start() makes them; the time until the next. For tests, without start().
  Duration step();

 private:
  struct Known {
    bool leads = false;
    std::string identity{}, address{};
    bool operator==(const Known&) const = default;
  };
  void run(const std::stop_token& stop);
  Status read();
  Status write(const Election::Write& write);
  // Whether another round can help at once: somebody else was faster.
  bool attempt();
  void note(std::optional<Error> error);
  void tell();

  Client& client_;
  const Clock& clock_;
  const std::string namespace_, name_;
  std::function<void()> sink_;
  mutable std::mutex mutex_;
  Election election_;
  std::optional<Error> error_;
  Known told_;
  std::minstd_rand random_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace holdfast::kubernetes
