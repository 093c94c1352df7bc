// Which API server to talk to and as whom: told by kubeconfig files, or by the pod that this runs in.
// Sources: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
//          https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/clock.h"
#include "controller/base/result.h"
#include "runtimes/kubernetes/client/client.h"

namespace holdfast::kubernetes {

// PEM, or a token: as a text, or as a file that is read again when it changes. Neither: there is none.
struct Material {
  std::string text{}, path{};
  [[nodiscard]] bool given() const { return !text.empty() || !path.empty(); }
};

// A program that tells credentials.
// Source:
// https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
struct ExecPlugin {
  std::string api_version{};               // "client.authentication.k8s.io/v1", or /v1beta1
  std::vector<std::string> argv{};         // argv[0]: a path, or a name to look up in PATH
  std::vector<std::string> environment{};  // "NAME=value", beside the controller's own
  std::string install_hint{};
  bool provide_cluster_info = false;
};

// A value type. Holds secrets: never log it.
struct Access {
  std::string where{};            // for messages: "context 'lab' of /home/me/.kube/config"
  std::string server{};           // "https://10.0.0.1:6443", without a slash at the end
  std::string tls_server_name{};  // that the certificate is for, if that isn't the server's
  bool verify = true;             // the server's certificate
  std::string default_namespace = "default";
  Material ca{}, certificate{}, key{}, token{};
  std::optional<ExecPlugin> plugin{};  // for what is missing of certificate, key and token
};

using Lookup = std::function<std::optional<std::string>(const std::string& name)>;

struct AccessOptions {
  std::string kubeconfig{};  // a path; empty: see access_from()
  std::string context{};     // empty: the current one of the files
  Lookup lookup{};           // of variables; empty: in this process's environment
  std::string service_account = "/var/run/secrets/kubernetes.io/serviceaccount";
};

// In this order: the given kubeconfig; the files that KUBECONFIG names, merged as kubectl does it; the
// service account, within a pod and if no context is asked for; ~/.kube/config. Errors: kInvalid (a file
// can't be understood, a context doesn't exist, something isn't supported: auth-provider, proxy-url,
// impersonation, passwords), kNotFound (there is nothing, or a file that is named is missing), kPermission.
Result<Access> access_from(const AccessOptions& options);

// Deadlines, from the question to the end of the answer, waits that the server asked for included.
struct ClientTimeouts {
  Duration connect = std::chrono::seconds{5};
  Duration call = std::chrono::seconds{10};
  Duration list = std::chrono::seconds{30};    // all of its pages
  Duration plugin = std::chrono::seconds{30};  // of one run; not part of the others
};

// Reaches nobody yet. Speaks HTTP/1.1, and never through a proxy. The clock has to outlive the client, and
// the client its watches.
std::unique_ptr<Client> make_client(Access access, const Clock& clock, ClientTimeouts timeouts = {});

}  // namespace holdfast::kubernetes
