// Whole compose files as they are found, and what comes of them.
#include "tests/unit/compose/common.h"

namespace holdfast::config {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

TEST(ComposeFile, WordpressAndItsDatabase) {
  const auto result = imported(R"(
version: "3.8"
services:
  db:
    image: mysql:8.0
    command: "--default-authentication-plugin=mysql_native_password"
    restart: always
    environment:
      MYSQL_ROOT_PASSWORD: ${ROOT_PASSWORD:?set it in .env}
      MYSQL_DATABASE: wordpress
    volumes:
      - db_data:/var/lib/mysql
    healthcheck:
      test: ["CMD", "mysqladmin", "ping", "-h", "localhost"]
      timeout: 5s
      retries: 10
  wordpress:
    depends_on: {db: {condition: service_healthy}}
    image: wordpress:${WP_VERSION:-latest}
    ports: ["8000:80"]
    restart: unless-stopped
    environment:
      WORDPRESS_DB_HOST: db:3306
    volumes:
      - wp:/var/www/html
      - ./php.ini:/usr/local/etc/php/conf.d/own.ini:ro
volumes:
  db_data: {}
  wp:
)",
                               {}, {{"/srv/App.1/.env", "ROOT_PASSWORD='p$w'\n"}});
  EXPECT_THAT(result.notes,
              ElementsAre("networks: compose made app1_default; if it is not there: docker network "
                          "create app1_default"));
  const auto services = services_of(result);
  ASSERT_EQ(services.size(), 2u);
  const auto& db = *services.at("db");
  EXPECT_EQ(db.runtime, RuntimeKind::kDocker);
  EXPECT_THAT(db.argv, ElementsAre("--default-authentication-plugin=mysql_native_password"));
  EXPECT_EQ(db.env.at("MYSQL_ROOT_PASSWORD"), EnvValue("p$w"));
  EXPECT_THAT(db.docker.volumes, ElementsAre("app1_db_data:/var/lib/mysql"));
  EXPECT_EQ(db.health.readiness->failure_threshold, 10);
  const auto& wordpress = *services.at("wordpress");
  EXPECT_EQ(wordpress.docker.image, "wordpress:latest");
  EXPECT_EQ(wordpress.restart.mode, RestartMode::kAlways);
  EXPECT_EQ(wordpress.docker.network, "app1_default");
  EXPECT_THAT(wordpress.depends_on, UnorderedElementsAre(Pair("db", DependencyCondition::kHealthy)));
  EXPECT_THAT(
      wordpress.docker.volumes,
      ElementsAre("app1_wp:/var/www/html", "/srv/App.1/php.ini:/usr/local/etc/php/conf.d/own.ini:ro"));
}

TEST(ComposeFile, AnchorsMergeKeysAndExtensions) {
  const auto result = imported(R"(
name: Pipe-Line
x-env: &env
  LOG_LEVEL: info
  TZ: UTC
x-base: &base
  image: ${REGISTRY:-local}/worker
  restart: on-failure:3
  environment: *env
  logging: &logging
    options: {max-size: 5m}
services:
  ingest_worker:
    <<: *base
    command: worker --queue ingest
    environment:
      <<: *env
      LOG_LEVEL: debug
      SHELL_TEXT: "$${NOT_A_PARAMETER} $$HOME"
  report.worker:
    <<: [*base, {user: "1000"}]
    command: ["worker", "--queue", "report"]
    depends_on: [ingest_worker]
    networks: [default]
    scale: 2
networks:
  default: {driver: bridge}
)");
  const auto services = services_of(result);
  ASSERT_EQ(services.size(), 2u);
  const auto& ingest = *services.at("ingest-worker");
  EXPECT_EQ(ingest.docker.image, "local/worker");
  EXPECT_EQ(ingest.restart.budget_attempts, 3);
  EXPECT_EQ(ingest.logs.max_size, 5 << 20);
  EXPECT_EQ(ingest.env.at("LOG_LEVEL"), EnvValue("debug"));
  EXPECT_EQ(ingest.env.at("TZ"), EnvValue("UTC"));
  EXPECT_EQ(ingest.env.at("SHELL_TEXT"), EnvValue("${NOT_A_PARAMETER} $HOME"));
  const auto& report = *services.at("report-worker");
  EXPECT_EQ(report.user, "1000");
  EXPECT_EQ(report.replicas, 2);
  EXPECT_EQ(report.docker.network, "pipe-line_default");
  EXPECT_THAT(report.depends_on, UnorderedElementsAre(Pair("ingest-worker", DependencyCondition::kStarted)));
  EXPECT_THAT(result.notes, Contains(HasSubstr("services.ingest_worker: is ingest-worker now")));
  EXPECT_THAT(result.notes,
              Contains("networks.default.driver: not carried over (Holdfast makes none: make it with "
                       "docker network create)"));
  EXPECT_THAT(result.notes, Not(Contains(HasSubstr("x-env"))));
}

