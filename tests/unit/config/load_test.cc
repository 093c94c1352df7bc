#include "controller/config/config.h"
#include "tests/unit/config/common.h"

namespace holdfast::config {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Argv = std::vector<std::string>;

// The example of docs/configuration.md.
constexpr std::string_view kFull = R"(apiVersion: holdfast/v1
streaming: {service: converter}
defaults: {restart: {policy: always}}
services:
  database:
    command: [postgres]
  converter:
    desired: stopped
    runtime: process
    replicas: 2
    command: [streaming-converter]
    args:
      - "--input-dir"
      - "${input_dir}"
      - {when: monitoring, args: ["--monitoring"]}
    env:
      OMP_NUM_THREADS: "4"
      DB_PASSWORD: {secret: {file: /run/secrets/db}}
      API_KEY: {secret: {kubernetes: {name: keys, key: api}}}
    workingDir: /data
    user: observer
    parameters: {input_dir: /data/incoming, monitoring: true, max_workers: 4, queue_db: state/q.sqlite3}
    parameterSchema:
      required: [input_dir]
      properties: {max_workers: {type: integer, minimum: 1, maximum: 32, title: Max workers}}
    restart:
      policy: on-failure
      backoff: {initial: 10ms, base: 2s, factor: 3, max: 90s, jitter: 0.2, resetAfter: 2m}
      budget: {attempts: 7, window: 15m}
    stop: {signal: INT, gracePeriod: 45s}
    health:
      startup:   {http: {port: 8080, path: /healthz}, interval: 1s, failureThreshold: 30}
      readiness: {tcp: {port: 8080}, interval: 5s, timeout: 2s, successThreshold: 2, failureThreshold: 4}
      liveness:  {heartbeat: {within: 90s}}
    dependsOn: {database: healthy}
    resources: {cpu: "2", memory: 4Gi, pids: 512}
    collectors:
      queue:
        sqlite: {path: "${queue_db}", query: "SELECT state, COUNT(*) FROM ingest_queue GROUP BY state"}
      app: {prometheus: {port: 9100, path: /m, include: ["converter_*"]}, interval: 30s}
    logs: {maxSize: 20Mi, maxFiles: 9}
    labels: {team: pipeline}
    process: {limits: {nofile: 65536, core: unlimited}, nice: 5}
    docker:
      image: "dsa110/converter:1.4"
      pullPolicy: always
      container: contimg-stream
      entrypoint: [tini, --]
      volumes: ["/data:/data"]
      ports: ["8080:80"]
      network: host
      tmpfs: ["/run:size=1m"]
      devices: [/dev/fuse]
      extraHosts: ["db:10.0.0.5"]
      hostname: box
      capAdd: [NET_ADMIN]
      capDrop: [ALL]
      securityOpt: [no-new-privileges]
      groupAdd: [video, 44]
      readOnly: true
      init: true
      tty: true
      privileged: true
      shmSize: 64Mi
    kubernetes:
      namespace: pipeline
      image: dsa110/converter:1.4
      pullPolicy: never
      serviceAccount: converter
      ports: [{name: http, port: 80, targetPort: 8080}, {name: dns, port: 53, protocol: UDP}]
      serviceType: NodePort
      strategy: Recreate
      maxSurge: 1
      maxUnavailable: 50%
      progressDeadline: 90s
      adopt: true
      podTemplate: {}
controller:
  listen: "[::1]:8010"
  metrics: {listen: 127.0.0.1:9000, public: true}
  tls: {certFile: /c, keyFile: /k}
  auth: {tokensFile: /t, kubernetes: true}
  allowedHosts: [holdfast.example]
  resync: 20s
  workers: 8
  allowEmpty: true
  leaderElection: {enabled: true, namespace: ops, name: holdfast-a, leaseDuration: 30s, renewDeadline: 20s,
                   retryPeriod: 4s}
)";

void expect_docker(const DockerOptions& docker) {
  DockerOptions expected;
  expected.image = "dsa110/converter:1.4";
  expected.pull_policy = "always";
  expected.container = "contimg-stream";
  expected.entrypoint = {"tini", "--"};
  expected.volumes = {"/data:/data"};
  expected.ports = {"8080:80"};
  expected.network = "host";
  expected.tmpfs = {"/run:size=1m"};
  expected.devices = {"/dev/fuse"};
  expected.extra_hosts = {"db:10.0.0.5"};
  expected.hostname = "box";
  expected.cap_add = {"NET_ADMIN"};
  expected.cap_drop = {"ALL"};
  expected.security_opt = {"no-new-privileges"};
  expected.group_add = {"video", "44"};
  expected.read_only = expected.init = expected.tty = expected.privileged = true;
  expected.shm_size = 64 << 20;
  EXPECT_EQ(docker, expected);
}

