// Stands between a client and an API server, to do what networks and servers do on bad days, and to see what
// the client asks for.
#pragma once

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "controller/base/clock.h"
#include "controller/base/unique_fd.h"
#include "tests/support/kube_world/kube_request.h"
#include "tests/support/kube_world/kube_world.h"
#include "tests/support/support.h"

namespace holdfast::test {

// What happens to a request; in this order, and nothing unless told.
struct KubeFault {
  struct Cut {  // after so many lines of the answer's body, and so many bytes of what follows them
    size_t lines = 0, bytes = 0;
  };
  Duration delay{};                     // before the request goes on
  bool silence = false;                 // there is no answer, and the connection stays
  std::optional<std::string> answer{};  // these bytes instead of the server's answer; "": the connection ends
  std::optional<Cut> cut{};             // the connection ends
};

// Serves plain HTTP on a port of 127.0.0.1, from construction on, and speaks for a user of the cluster. Each
// connection serves one request; none can be upgraded (exec, port-forward). Thread-safe, but for open() and
// close().
class FaultProxy {
 public:
  explicit FaultProxy(const ClusterAddress& cluster, const std::string& user = "admin");
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  [[nodiscard]] std::string server() const { return "http://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string kubeconfig() const { return files_ / "kubeconfig"; }  // a file that names it

  // For the next requests that match, so many of them; a request gets the oldest fault that is left for it.
  void inject(KubeMatch match, KubeFault fault, int times = 1);
  void clear();                        // no more faults
  size_t cut(const KubeMatch& match);  // ends connections now; how many
  void freeze(KubeMatch match);        // nothing passes on such connections, old and new, and they stay open
  void thaw();
  void close();  // connections are cut, and refused from now on
  void open();   // after close(), on the same port

  [[nodiscard]] size_t count(const KubeMatch& match) const;  // requests since construction or forget()
  [[nodiscard]] std::vector<KubeRequest> requests() const;
  void forget();

 private:
  struct Connection {
    UniqueFd client;
    KubeRequest request;  // below: with the lock
    int server = -1;
    bool known = false, cut = false, ended = false;
    std::thread thread;
  };
  struct Rule {
    KubeMatch match;
    KubeFault fault;
    int times;
  };
  class Server;

  void accept_all();
  void serve(Connection& connection);
  KubeFault admit(Connection& connection, KubeRequest request);
  void forward(Connection& connection, const std::string& request, const std::optional<KubeFault::Cut>& cut);
  void pass(Connection& connection, Server& server, const std::optional<KubeFault::Cut>& cut);
  bool pause(Connection& connection, std::optional<Duration> time);  // false: it has been cut
  bool wait_while_frozen(Connection& connection);                    // the same
  size_t cut_locked(const KubeMatch& match);

  const std::string target_, token_;
  const TempDir files_;
  int port_ = 0;
  UniqueFd listener_, stop_;
  std::thread acceptor_;
  mutable std::mutex mutex_;  // of all below
  std::condition_variable changed_;
  std::list<Rule> rules_;
  KubeMatch frozen_;
  std::vector<KubeRequest> requests_;
  std::list<std::unique_ptr<Connection>> connections_;
};

}  // namespace holdfast::test
