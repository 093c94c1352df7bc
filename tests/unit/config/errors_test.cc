// Every kind of fault: what is said, and where.
#include "controller/config/config.h"
#include "tests/unit/config/common.h"

namespace holdfast::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

struct Case {
  std::string service;  // in line 2, from column 8 on
  std::string place;    // column and path below services.web
  std::string message;  // a part of it, with the value
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.service;
}

class ServiceFault : public testing::TestWithParam<Case> {};

TEST_P(ServiceFault, IsTheOnlyOneAndWhereItWasWritten) {
  const auto& [service, place, message] = GetParam();
  const auto found = faults_of(service);
  ASSERT_THAT(found, testing::SizeIs(1)) << service << "\n" << testing::PrintToString(found);
  const auto colon = place.find(' ');
  const auto expected =
      "base base.yaml:2:" + place.substr(0, colon) + ": services.web" + place.substr(colon + 1) + ": ";
  EXPECT_THAT(found[0], testing::StartsWith(expected)) << service;
  EXPECT_THAT(found[0], HasSubstr(message)) << service;
}

INSTANTIATE_TEST_SUITE_P(
    Structure, ServiceFault,
    testing::Values(
        Case{"text", "8 ", "expected a map (got \"text\")"},
        Case{"{}", "8 ", "nothing to run: command (or docker.image, kubernetes.image) is missing"},
        Case{"{runtime: process, docker: {image: x}}", "8 ", "command is missing"},
        Case{"{runtime: docker, command: [x]}", "8 ", "docker.image (or docker.container) is missing"},
        Case{"{runtime: kubernetes, command: [x]}", "8 ",
             "kubernetes.image (or kubernetes.podTemplate) is missing"},
        Case{"{command: [x], replcas: 2}", "23 .replcas", "unknown key 'replcas'; did you mean 'replicas'?"},
        Case{"{command: [x], zzzzzz: 2}", "23 .zzzzzz", "unknown key 'zzzzzz'; known are desired, runtime, "},
        Case{"{command: [x], desired: paused}", "32 .desired",
             "expected running or stopped (got \"paused\")"},
        Case{"{command: [x], desired: yes}", "32 .desired", "(got \"yes\")"},
        Case{"{command: [x], runtime: dokcer}", "32 .runtime",
             "expected auto, process, docker or kubernetes; did you mean 'docker'? (got \"dokcer\")"},
        Case{"{command: [x], replicas: -1}", "33 .replicas",
             "expected a whole number from 0 to 1000 (got -1)"},
        Case{"{command: [x], replicas: 1.5}", "33 .replicas", "(got 1.5)"},
        Case{"{command: [x], replicas: \"2\"}", "33 .replicas", "(got \"2\")"},
        Case{"{command: [x], replicas: 010}", "33 .replicas", "(got \"010\")"}));