TEST(Load, DecodesEveryField) {
  const auto loaded = load({yaml(std::string(kFull))});
  ASSERT_TRUE(loaded.document) << text_of(loaded);
  const auto& spec = *loaded.document->services.at("converter");
  EXPECT_EQ(spec.name, "converter");
  EXPECT_EQ(spec.generation, 1);
  EXPECT_EQ(spec.spec_hash.size(), 32u);
  EXPECT_EQ(spec.desired, Desired::kStopped);
  EXPECT_EQ(spec.runtime, RuntimeKind::kProcess);
  EXPECT_EQ(spec.replicas, 2);
  EXPECT_EQ(spec.argv, (Argv{"streaming-converter", "--input-dir", "/data/incoming", "--monitoring"}));
  EXPECT_EQ(spec.env.at("OMP_NUM_THREADS"), EnvValue("4"));
  EXPECT_EQ(spec.env.at("DB_PASSWORD"), EnvValue(SecretRef{SecretRef::Source::kFile, "/run/secrets/db", {}}));
  EXPECT_EQ(spec.env.at("API_KEY"), EnvValue(SecretRef{SecretRef::Source::kKubernetes, "keys", "api"}));
  EXPECT_EQ(spec.working_dir, "/data");
  EXPECT_EQ(spec.user, "observer");
  EXPECT_EQ(spec.parameters.at("max_workers").as_int(), 4);
  EXPECT_EQ(spec.restart, (RestartPolicy{RestartMode::kOnFailure,
                                         {milliseconds{10}, seconds{2}, 3, seconds{90}, 0.2, minutes{2}},
                                         7,
                                         minutes{15}}));
  EXPECT_EQ(spec.stop, (StopPolicy{2, seconds{45}}));
  EXPECT_EQ(spec.health.startup,
            (Probe{HttpProbe{"127.0.0.1", 8080, "/healthz", false}, {}, seconds{1}, seconds{1}, 1, 30}));
  EXPECT_EQ(spec.health.readiness, (Probe{TcpProbe{"127.0.0.1", 8080}, {}, seconds{5}, seconds{2}, 2, 4}));
  EXPECT_EQ(spec.health.liveness, (Probe{HeartbeatProbe{seconds{90}}, {}, seconds{10}, seconds{1}, 1, 3}));
  EXPECT_EQ(spec.depends_on.at("database"), DependencyCondition::kHealthy);
  EXPECT_EQ(spec.resources, (Resources{2000, std::int64_t{4} << 30, 512}));
  EXPECT_EQ(std::get<SqliteCollector>(spec.collectors.at("queue").source).path, "state/q.sqlite3");
  EXPECT_EQ(spec.collectors.at("app"),
            (CollectorSpec{PrometheusCollector{"127.0.0.1", 9100, "/m", {"converter_*"}}, seconds{30}}));
  EXPECT_EQ(spec.logs, (LogPolicy{20 << 20, 9}));
  EXPECT_EQ(spec.labels.at("team"), "pipeline");
  EXPECT_EQ(spec.process, (ProcessOptions{{{"nofile", 65536}, {"core", -1}}, 5}));
  expect_docker(spec.docker);
  EXPECT_EQ(spec.kubernetes, (KubernetesOptions{.namespace_ = "pipeline",
                                                .image = "dsa110/converter:1.4",
                                                .pull_policy = "Never",
                                                .service_account = "converter",
                                                .ports = {{"http", 80, 8080, "TCP"}, {"dns", 53, 53, "UDP"}},
                                                .service_type = "NodePort",
                                                .strategy = "Recreate",
                                                .max_surge = "1",
                                                .max_unavailable = "50%",
                                                .progress_deadline = seconds{90},
                                                .adopt = true,
                                                .pod_template = Json::object()}));

  EXPECT_EQ(loaded.document->streaming_service, "converter");
  const auto& controller = loaded.document->controller;
  EXPECT_EQ(controller.listen, "[::1]:8010");
  EXPECT_EQ(controller.metrics_listen, "127.0.0.1:9000");
  EXPECT_EQ(controller.tls_cert_file, "/c");
  EXPECT_EQ(controller.tls_key_file, "/k");
  EXPECT_EQ(controller.auth_tokens_file, "/t");
  EXPECT_TRUE(controller.auth_kubernetes);
  EXPECT_THAT(controller.allowed_hosts, ElementsAre("holdfast.example"));
  EXPECT_EQ(controller.resync, seconds{20});
  EXPECT_EQ(controller.workers, 8);
  EXPECT_TRUE(controller.allow_empty);
  EXPECT_TRUE(controller.metrics_public);
  EXPECT_EQ(controller.leader_election,
            (LeaderElection{true, "ops", "holdfast-a", seconds{30}, seconds{20}, seconds{4}}));
}

