#include "controller/config/config.h"

namespace holdfast::config {
namespace {

std::vector<LayerText> base(std::string text, std::string file = "/etc/holdfast.yaml") {
  return {{"base", std::move(file), std::move(text)}};
}

std::string report(const Loaded& loaded) {
  std::string out;
  for (const auto& error : loaded.errors) out += describe(error) + "\n";
  return out;
}

// The example of docs/configuration.md.
constexpr std::string_view kFull = R"(apiVersion: holdfast/v1
streaming: {service: streaming}
defaults: {restart: {policy: always}}
services:
  database:
    command: [postgres]
  streaming:
    desired: running
    runtime: auto
    replicas: 1
    command: [streaming-converter]
    args:
      - "--input-dir"
      - "${input_dir}"
      - {when: monitoring, args: ["--monitoring"]}
    env:
      OMP_NUM_THREADS: "4"
      DB_PASSWORD: {secret: {file: /run/secrets/db}}
    workingDir: /data
    user: observer
    parameters: {input_dir: /data/incoming, monitoring: true, max_workers: 4, queue_db: state/q.sqlite3}
    parameterSchema:
      required: [input_dir]
      properties: {max_workers: {type: integer, minimum: 1, maximum: 32, title: Max workers}}
    restart:
      policy: always
      backoff: {initial: 0s, base: 1s, factor: 2, max: 60s, jitter: 0.1, resetAfter: 60s}
      budget: {attempts: 10, window: 10m}
    stop: {signal: TERM, gracePeriod: 30s}
    health:
      startup:   {http: {port: 8080, path: /healthz}, interval: 1s, failureThreshold: 30}
      readiness: {tcp: {port: 8080}, interval: 5s, timeout: 1s, successThreshold: 1, failureThreshold: 3}
      liveness:  {heartbeat: {within: 60s}}
    dependsOn: {database: healthy}
    resources: {cpu: "2", memory: 4Gi, pids: 512}
    collectors:
      queue:
        sqlite: {path: "${queue_db}", query: "SELECT state, COUNT(*) FROM ingest_queue GROUP BY state"}
      app: {prometheus: {port: 9100, path: /metrics, include: ["converter_*"]}}
    logs: {maxSize: 10Mi, maxFiles: 5}
    labels: {team: pipeline}
    process: {limits: {nofile: 65536}, nice: 5}
    docker: {image: "dsa110/converter:1.4", pullPolicy: ifNotPresent, container: contimg-stream, volumes: ["/data:/data"], network: host}
    kubernetes: {namespace: pipeline, image: "dsa110/converter:1.4", serviceAccount: converter, podTemplate: {}}
controller:
  listen: 127.0.0.1:8010
  metrics: {listen: 127.0.0.1:9464}
  tls: {certFile: "", keyFile: ""}
  auth: {tokensFile: "", kubernetes: false}
  resync: 30s
  workers: 4
  allowEmpty: false
)";

TEST(Load, DecodesTheDocumentedExample) {
  const auto loaded = load(base(std::string(kFull)));
  ASSERT_TRUE(loaded.document) << report(loaded);
  ASSERT_TRUE(loaded.document->services.contains("streaming"));
  const auto& spec = *loaded.document->services.at("streaming");
  EXPECT_EQ(spec.argv, (std::vector<std::string>{"streaming-converter", "--input-dir", "/data/incoming",
                                                 "--monitoring"}));
  EXPECT_EQ(std::get<SecretRef>(spec.env.at("DB_PASSWORD")).name, "/run/secrets/db");
  EXPECT_EQ(spec.generation, 1);
}

}  // namespace
}  // namespace holdfast::config