INSTANTIATE_TEST_SUITE_P(
    Program, ServiceFault,
    testing::Values(
        Case{"{command: run me}", "18 .command",
             "expected a list such as [program, argument]; it is never a shell line (got \"run me\")"},
        Case{"{command: []}", "18 .command", "expected the program to run as the first item"},
        Case{"{command: [\"\"]}", "18 .command", "expected the program to run as the first item"},
        Case{"{command: [x, 5]}", "22 .command.1", "expected a string; put the value in quotes (got 5)"},
        Case{"{command: [x], args: y}", "29 .args",
             "expected a list of strings and {when: parameter, args: [...]}"},
        Case{"{command: [x], args: [on, true]}", "34 .args.1", "put the value in quotes (got true)"},
        Case{"{command: [x], args: [[a]]}", "30 .args.0", "expected a string (got a list)"},
        Case{"{command: [x], args: [{when: a}], parameters: {a: true}}", "30 .args.0",
             "expected {when: parameter"},
        Case{"{command: [x], args: [{when: b, args: []}], parameters: {a: true}}", "37 .args.0.when",
             "unknown parameter 'b'; known are a (got \"b\")"},
        Case{"{command: [x], args: [{when: a, args: []}], parameters: {a: 1}}", "37 .args.0.when",
             "isn't a boolean"},
        Case{"{command: [x], args: [\"${prot}\"], parameters: {port: 1}}", "30 .args.0",
             "unknown parameter 'prot'; did you mean 'port'?; for a literal ${ write $${ (got \"${prot}\")"},
        Case{"{command: [x], args: [\"${port\"], parameters: {port: 1}}", "30 .args.0", "write $${"},
        Case{"{command: [x], args: [\"${}\"]}", "30 .args.0", "write $${"},
        Case{"{command: [x], args: [\"${a}\"], parameters: {a: [1]}}", "30 .args.0", "is a list or map"},
        Case{"{command: [x], args: [\"${a}\"], parameterSchema: {properties: {a: {type: string}}}}",
             "30 .args.0", "the parameter 'a' has no value"},
        Case{"{command: [x], workingDir: data}", "35 .workingDir",
             "expected an absolute path (got \"data\")"},
        Case{"{command: [x], user: -1}", "29 .user", "expected the name or number of a user (got -1)"},
        Case{"{command: [x], env: [A=b]}", "28 .env", "expected a map of variables"},
        Case{"{command: [x], env: {A: 5}}", "32 .env.A", "put the value in quotes"},
        Case{"{command: [x], env: {A=B: c}}", "29 .env.A=B", "a variable's name is made of"},
        Case{"{command: [x], env: {1A: c}}", "29 .env.1A", "a variable's name is made of"},
        Case{"{command: [x], env: {A: {}}}", "32 .env.A", "expected a string or {secret: {file: /path}}"},
        Case{"{command: [x], env: {A: {secret: {}}}}", "41 .env.A.secret",
             "exactly one of file, env, kubernetes"},
        Case{"{command: [x], env: {A: {secret: {file: a, env: b}}}}", "41 .env.A.secret", "2 are there"},
        Case{"{command: [x], env: {A: {secret: {kubernetes: {name: a}}}}}", "54 .env.A.secret.kubernetes",
             "name and key of the Secret are needed"}));

INSTANTIATE_TEST_SUITE_P(
    Kubernetes, ServiceFault,
    testing::Values(Case{"{kubernetes: {image: i, ports: 80}}", "39 .kubernetes.ports",
                         "expected a list of ports, such as [8080]"},
                    Case{"{kubernetes: {image: i, ports: [0]}}", "40 .kubernetes.ports.0",
                         "expected a port from 1 to 65535"},
                    Case{"{kubernetes: {image: i, ports: [{name: x}]}}", "40 .kubernetes.ports.0",
                         "port is missing"},
                    Case{"{kubernetes: {image: i, ports: [{port: 1, name: a}, 2]}}", "60 .kubernetes.ports.1",
                         "each of several ports needs a name"},
                    Case{"{kubernetes: {image: i, ports: [{port: 1, name: UP}]}}",
                         "56 .kubernetes.ports.0.name", "at most 15 lower-case"},
                    Case{"{kubernetes: {image: i, maxSurge: half}}", "42 .kubernetes.maxSurge",
                         "expected a number of instances such as 1, or a share such as 25%"},
                    Case{"{kubernetes: {image: i, maxUnavailable: 101%}}", "48 .kubernetes.maxUnavailable",
                         "a share such as 25%"},
                    Case{"{kubernetes: {image: i, strategy: Recrate}}", "42 .kubernetes.strategy",
                         "did you mean 'Recreate'?"},
                    Case{"{kubernetes: {image: i, pullPolicy: Never}}", "44 .kubernetes.pullPolicy",
                         "expected always, ifNotPresent or never"},
                    Case{"{kubernetes: {image: i, podTemplate: x}}", "45 .kubernetes.podTemplate",
                         "a Kubernetes PodTemplateSpec"}));