TEST(Load, JsonAndYamlGiveTheSame) {
  const auto from_yaml = load({yaml(std::string(kFull))});
  ASSERT_TRUE(from_yaml.document);
  const auto again = load({json(dump_json_pretty(from_yaml.document->layers.at(0)))});
  ASSERT_TRUE(again.document) << text_of(again);
  EXPECT_EQ(again.document->merged, from_yaml.document->merged);
  EXPECT_EQ(again.document->services.at("converter")->spec_hash,
            from_yaml.document->services.at("converter")->spec_hash);
}

// What is written out as default is what the values begin with.
TEST(Load, DefaultsAreThoseOfTheModel) {
  const auto loaded = load({yaml("services: {web: {command: [x]}}")});
  ASSERT_TRUE(loaded.document) << text_of(loaded);
  const auto& spec = *loaded.document->services.at("web");
  EXPECT_EQ(spec.restart, RestartPolicy{});
  EXPECT_EQ(spec.stop, StopPolicy{});
  EXPECT_EQ(spec.logs, LogPolicy{});
  EXPECT_EQ(spec.replicas, ServiceSpec{}.replicas);
  EXPECT_EQ(spec.desired, ServiceSpec{}.desired);
  EXPECT_EQ(spec.runtime, ServiceSpec{}.runtime);
  const ControllerSettings& controller = loaded.document->controller;
  EXPECT_EQ(controller.listen, ControllerSettings{}.listen);
  EXPECT_EQ(controller.metrics_listen, ControllerSettings{}.metrics_listen);
  EXPECT_EQ(controller.resync, ControllerSettings{}.resync);
  EXPECT_EQ(controller.workers, ControllerSettings{}.workers);
  EXPECT_EQ(controller.allow_empty, ControllerSettings{}.allow_empty);
  EXPECT_EQ(controller.metrics_public, ControllerSettings{}.metrics_public);
  EXPECT_EQ(controller.leader_election, LeaderElection{});
  EXPECT_EQ(loaded.document->streaming_service, Document{}.streaming_service);

  const auto probes =
      web("{command: [x], health: {startup: {http: {port: 1}}, readiness: {tcp: {port: 1}}, liveness: "
          "{notify: {}}},"
          " collectors: {a: {prometheus: {port: 1}}}}");
  HttpProbe http;
  http.port = 1;
  TcpProbe tcp;
  tcp.port = 1;
  PrometheusCollector prometheus;
  prometheus.port = 1;
  EXPECT_EQ(probes->health.startup, Probe{http});
  EXPECT_EQ(probes->health.readiness, Probe{tcp});
  EXPECT_EQ(probes->health.liveness, Probe{NotifyProbe{}});
  EXPECT_EQ(probes->collectors.at("a"), CollectorSpec{prometheus});
  const auto beat = web("{command: [x], health: {liveness: {heartbeat: {}}}}");
  EXPECT_EQ(beat->health.liveness, Probe{HeartbeatProbe{}});
}

