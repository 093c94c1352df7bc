// What a service is declared to be: decoded, complete, immutable. docs/configuration.md describes every field
// for users.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controller/base/clock.h"
#include "controller/base/json.h"

namespace holdfast {

enum class Desired { kRunning, kStopped };
enum class RuntimeKind { kAuto, kProcess, kDocker, kKubernetes };
enum class RestartMode { kAlways, kOnFailure, kNever };
enum class DependencyCondition { kStarted, kHealthy, kCompleted };

std::string_view to_string(Desired value);
std::string_view to_string(RuntimeKind value);
std::string_view to_string(RestartMode value);
std::string_view to_string(DependencyCondition value);

// Where a secret's value is read at start; the value itself is in no spec, log or answer.
struct SecretRef {
  enum class Source { kFile, kEnv, kKubernetes };
  Source source = Source::kFile;
  std::string name;  // path, variable, or Secret name
  std::string key;   // Kubernetes only
  bool operator==(const SecretRef&) const = default;
};
using EnvValue = std::variant<std::string, SecretRef>;

struct Backoff {
  Duration initial{0};                      // before the first restart after a stable run
  Duration base = std::chrono::seconds{1};  // before the second
  double factor = 2;                        // each further one
  Duration max = std::chrono::seconds{60};
  double jitter = 0.1;                              // adds up to this share, 0 to 1
  Duration reset_after = std::chrono::seconds{60};  // a run this long is stable
  bool operator==(const Backoff&) const = default;
};
struct RestartPolicy {
  RestartMode mode = RestartMode::kAlways;
  Backoff backoff;
  int budget_attempts = 10;  // restarts within the window; 0: no limit
  Duration budget_window = std::chrono::minutes{10};
  bool operator==(const RestartPolicy&) const = default;
};

struct StopPolicy {
  int signal = 15;  // signal number; names are decoded without "SIG"
  Duration grace_period = std::chrono::seconds{30};
  bool operator==(const StopPolicy&) const = default;
};

struct HttpProbe {
  std::string host = "127.0.0.1";
  int port = 0;
  std::string path = "/";
  bool tls = false;
  bool operator==(const HttpProbe&) const = default;
};
struct TcpProbe {
  std::string host = "127.0.0.1";
  int port = 0;
  bool operator==(const TcpProbe&) const = default;
};
struct ExecProbe {
  std::vector<std::string> command;
  bool operator==(const ExecProbe&) const = default;
};
struct HeartbeatProbe {  // POST services/{name}/heartbeat
  Duration within = std::chrono::seconds{60};
  bool operator==(const HeartbeatProbe&) const = default;
};
struct NotifyProbe {  // sd_notify: READY=1 as startup or readiness, WATCHDOG=1 within `within` as liveness
  Duration within = std::chrono::seconds{30};
  bool operator==(const NotifyProbe&) const = default;
};
struct Probe {
  std::variant<HttpProbe, TcpProbe, ExecProbe, HeartbeatProbe, NotifyProbe> check;
  Duration initial_delay{0};
  Duration interval = std::chrono::seconds{10};
  Duration timeout = std::chrono::seconds{1};
  int success_threshold = 1;
  int failure_threshold = 3;
  bool operator==(const Probe&) const = default;
};
struct HealthSpec {
  std::optional<Probe> startup, readiness, liveness;
  bool operator==(const HealthSpec&) const = default;
};

struct Resources {
  std::optional<std::int64_t> cpu_millis;  // thousandths of one core
  std::optional<std::int64_t> memory_bytes;
  std::optional<std::int64_t> pids;
  bool operator==(const Resources&) const = default;
};

struct SqliteCollector {
  std::string path, query;  // first column: label, second: number
  bool operator==(const SqliteCollector&) const = default;
};
struct PrometheusCollector {
  std::string host = "127.0.0.1";
  int port = 0;
  std::string path = "/metrics";
  std::vector<std::string> include;  // shell patterns of metric names; empty: all
  bool operator==(const PrometheusCollector&) const = default;
};
struct CollectorSpec {
  std::variant<SqliteCollector, PrometheusCollector> source;
  Duration interval = std::chrono::seconds{10};
  bool operator==(const CollectorSpec&) const = default;
};

struct LogPolicy {
  std::int64_t max_size = 10 << 20;  // bytes per file
  int max_files = 5;                 // per stream, the current one included
  bool operator==(const LogPolicy&) const = default;
};

struct ProcessOptions {
  std::map<std::string, std::int64_t> limits;  // setrlimit names without RLIMIT_, lower case; -1: unlimited
  int nice = 0;
  bool operator==(const ProcessOptions&) const = default;
};
// The words are docker's own: what `docker run` and compose files call them.
struct DockerOptions {
  std::string image, pull_policy = "ifNotPresent";  // always | ifNotPresent | never
  std::string container;  // name of a container that exists: it is started and stopped, never made or removed
  std::string network;  // bridge | host | none | container:NAME | the name of a network; empty: the engine's
  std::vector<std::string> volumes;                    // "source:target[:options]", see model/docker_text.h
  std::vector<std::string> ports;                      // "[[ip:]host:]container[/protocol]"
  std::optional<std::vector<std::string>> entrypoint;  // nullopt: the image's; empty: none
  std::vector<std::string> cap_add, cap_drop, security_opt, group_add;
  std::vector<std::string> tmpfs;        // "target[:options]"
  std::vector<std::string> devices;      // "host[:container[:rwm]]"
  std::vector<std::string> extra_hosts;  // "name:address"
  std::string hostname;
  bool read_only = false, init = false, tty = false, privileged = false;
  std::optional<std::int64_t> shm_size;  // bytes
  bool operator==(const DockerOptions&) const = default;
};
struct KubernetesPort {
  std::string name;              // empty: there is only one
  int port = 0;                  // of the Service
  int target = 0;                // of the container
  std::string protocol = "TCP";  // TCP | UDP | SCTP
  bool operator==(const KubernetesPort&) const = default;
};
// The words are those of a Deployment.
struct KubernetesOptions {
  std::string namespace_;  // empty: the controller's own
  std::string image;
  std::string pull_policy;  // Always | IfNotPresent | Never; empty: the cluster's default
  std::string service_account;
  std::vector<KubernetesPort> ports;                       // with any, there is a Service of the same name
  std::string service_type = "ClusterIP";                  // ClusterIP | NodePort | LoadBalancer
  std::string strategy = "RollingUpdate";                  // RollingUpdate | Recreate
  std::string max_surge = "25%", max_unavailable = "25%";  // a number or a share of the replicas
  Duration progress_deadline = std::chrono::minutes{10};   // then a rollout counts as stalled
  bool adopt = false;  // takes over a Deployment or Service of that name that isn't Holdfast's
  Json pod_template;   // a PodTemplateSpec, merged below what the spec says
  bool operator==(const KubernetesOptions&) const = default;
};

struct ServiceSpec {
  std::string name;             // DNS label (RFC 1123)
  std::int64_t generation = 0;  // grows with every change of this service's config
  std::string spec_hash;        // of only what the runtime needs: a changed hash replaces the instances
  std::string declaration;      // hash of all that is declared: tells what changed while no controller ran

  Desired desired = Desired::kRunning;  // as configured; an operator's intent may override it
  RuntimeKind runtime = RuntimeKind::kAuto;
  int replicas = 1;
  std::vector<std::string> argv;  // command and args, parameters substituted
  std::map<std::string, EnvValue> env;
  std::string working_dir;  // empty: the state dir of the instance
  std::string user;         // name or uid; empty: the controller's own
  Json parameters, parameter_schema;
  RestartPolicy restart;
  StopPolicy stop;
  HealthSpec health;
  std::map<std::string, DependencyCondition> depends_on;
  Resources resources;
  std::map<std::string, CollectorSpec> collectors;
  LogPolicy logs;
  std::map<std::string, std::string> labels;
  ProcessOptions process;
  DockerOptions docker;
  KubernetesOptions kubernetes;
};
using SpecPtr = std::shared_ptr<const ServiceSpec>;

}  // namespace holdfast
