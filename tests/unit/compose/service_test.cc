// Each key of a compose service: what it becomes, and what is said about it.
#include "tests/unit/compose/common.h"

namespace holdfast::config {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

struct Key {
  std::string keys;                     // of the service, after image
  std::string path;                     // of the member of Holdfast's service
  std::string expected;                 // JSON; empty: not there
  std::vector<std::string> notes = {};  // a part of each
};

const Json& member(const Json& service, const std::string& path) {
  const auto dot = path.find('.');
  if (dot == std::string::npos) return service.at(path);
  return member(service.at(path.substr(0, dot)), path.substr(dot + 1));
}

void expect(const std::vector<Key>& cases) {
  for (const auto& [keys, path, expected, notes] : cases) {
    const auto result = imported("services:\n  web: {image: a, restart: always, " + keys + "}\n" +
                                 "volumes: {data: , named: {name: its-name}, outside: {external: true}, old: "
                                 "{external: {name: older}}}\n"
                                 "networks: {front: , back: {name: its-net}, outside: {external: true}}\n"
                                 "secrets: {s: {file: ./s.txt}, e: {environment: X}}\n");
    const Json& value = member(result.document.at("services").at("web"), path);
    EXPECT_EQ(value.is_null() ? "" : dump_json(value), expected) << keys;
    std::vector<std::string> said;
    for (const auto& note : result.notes) {
      if (!note.starts_with("networks: ")) said.push_back(note);
    }
    ASSERT_EQ(said.size(), notes.size()) << keys << testing::PrintToString(said);
    for (size_t i = 0; i < notes.size(); ++i) EXPECT_THAT(said[i], HasSubstr(notes[i])) << keys;
  }
}

TEST(ComposeService, Program) {
  expect({
      {"command: \"a 'b c' $$x\"", "command", R"(["a","b c","$x"])"},
      {"command: [a, b c, 5]", "command", R"(["a","b c","5"])"},
      {"command: [\"$${x}\"]", "command", R"(["$${x}"])"},
      {"command: []", "command", "", {"an empty command is not carried over"}},
      {"command: ", "command", ""},
      {"command: [\"\", a]", "args", R"(["","a"])"},
      {"entrypoint: tini -g --", "docker.entrypoint", R"(["tini","-g","--"])"},
      {"entrypoint: []", "docker.entrypoint", "[]"},
      {"entrypoint: \"\"", "docker.entrypoint", "[]"},
      {"working_dir: /w", "workingDir", R"("/w")"},
      {"working_dir: w", "workingDir", "", {"it isn't an absolute path"}},
      {"user: 1000", "user", R"("1000")"},
      {"user: \"1000:50\"", "user", R"("1000:50")"},
      {"environment: {A: 1, B: true, C: 1.50, D: \"\", E: x=y}", "env",
       R"({"A":"1","B":"true","C":"1.5","D":"","E":"x=y"})"},
      {"environment: [A=1, B=x=y, C=]", "env", R"({"A":"1","B":"x=y","C":""})"},
      {"environment: [A]", "env", "", {"services.web.environment.0: left out"}},
      {"environment: {\"A B\": 1}", "env", "", {"'A B' is not the name of a variable"}},
      {"pull_policy: always", "docker.pullPolicy", R"("always")"},
      {"pull_policy: missing", "docker.pullPolicy", ""},
      {"pull_policy: weekly", "docker.pullPolicy", "", {"services.web.pull_policy: not carried over"}},
      {"build: .", "docker.image", R"("a")", {"docker build -t a /srv/App.1"}},
      {"build: {context: ./x, dockerfile: D, target: t, args: {V: 1}}",
       "docker.pullPolicy",
       "",
       {"docker build -t a -f /srv/App.1/x/D --target t --build-arg V=1 /srv/App.1/x"}},
      {"build: https://example.org/x.git",
       "docker.image",
       R"("a")",
       {"docker build -t a https://example.org/x.git"}},
  });
}

TEST(ComposeService, Mounts) {
  expect({
      {"volumes: [/a:/b, ./c:/d:ro, ../e:/f, \"~/g:/h\", /anon]", "docker.volumes",
       R"(["/a:/b","/srv/App.1/c:/d:ro","/srv/e:/f","/root/g:/h","/anon"])"},
      {"volumes: [data:/a, named:/b, outside:/c, old:/d:ro]", "docker.volumes",
       R"(["app1_data:/a","its-name:/b","outside:/c","older:/d:ro"])"},
      {"volumes: [{type: bind, source: ./a, target: /b, read_only: true, bind: {propagation: rslave, "
       "create_host_path: true}}]",
       "docker.volumes", R"(["/srv/App.1/a:/b:ro,rslave"])"},
      {"volumes: [{type: volume, source: data, target: /b, volume: {nocopy: true}}, {target: /c}]",
       "docker.volumes", R"(["app1_data:/b:nocopy","/c"])"},
      {"volumes: [{type: tmpfs, target: /t, tmpfs: {size: 1m, mode: \"1777\"}}]", "docker.tmpfs",
       R"(["/t:size=1048576,mode=1777"])"},
      {"volumes: [{type: npipe, source: x, target: /x}]", "docker.volumes", "", {"Holdfast mounts no npipe"}},
      {"tmpfs: /run", "docker.tmpfs", R"(["/run"])"},
      {"tmpfs: [/run, \"/t:size=1m\"]", "docker.tmpfs", R"(["/run","/t:size=1m"])"},
      {"secrets: [s, {source: s, target: other}, {source: s, target: /etc/s}]", "docker.volumes",
       R"(["/srv/App.1/s.txt:/run/secrets/s:ro","/srv/App.1/s.txt:/run/secrets/other:ro","/srv/App.1/s.txt:/etc/s:ro"])"},
      {"secrets: [e]", "docker.volumes", "", {"only secrets of a file are"}},
  });
}

TEST(ComposeService, NetworksAndPorts) {
  expect({
      {"ports: [80, \"8080:80\", 127.0.0.1:1:2/udp, 3000-3001]", "docker.ports",
       R"(["80","8080:80","127.0.0.1:1:2/udp","3000-3001"])"},
      {"ports: [{target: 80, published: 8080, protocol: udp, mode: host}, {target: 1, host_ip: \"::1\"}]",
       "docker.ports", R"(["8080:80/udp","[::1]::1"])"},
      {"ports: [\"8080-8081:80-81\", 9], deploy: {replicas: 2}",
       "docker.ports",
       R"(["80/tcp","81/tcp","9"])",
       {"of 2 replicas only one could have it"}},
      {"network_mode: host", "docker.network", R"("host")"},
      {"network_mode: \"container:x\"", "docker.network", R"("container:x")"},
      {"networks: [front]", "docker.network", R"("app1_front")"},
      {"networks: {back: , front: {aliases: [x]}}",
       "docker.network",
       R"("its-net")",
       {"services.web.networks.front.aliases: not carried over", "only the first is carried over, its-net"}},
      {"networks: [outside]", "docker.network", R"("outside")"},
      {"extra_hosts: [\"a:10.0.0.1\", b=10.0.0.2]", "docker.extraHosts", R"(["a:10.0.0.1","b:10.0.0.2"])"},
      {"extra_hosts: {a: \"::1\"}", "docker.extraHosts", R"(["a:::1"])"},
      {"hostname: box", "docker.hostname", R"("box")"},
  });
}

TEST(ComposeService, StopAndHealth) {
  expect({
      {"stop_signal: SIGQUIT, stop_grace_period: 1m30s", "stop",
       R"({"signal":"SIGQUIT","gracePeriod":"1m30s"})"},
      {"stop_signal: SIGRTMIN+3", "stop", "", {"write its number"}},
      {"healthcheck: {test: curl -f http://x || exit 1}", "health.readiness",
       R"({"exec":{"command":["/bin/sh","-c","curl -f http://x || exit 1"]},"interval":"30s","timeout":"30s","failureThreshold":3})"},
      {"healthcheck: {test: [CMD, a, \"$${b}\"], interval: 1m, timeout: 3s, retries: 5}", "health.readiness",
       R"({"exec":{"command":["a","$${b}"]},"interval":"1m","timeout":"3s","failureThreshold":5})"},
      {"healthcheck: {test: [CMD-SHELL, a b]}", "health.readiness.exec.command", R"(["/bin/sh","-c","a b"])"},
      {"healthcheck: {test: [NONE]}", "health", "", {"where the image has a HEALTHCHECK"}},
      {"healthcheck: {disable: true}", "health", "", {"where the image has a HEALTHCHECK"}},
      {"healthcheck: {interval: 5s}", "health", "", {"the image's own counts as it is"}},
      {"healthcheck: {test: a, start_period: 5s}",
       "health.readiness.interval",
       R"("30s")",
       {"start_period: not carried over (not needed"}},
  });
}

TEST(ComposeService, ScaleAndLimits) {
  expect({
      {"deploy: {replicas: 3}", "replicas", "3"},
      {"scale: 2", "replicas", "2"},
      {"deploy: {replicas: 0}", "replicas", "0"},
      {"deploy: {mode: global}", "replicas", "", {"services.web.deploy.mode: not carried over"}},
      {"deploy: {resources: {limits: {cpus: \"0.50\", memory: 50M, pids: 9}}}", "resources",
       R"({"cpu":"0.50","memory":"50Mi","pids":9})"},
      {"deploy: {resources: {reservations: {cpus: \"1\"}}}",
       "resources",
       "",
       {"resources.reservations: not carried"}},
      {"cpus: 1.5, mem_limit: 1g, pids_limit: 100", "resources",
       R"({"cpu":"1.5","memory":"1Gi","pids":100})"},
      {"cpus: 0, mem_limit: 0, pids_limit: -1", "resources", ""},
      {"logging: {driver: json-file, options: {max-size: 10m, max-file: \"3\"}}", "logs",
       R"({"maxSize":"10Mi","maxFiles":3})"},
      {"logging: {driver: syslog, options: {syslog-address: x}}",
       "logs",
       "",
       {"logging.driver: not carried", "logging.options: not carried"}},
      {"profiles: [debug]", "desired", R"("stopped")", {"services.web.profiles: not carried over"}},
  });
}

TEST(ComposeService, ContainerOptions) {
  expect({
      {"labels: {a: b, c: 1, d: }", "labels", R"({"a":"b","c":"1","d":""})"},
      {"labels: [a=b, c]", "labels", R"({"a":"b","c":""})"},
      {"cap_add: [NET_ADMIN]", "docker.capAdd", R"(["NET_ADMIN"])"},
      {"cap_drop: [ALL]", "docker.capDrop", R"(["ALL"])"},
      {"security_opt: [\"no-new-privileges:true\"]", "docker.securityOpt", R"(["no-new-privileges:true"])"},
      {"group_add: [44, video]", "docker.groupAdd", R"(["44","video"])"},
      {"devices: [\"/dev/a:/dev/b\", {source: /dev/c, target: /dev/d, permissions: r}]", "docker.devices",
       R"(["/dev/a:/dev/b","/dev/c:/dev/d:r"])"},
      {"devices: [nvidia.com/gpu=all]", "docker.devices", "", {"it isn't the path of a device"}},
      {"read_only: true", "docker.readOnly", "true"},
      {"read_only: \"yes\"", "docker.readOnly", "true"},
      {"read_only: false", "docker.readOnly", ""},
      {"init: true", "docker.init", "true"},
      {"tty: true", "docker.tty", "true"},
      {"privileged: true", "docker.privileged", "true"},
      {"shm_size: 64m", "docker.shmSize", R"("64Mi")"},
      {"x-own: {a: b}", "x-own", ""},
      {"ulimits: {nofile: 5}",
       "ulimits",
       "",
       {"services.web.ulimits: not carried over (Holdfast sets limits of"}},
      {"container_name: box", "container_name", "", {"Holdfast names its containers itself"}},
      {"sysctls: {a: 1}",
       "sysctls",
       "",
       {"services.web.sysctls: not carried over (Holdfast has nothing like it)"}},
      {"stdin_open: true", "stdin_open", "", {"no terminal to read from"}},
      {"imagee: x", "imagee", "", {"services.web.imagee: not carried over"}},
  });
}

TEST(ComposeService, RestartHasTheWordsOfDocker) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"restart: \"no\"", R"({"policy":"never"})"},
      {"restart: no", R"({"policy":"never"})"},
      {"restart: false", R"({"policy":"never"})"},
      {"restart: always", R"({"policy":"always"})"},
      {"restart: unless-stopped", R"({"policy":"always"})"},
      {"restart: on-failure", R"({"policy":"on-failure"})"},
      {"restart: on-failure:5", R"({"policy":"on-failure","budget":{"attempts":5}})"},
      {"deploy: {restart_policy: {condition: on-failure, max_attempts: 3}}",
       R"({"policy":"on-failure","budget":{"attempts":3}})"},
      {"deploy: {restart_policy: {condition: any}}", R"({"policy":"always"})"},
      {"deploy: {restart_policy: {condition: none}}", R"({"policy":"never"})"},
      {"labels: {}", R"({"policy":"never"})"},
  };
  for (const auto& [keys, expected] : cases) {
    const auto result = imported("services: {web: {image: a, " + keys + "}}");
    EXPECT_EQ(dump_json(result.document.at("services").at("web").at("restart")), expected) << keys;
  }
  EXPECT_THAT(
      imported("services: {web: {image: a}}").notes,
      ElementsAre(StartsWith("services.web.restart: not declared, so that the service isn't restarted")));
}