TEST(ComposeFile, LongForms) {
  const auto result = imported(R"(
services:
  web:
    build: {context: ./web}
    env_file:
      - ./web.env
      - {path: ./local.env, required: false}
    environment: {FROM_FILE: overridden, FROM_OUTSIDE: }
    ports:
      - {target: 443, published: "8443", host_ip: 127.0.0.1, protocol: tcp}
    volumes:
      - {type: bind, source: ./certs, target: /certs, read_only: true}
      - {type: tmpfs, target: /cache, tmpfs: {size: 16777216}}
    depends_on:
      migrate: {condition: service_completed_successfully, restart: true}
      absent: {condition: service_started, required: false}
    deploy:
      replicas: 1
      resources: {limits: {cpus: "0.25", memory: 128M}}
    configs: [app]
  migrate:
    image: web-migrate
    restart: "no"
    network_mode: service:web_proxy
    profiles: [tools]
  web_proxy:
    image: proxy
    restart: always
    extends: {file: other.yaml, service: x}
include: [more.yaml]
configs: {app: {file: ./app.conf}}
)",
                               {{"FROM_OUTSIDE", "v"}}, {{"/srv/App.1/web.env", "A=1\nFROM_FILE=2\n"}});
  const auto services = services_of(result);
  ASSERT_EQ(services.size(), 3u);
  const auto& web = *services.at("web");
  EXPECT_EQ(web.docker.image, "app1-web");
  EXPECT_EQ(web.docker.pull_policy, "never");
  EXPECT_THAT(web.env,
              UnorderedElementsAre(Pair("A", EnvValue("1")), Pair("FROM_FILE", EnvValue("overridden")),
                                   Pair("FROM_OUTSIDE", EnvValue("v"))));
  EXPECT_THAT(web.docker.ports, ElementsAre("127.0.0.1:8443:443/tcp"));
  EXPECT_THAT(web.docker.volumes, ElementsAre("/srv/App.1/certs:/certs:ro"));
  EXPECT_THAT(web.docker.tmpfs, ElementsAre("/cache:size=16777216"));
  EXPECT_THAT(web.depends_on, UnorderedElementsAre(Pair("migrate", DependencyCondition::kCompleted)));
  EXPECT_EQ(web.resources, (Resources{250, 128 << 20, std::nullopt}));
  const auto& migrate = *services.at("migrate");
  EXPECT_EQ(migrate.desired, Desired::kStopped);
  EXPECT_EQ(migrate.docker.network, "container:holdfast-web-proxy-0");
  EXPECT_THAT(migrate.depends_on, UnorderedElementsAre(Pair("web-proxy", DependencyCondition::kStarted)));
  for (const std::string note :
       {"services.web.build: not carried over", "docker build -t app1-web /srv/App.1/web",
        "services.web.env_file.0: the variables of /srv/App.1/web.env were copied",
        "services.web.env_file.1: /srv/App.1/local.env is not there",
        "services.web.environment.FROM_OUTSIDE: its value of now was copied from the environment",
        "services.web.depends_on.migrate.restart: not carried over", "services.web.configs: not carried over",
        "services.web_proxy.extends: not carried over (let `docker compose config`",
        "include: not carried over (let `docker compose config`", "configs: not carried over",
        "services.migrate.profiles: not carried over"})
    EXPECT_THAT(result.notes, Contains(HasSubstr(note)));
}

TEST(ComposeFile, TheEnvironmentWinsOverDotEnv) {
  const std::string text = "services: {a: {image: \"x:${TAG}\", restart: always}}";
  const Texts files{{"/srv/App.1/.env", "TAG=file\nCOMPOSE_PROJECT_NAME=named\n"}};
  const auto image = [](const ComposeImport& result) {
    return result.document.at("services").at("a").at("docker").at("image").as_string();
  };
  EXPECT_EQ(image(imported(text, {}, files)), "x:file");
  EXPECT_EQ(image(imported(text, {{"TAG", "shell"}}, files)), "x:shell");
  const auto unset = imported(text);
  EXPECT_EQ(image(unset), "x:");
  EXPECT_THAT(unset.notes,
              ElementsAre("services.a.image: the variable TAG is not set, so it is empty, as with compose"));
  EXPECT_THAT(faults_in(text, {}, {{"/srv/App.1/.env", "A B=1"}}),
              ElementsAre(HasSubstr("/srv/App.1/.env: line 1: expected NAME=value")));
}

// Several services reach each other by name; one alone has nobody to reach.
TEST(ComposeFile, TheNetworkOfAllIsTheProjects) {
  EXPECT_TRUE(imported("services: {a: {image: x, restart: always}}").notes.empty());
  const auto two = imported("name: p\nservices: {a: {image: x}, b: {image: x}}");
  for (const auto& [name, spec] : services_of(two)) EXPECT_EQ(spec->docker.network, "p_default") << name;
}

}  // namespace
}  // namespace holdfast::config