INSTANTIATE_TEST_SUITE_P(
    Policies, ServiceFault,
    testing::Values(
        Case{"{command: [x], restart: {policy: allways}}", "41 .restart.policy", "did you mean 'always'?"},
        Case{"{command: [x], restart: {backoff: {base: 5}}}", "49 .restart.backoff.base",
             "expected a duration with its unit, such as 30s, 250ms or 5m (got 5)"},
        Case{"{command: [x], restart: {backoff: {base: 5x}}}", "49 .restart.backoff.base",
             "'5x' is not a duration; write it like 250ms, 30s, 5m or 1h30m"},
        Case{"{command: [x], restart: {backoff: {base: 0s}}}", "49 .restart.backoff.base", "of at least 1ms"},
        Case{"{command: [x], restart: {backoff: {base: 2m}}}", "42 .restart.backoff",
             "max (1m) is shorter than base (2m) or initial (0s)"},
        Case{"{command: [x], restart: {backoff: {factor: 0.5}}}", "51 .restart.backoff.factor",
             "expected a number from 1 to 100 (got 0.5)"},
        Case{"{command: [x], restart: {backoff: {jitter: 2}}}", "51 .restart.backoff.jitter",
             "from 0 to 1 (got 2)"},
        Case{"{command: [x], restart: {budget: {attempts: -1}}}", "52 .restart.budget.attempts", "from 0 to"},
        Case{"{command: [x], stop: {signal: TREM}}", "38 .stop.signal", "expected a signal such as TERM"},
        Case{"{command: [x], stop: {signal: 65}}", "38 .stop.signal", "(got 65)"},
        Case{"{command: [x], stop: {gracePeriod: -5s}}", "43 .stop.gracePeriod", "'-5s' is not a duration"},
        Case{"{command: [x], health: {liveness: {}}}", "42 .health.liveness",
             "exactly one of http, tcp, exec"},
        Case{"{command: [x], health: {liveness: {http: {port: 1}, tcp: {port: 1}}}}", "42 .health.liveness",
             "2 are there; take one from a lower layer away with null"},
        Case{"{command: [x], health: {liveness: {tcp: {}}}}", "48 .health.liveness.tcp", "port is missing"},
        Case{"{command: [x], health: {liveness: {tcp: {port: 70000}}}}", "55 .health.liveness.tcp.port",
             "expected a whole number from 1 to 65535 (got 70000)"},
        Case{"{command: [x], health: {liveness: {http: {port: 1, path: x}}}}",
             "65 .health.liveness.http.path", "expected a path that begins with /"},
        Case{"{command: [x], health: {liveness: {http: {port: 1, path: \"/a b\"}}}}",
             "65 .health.liveness.http.path", "holds no blank"},
        Case{"{command: [x], health: {liveness: {tcp: {port: 1, host: \"a\\r\\nb\"}}}}",
             "64 .health.liveness.tcp.host", "expected a host name or address"},
        Case{"{command: [x], health: {liveness: {exec: {}}}}", "49 .health.liveness.exec",
             "command is missing"},
        Case{"{command: [x], health: {liveness: {exec: {command: []}}}}", "59 .health.liveness.exec.command",
             "expected the program to run as the first item"},
        Case{"{command: [x], health: {liveness: {notify: {}, interval: 1ms}}}",
             "65 .health.liveness.interval", "of at least 10ms"},
        Case{"{command: [x], health: {liveness: {notify: {}, failureThreshold: 0}}}",
             "73 .health.liveness.failureThreshold", "from 1 to"},
        Case{"{command: [x], dependsOn: {web: started}}", "35 .dependsOn.web",
             "services wait for each other: web -> web; take one of these away"},
        Case{"{command: [x], dependsOn: {wed: started}}", "35 .dependsOn.wed",
             "no service 'wed' is declared; did you mean 'web'?"},
        Case{"{command: [x], resources: {cpu: 0}}", "40 .resources.cpu", "expected cores above zero"},
        Case{"{command: [x], resources: {cpu: 2x}}", "40 .resources.cpu", "(got \"2x\")"},
        Case{"{command: [x], resources: {memory: 4GB}}", "43 .resources.memory",
             "'4GB' is not a size; write it like"},
        Case{"{command: [x], resources: {pids: 0}}", "41 .resources.pids", "of at least 1 (got 0)"},
        Case{"{command: [x], logs: {maxSize: 1}}", "39 .logs.maxSize", "expected a size from 4096 to"},
        Case{"{command: [x], logs: {maxFiles: 0}}", "40 .logs.maxFiles", "from 1 to 1000 (got 0)"},
        Case{"{command: [x], labels: {a.b: 1}}", "37 .labels.\"a.b\"", "put the value in quotes (got 1)"},
        Case{"{command: [x], collectors: {q: {}}}", "39 .collectors.q", "exactly one of sqlite, prometheus"},
        Case{"{command: [x], collectors: {q: {sqlite: {path: a}}}}", "48 .collectors.q.sqlite",
             "query is missing"},
        Case{"{command: [x], collectors: {\"a b\": {sqlite: {path: a, query: b}}}}", "36 .collectors.\"a b\"",
             "a collector's name is made of"},
        Case{"{command: [x], process: {limits: {nofiles: 1}}}", "42 .process.limits.nofiles",
             "unknown limit 'nofiles'; did you mean 'nofile'?"},
        Case{"{command: [x], process: {limits: {core: big}}}", "48 .process.limits.core",
             "or unlimited (got \"big\")"},
        Case{"{command: [x], process: {nice: 20}}", "39 .process.nice", "from -20 to 19 (got 20)"},
        Case{"{command: [x], docker: {pullPolicy: Always}}", "44 .docker.pullPolicy",
             "did you mean 'always'?"},
        Case{"{command: [x], docker: {volumes: /a}}", "41 .docker.volumes",
             "expected a list of strings (got \"/a\")"},
        Case{"{command: [x], kubernetes: {namespace: A_B}}", "47 .kubernetes.namespace",
             "expected a namespace"},
        Case{"{command: [x], kubernetes: {podTemplate: []}}", "49 .kubernetes.podTemplate",
             "PodTemplateSpec"}));