TEST(ComposeService, WhatIsWrongIsNamedWithItsPlace) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"services: {a: {image: x, ports: [99999]}}",
       "compose.yaml:1:34: services.a.ports.0: '99999' is not a port"},
      {"services: {a: {image: x, ports: 80}}", "services.a.ports: expected a list"},
      {"services: {a: {image: x, ports: [{published: 80}]}}", "target, the container's port, is missing"},
      {"services: {a: {image: x, volumes: [b:/c]}}", "the volume 'b' is not under volumes of the file"},
      {"services: {a: {image: x, volumes: [\"/b:c\"]}}", "the target is not an absolute path"},
      {"services: {a: {image: x, volumes: [{source: /b}]}}", "target, an absolute path, is missing"},
      {"services: {a: {image: x, networks: [n]}}", "the network 'n' is not under networks of the file"},
      {"services: {a: {image: x, secrets: [n]}}", "the secret 'n' is not under secrets of the file"},
      {"services: {a: {image: x, depends_on: [b]}}", "services.a.depends_on.0: there is no service 'b'"},
      {"services: {a: {image: x, network_mode: \"service:b\"}}", "there is no such service"},
      {"services: {a: {image: x, command: \"'a\"}}", "services.a.command: a ' isn't closed"},
      {"services: {a: {image: x, restart: sometimes}}", "services.a.restart: expected no, always"},
      {"services: {a: {image: x, restart: on-failure:few}}", "services.a.restart: expected no, always"},
      {"services: {a: {image: x, mem_limit: lots}}", "'lots' is not a size"},
      {"services: {a: {image: x, stop_grace_period: soon}}", "'soon' is not a duration"},
      {"services: {a: {image: x, tty: perhaps}}", "expected true or false"},
      {"services: {a: {image: x, scale: many}}", "expected a whole number"},
      {"services: {a: {image: x, healthcheck: {test: [a]}}}", "expected a text, [CMD, program...]"},
      {"services: {a: {image: x, extra_hosts: [a]}}", "expected name:address"},
      {"services: {a: {}}", "services.a: neither image nor build is there"},
      {"services: {a: }", "services.a: expected a map"},
      {"services: {a: {image: x, environment: {A: [1]}}}", "services.a.environment.A: expected a text"},
      {"services: {a: {image: \"x:${TAG:?which}\"}}",
       "services.a.image: the variable TAG must be set: which"},
      {"services: {a: {image: x, env_file: no.env}}", "services.a.env_file: /srv/App.1/no.env is not there"},
      {"services: {a_b: {image: x}, a-b: {image: x}}",
       "it would have the same name as 'a_b', a-b; rename one"},
      {"services: {__: {image: x}}", "no name of a service can be made of this one"},
      {"services: {}", "services: no service is declared"},
      {"web: {image: x}", "files of version 1, without services:, aren't read"},
      {"[]", "expected a map"},
      {"", "no service is declared"},
      {"services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [a]}}", "depend"},
      {"services:\n\ta: x", "compose.yaml:2:"},
  };
  for (const auto& [text, message] : cases)
    EXPECT_THAT(faults_in(text), Contains(HasSubstr(message))) << text;
}

}  // namespace
}  // namespace holdfast::config