TEST(Load, LaterLayersWinAndOriginsTellWhere) {
  const auto loaded =
      load({yaml("services:\n  web:\n    command: [x]\n    replicas: 1\n    env: {A: a, B: b}\n"),
            yaml("services: {web: {replicas: 2, env: {B: null}}}", "overlay"),
            json("{\"services\":\n {\"web\": {\"env\": {\"C\": \"c\"}}}}", "edits")});
  ASSERT_TRUE(loaded.document) << text_of(loaded);
  const auto& spec = *loaded.document->services.at("web");
  EXPECT_EQ(spec.replicas, 2);
  EXPECT_EQ(spec.env, (std::map<std::string, EnvValue>{{"A", "a"}, {"C", "c"}}));
  const auto& origins = loaded.document->origins;
  EXPECT_EQ(origins.at("/services/web/command/0"), (Origin{"base", "base.yaml", 3, 15}));
  EXPECT_EQ(origins.at("/services/web/replicas"), (Origin{"overlay", "overlay.yaml", 1, 28}));
  EXPECT_EQ(origins.at("/services/web/env/A"), (Origin{"base", "base.yaml", 5, 14}));
  EXPECT_EQ(origins.at("/services/web/env/C"), (Origin{"edits", "edits.json", 2, 24}));
  EXPECT_EQ(origins.at("/services/web/restart/policy"), (Origin{"defaults", "", 0, 0}));
  EXPECT_EQ(origins.at("/controller/listen"), (Origin{"defaults", "", 0, 0}));
  EXPECT_FALSE(origins.contains("/services/web/env/B"));
  EXPECT_EQ(loaded.document->layers.size(), 3u);
  EXPECT_EQ(dump_json(loaded.document->layers[1]), R"({"services":{"web":{"replicas":2,"env":{"B":null}}}})");
}

TEST(Load, DefaultsLieUnderEveryServiceAndNullTakesThemAway) {
  const auto loaded = load(
      {yaml("defaults:\n  env: {TZ: UTC}\n  health: {liveness: {notify: {}}}\n  restart: {policy: never}\n"
            "services:\n  a: {command: [x]}\n  b: {command: [x], env: {TZ: null, B: b}, health: null}\n"),
       yaml("services: {b: {restart: {policy: always}}}", "overlay")});
  ASSERT_TRUE(loaded.document) << text_of(loaded);
  const auto& a = *loaded.document->services.at("a");
  const auto& b = *loaded.document->services.at("b");
  EXPECT_EQ(a.env, (std::map<std::string, EnvValue>{{"TZ", "UTC"}}));
  EXPECT_TRUE(a.health.liveness);
  EXPECT_EQ(a.restart.mode, RestartMode::kNever);
  EXPECT_EQ(b.env, (std::map<std::string, EnvValue>{{"B", "b"}}));
  EXPECT_FALSE(b.health.liveness);
  EXPECT_EQ(b.restart.mode, RestartMode::kAlways);
  EXPECT_EQ(loaded.document->origins.at("/services/a/env/TZ"), (Origin{"base", "base.yaml", 2, 13}));
}

TEST(Load, NullDeletesAServiceAndALaterLayerMayDeclareItAnew) {
  const std::string two = "services: {web: {command: [x], env: {A: a}}, other: {command: [x]}}";
  const auto gone = load({yaml(two), yaml("services: {web: null}", "edits")});
  ASSERT_TRUE(gone.document) << text_of(gone);
  EXPECT_FALSE(gone.document->services.contains("web"));
  EXPECT_EQ(gone.document->merged.at("services").find("web"), nullptr);
  const auto anew = load({yaml(two), yaml("services: {web: null}", "overlay"),
                          yaml("services: {web: {command: [y]}}", "edits")});
  ASSERT_TRUE(anew.document) << text_of(anew);
  EXPECT_EQ(anew.document->services.at("web")->argv, Argv{"y"});
  EXPECT_THAT(anew.document->services.at("web")->env, IsEmpty());
}

TEST(Load, NothingLeftNeedsToBeMeant) {
  for (const std::string text : {"", "{}", "services: {}", "services: null", "# nothing\n"}) {
    EXPECT_THAT(
        reports(load({yaml(text)})),
        ElementsAre("base base.yaml: services: no service is declared, which would stop everything; if that "
                    "is meant, set controller.allowEmpty: true"))
        << text;
    EXPECT_TRUE(load({yaml(text), yaml("controller: {allowEmpty: true}", "edits")}).document) << text;
  }
  EXPECT_THAT(load({yaml("services: {web: {command: [x]}}"), yaml("services: {web: null}", "edits")}).errors,
              testing::SizeIs(1));
}