struct Whole {
  std::string text;
  std::string report;
};
void PrintTo(const Whole& w, std::ostream* out) {
  *out << w.text;
}
class DocumentFault : public testing::TestWithParam<Whole> {};

TEST_P(DocumentFault, IsToldWithItsPlace) {
  const auto& [text, report] = GetParam();
  EXPECT_THAT(reports(load({yaml(text)})), ElementsAre("base base.yaml:" + report)) << text;
}

INSTANTIATE_TEST_SUITE_P(
    Document, DocumentFault,
    testing::Values(
        Whole{"apiVersion: holdfast/v2\nservices: {a: {command: [x]}}",
              "1:13: apiVersion: expected holdfast/v1 (got \"holdfast/v2\")"},
        Whole{"servics: {}\nservices: {a: {command: [x]}}",
              "1:1: servics: unknown key 'servics'; did you mean 'services'?"},
        Whole{"services: [a]", "1:11: services: a map of services by name is expected (got a list)"},
        Whole{"services:\n  Web_1: {command: [x]}",
              "2:3: services.Web_1: a service's name is made of 1 to 63 lower-case letters, digits and '-', "
              "and begins "
              "and ends with a letter or digit (got \"Web_1\")"},
        Whole{"services: {a: {command: [x]}}\nstreaming: {service: A}",
              "2:22: streaming.service: expected the name of a service (got \"A\")"},
        Whole{"services: {a: {command: [x]}}\ncontroller: {listen: 8010}",
              "2:22: controller.listen: expected an address such as 127.0.0.1:8010, [::1]:8010 or "
              "unix:/run/holdfast.sock (got 8010)"},
        Whole{"services: {a: {command: [x]}}\ncontroller: {metrics: {listen: \"x:99999\"}}",
              "2:32: controller.metrics.listen: expected an address such as 127.0.0.1:8010, [::1]:8010 or "
              "unix:/run/holdfast.sock (got \"x:99999\")"},
        Whole{"services: {a: {command: [x]}}\ncontroller: {tls: {certFile: a}}",
              "2:19: controller.tls: certFile and keyFile go together: set both or none"},
        Whole{"services: {a: {command: [x]}}\ncontroller: {resync: 0s}",
              "2:22: controller.resync: expected a duration of at least 1s (got \"0s\")"},
        Whole{"services: {a: {command: [x]}}\ncontroller: {workers: 0}",
              "2:23: controller.workers: expected a whole number from 1 to 256 (got 0)"},
        Whole{"services: {a: {command: [x]}}\ncontroller: {auth: {kubernetes: yes}}",
              "2:33: controller.auth.kubernetes: expected true or false (got \"yes\")"},
        Whole{"services:\n  a: {command: [x], dependsOn: {b: started}}\n  b: {command: [x], dependsOn: {c: "
              "healthy}}\n"
              "  c: {command: [x], dependsOn: {a: completed}}",
              "4:33: services.c.dependsOn.a: services wait for each other: a -> b -> c -> a; take one of "
              "these away"}));

TEST(Faults, ComeAllAtOnceInDocumentOrder) {
  const auto loaded =
      load({yaml("services:\n  b: {command: [x], nope: 1}\n  a: {command: [x], replicas: x}\n"),
            json(R"({"services": {"b": {"stop": {"signal": "X"}}}})", "edits")});
  EXPECT_THAT(reports(loaded), ElementsAre(HasSubstr("base.yaml:2:21: services.b.nope"),
                                           HasSubstr("base.yaml:3:31: services.a.replicas"),
                                           HasSubstr("edits.json:1:40: services.b.stop.signal")));
}

TEST(Faults, NameTheKeyInJsonToo) {
  const auto loaded =
      load({json("{\"services\": {\"web\": {\"command\": [\"x\"],\n  \"a\\\"b\" : {\"x\": 1}}}}")});
  EXPECT_THAT(reports(loaded),
              ElementsAre(HasSubstr("base.json:2:3: services.web.\"a\\\"b\": unknown key 'a\"b'")));
}

// Whatever is wrong around a value that may be a secret, the value is in no message.
TEST(Faults, NeverShowASecret) {
  for (const std::string service : {
           "{command: [x], env: {A: {secret: hunter2}}}",
           "{command: [x], env: {A: {secret: {value: hunter2}}}}",
           "{command: [x], env: {A: {secret: {file: [hunter2]}}}}",
           "{command: [x], env: {A: {secret: {file: {a: hunter2}}}}}",
           "{command: [x], env: {A: {secret: {kubernetes: hunter2}}}}",
           "{command: [x], env: {A: {secret: {kubernetes: {name: [hunter2], key: 5}}}}}",
           "{command: [x], env: {A: [hunter2]}}",
           "{command: [x], env: {A: \"${hunter2_} hunter2 ${\"}, parameters: {hunter2_: 1}}",
           "{command: [x], env: hunter2}",
       }) {
    const auto found = faults_of(service);
    EXPECT_THAT(found, Not(testing::IsEmpty())) << service;
    for (const auto& report : found) EXPECT_THAT(report, Not(HasSubstr("hunter2"))) << service;
  }
}

TEST(Faults, CutLongValues) {
  const auto found = faults_of("{command: [x], desired: \"" + std::string(300, 'x') + "\"}");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_LT(found[0].size(), 200u);
}

TEST(Dependencies, ALongChainIsNoCycleAndNoStackOverflow) {
  std::string text = "{\"services\":{\"s0\":{\"command\":[\"x\"]}";
  for (int i = 1; i < 5000; ++i)
    text += ",\"s" + std::to_string(i) + "\":{\"command\":[\"x\"],\"dependsOn\":{\"s" +
            std::to_string(i - 1) + "\":\"started\"}}";
  const auto loaded = load({json(text + "}}")});
  EXPECT_TRUE(loaded.document) << text_of(loaded).substr(0, 500);
}

}  // namespace
}  // namespace holdfast::config