TEST(Load, UnchangedServicesKeepTheirSpecs) {
  const std::string text = "services: {a: {command: [x], resources: {cpu: \"1\"}}, b: {command: [x]}}";
  const auto first = load({yaml(text)});
  ASSERT_TRUE(first.document) << text_of(first);
  const std::vector<LayerText> edited = {
      yaml(text), json(R"({"services":{"b":{"replicas":2},"c":{"command":["x"]}}})", "edits")};
  for (const auto& second : {load(edited, first.document->services), load(edited, *first.document)}) {
    ASSERT_TRUE(second.document) << text_of(second);
    const auto& services = second.document->services;
    EXPECT_EQ(services.at("a"), first.document->services.at("a"));
    EXPECT_NE(services.at("b"), first.document->services.at("b"));
    EXPECT_EQ(services.at("b")->generation, 2);
    EXPECT_EQ(services.at("b")->spec_hash, first.document->services.at("b")->spec_hash);
    EXPECT_EQ(services.at("c")->generation, 1);
  }
  EXPECT_EQ(load(edited, *first.document).document->parsed.at(0), first.document->parsed.at(0));
  // Written differently, meant the same: no new generation.
  const auto same = load({yaml("services: {a: {command: [x], resources: {cpu: 1000m}}, b: {command: [x]}}")},
                         *first.document);
  ASSERT_TRUE(same.document) << text_of(same);
  EXPECT_EQ(same.document->services.at("a"), first.document->services.at("a"));
  EXPECT_EQ(same.document->merged.at("services").at("a").at("resources").at("cpu").as_string(), "1000m");
}

TEST(Load, AnInvalidLayerIsNotMerged) {
  const auto loaded =
      load({yaml("services: {web: {comand: [x]}}"), yaml("a: [", "overlay"), json("{", "edits")});
  ASSERT_EQ(loaded.errors.size(), 2u);
  EXPECT_EQ(loaded.errors[0].origin.layer, "overlay");
  EXPECT_EQ(loaded.errors[1].origin.layer, "edits");
  EXPECT_FALSE(loaded.document);
}

TEST(Load, AFaultInTheDefaultsIsToldOnce) {
  const auto loaded =
      load({yaml("defaults: {stop: {signl: TERM}}\nservices: {a: {command: [x]}, b: {command: [x]}}")});
  EXPECT_THAT(reports(loaded),
              ElementsAre("base base.yaml:1:19: defaults.stop.signl: unknown key 'signl'; did you "
                          "mean 'signal'?"));
}

TEST(Load, VeryManyFaultsAreCounted) {
  std::string text = "services:\n  web:\n    command: [x]\n    labels:\n";
  for (int i = 0; i < 1500; ++i) text += "      l" + std::to_string(i) + ": 1\n";
  const auto loaded = load({yaml(text)});
  ASSERT_EQ(loaded.errors.size(), 1001u);
  EXPECT_EQ(loaded.errors.back().message, "500 more errors follow");
}

TEST(ToError, TellsTheFirstAndListsAll) {
  const auto loaded = load({yaml("services:\n  web:\n    command: [x]\n    replicas: many\n    nope: 1\n")});
  const auto error = to_error(loaded.errors);
  EXPECT_EQ(error.code, ErrorCode::kInvalid);
  EXPECT_EQ(error.message,
            "base base.yaml:4:15: services.web.replicas: expected a whole number from 0 to 1000 (got "
            "\"many\") (and 1 "
            "more)");
  ASSERT_EQ(error.details.size(), 2u);
  EXPECT_EQ(error.details[0],
            (ErrorDetail{"services.web.replicas", "expected a whole number from 0 to 1000 (got \"many\")",
                         "base base.yaml:4:15"}));
  EXPECT_EQ(error.details[1].path, "services.web.nope");
}

TEST(ParseDocument, ChecksTheSyntaxOfOneLayer) {
  const auto good = parse_document(yaml("services: {web: null}"));
  ASSERT_TRUE(good);
  EXPECT_EQ(dump_json(*good), R"({"services":{"web":null}})");
  const auto bad = parse_document(json("{\"a\": 1,\n}"));
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().message, HasSubstr("base base.json:2:1"));
}

TEST(ChangedPaths, NamesWhatDiffers) {
  const auto before = *parse_json(R"({"a":1,"b":{"c":[1],"d":2},"e":{"x.y":1}})");
  const auto after = *parse_json(R"({"a":1.0,"b":{"c":[2],"d":2},"e":{"x.y":2},"f":{"g":1}})");
  EXPECT_THAT(changed_paths(before, after), ElementsAre("b.c", "e.\"x.y\"", "f"));
  EXPECT_THAT(changed_paths(before, before), IsEmpty());
  EXPECT_THAT(changed_paths(Json(), before), ElementsAre(""));
}

}  // namespace
}  // namespace holdfast::config
