// What a declaration means: parameters, schemas, the program's words, and which change replaces an instance.
#include "controller/config/config.h"
#include "controller/config/spec_hash.h"
#include "tests/unit/config/common.h"

namespace holdfast::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Argv = std::vector<std::string>;

TEST(Substitution, PutsScalarsInAsTheyAreWritten) {
  const auto spec =
      web("{command: [\"/opt/${name}/bin\", \"a ${s} b\"], args: [\"${i}\", \"${d}\", \"${b}\", "
          "\"${i}${i}\", \"x$y$$\"],"
          " env: {A: \"v=${s}\"}, workingDir: \"/w/${name}\","
          " health: {liveness: {exec: {command: [check, \"${i}\"]}}},"
          " collectors: {q: {sqlite: {path: \"${name}.db\", query: \"SELECT '${i}', 1\"}}},"
          " parameters: {name: app, s: \"b c; $(d) 'e'\", i: 5, d: 2.50, b: true}}");
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->argv, (Argv{"/opt/app/bin", "a b c; $(d) 'e' b", "5", "2.5", "true", "55", "x$y$$"}));
  EXPECT_EQ(spec->env.at("A"), EnvValue("v=b c; $(d) 'e'"));
  EXPECT_EQ(spec->working_dir, "/w/app");
  EXPECT_EQ(std::get<ExecProbe>(spec->health.liveness->check).command, (Argv{"check", "5"}));
  const auto& sqlite = std::get<SqliteCollector>(spec->collectors.at("q").source);
  EXPECT_EQ(sqlite.path, "app.db");
  EXPECT_EQ(sqlite.query, "SELECT '${i}', 1");
}

// A value that looks like YAML, like a list or like another parameter stays one word.
TEST(Substitution, HappensAfterParsingAndOnce) {
  const auto spec =
      web("{command: [x], args: [\"${a}\", \"${b}\", \"${c}\"], parameters: {a: \"${b}\", b: \"x: [1, 2]\\n- "
          "y\", c: \"p "
          "q\"}}");
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->argv, (Argv{"x", "${b}", "x: [1, 2]\n- y", "p q"}));
}

TEST(Substitution, ADoubledDollarIsLiteral) {
  const auto spec =
      web("{command: [x], args: [\"$${a}\", \"$$${a}\", \"$\", \"$a\", \"}\"], parameters: {a: v}}");
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->argv, (Argv{"x", "${a}", "$${a}", "$", "$a", "}"}));
}

TEST(Substitution, IsBounded) {
  std::string args;
  for (int i = 0; i < 200; ++i) args += "\"${a}\",";
  const auto found = faults_of("{command: [x], args: [" + args + "], parameters: {a: \"" +
                               std::string(10'000, 'x') + "\"}}");
  ASSERT_FALSE(found.empty());
  EXPECT_THAT(found[0], HasSubstr("longer than 1 MiB with its parameters put in"));
}

TEST(Arguments, FlagsAreTakenWhenTheirParameterIsTrue) {
  const auto spec =
      web("{command: [x], args: [a, {when: yes_, args: [--on, \"${p}\"]}, {when: no_, args: [--off]},"
          " {when: unset, args: [--unset]}], parameters: {yes_: true, no_: false, p: 1},"
          " parameterSchema: {properties: {unset: {type: boolean}}}}");
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->argv, (Argv{"x", "a", "--on", "1"}));
}

TEST(Environment, ValuesAreKeptWhole) {
  const auto spec =
      web("{command: [x], env: {A: b=c, B: \"=x==\", C: \"\", D: \" a \", X.Y-Z_1: \"# no comment\"}}");
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->env,
            (std::map<std::string, EnvValue>{
                {"A", "b=c"}, {"B", "=x=="}, {"C", ""}, {"D", " a "}, {"X.Y-Z_1", "# no comment"}}));
}

TEST(Signals, HaveNamesAndNumbers) {
  for (const auto& [text, number] : std::map<std::string, int>{{"TERM", 15},
                                                               {"SIGTERM", 15},
                                                               {"term", 15},
                                                               {"sigint", 2},
                                                               {"KILL", 9},
                                                               {"USR1", 10},
                                                               {"9", 9},
                                                               {"\"15\"", 15},
                                                               {"64", 64}}) {
    const auto spec = web("{command: [x], stop: {signal: " + text + "}}");
    ASSERT_TRUE(spec);
    EXPECT_EQ(spec->stop.signal, number) << text;
  }
}

TEST(Users, AreNamesOrNumbers) {
  EXPECT_EQ(web("{command: [x], user: 1000}")->user, "1000");
  EXPECT_EQ(web("{command: [x], user: \"1000\"}")->user, "1000");
  EXPECT_EQ(web("{command: [x], user: nobody}")->user, "nobody");
}

TEST(Resources, TakeNumbersAndQuantities) {
  EXPECT_EQ(web("{command: [x], resources: {cpu: 0.1, memory: 1048576}}")->resources,
            (Resources{100, 1 << 20, std::nullopt}));
  EXPECT_EQ(web("{command: [x], resources: {cpu: 2}}")->resources,
            (Resources{2000, std::nullopt, std::nullopt}));
}

// ---- parameterSchema

TEST(Schema, DefaultsFillInAndAreTraced) {
  const auto loaded =
      load({yaml("services:\n  web:\n    command: [x, \"${a}\", \"${b}\"]\n    parameters: {b: 2}\n"
                 "    parameterSchema:\n      properties:\n        a: {type: integer, default: 1}\n"
                 "        b: {type: integer, default: 9}\n")});
  ASSERT_TRUE(loaded.document) << text_of(loaded);
  EXPECT_EQ(loaded.document->services.at("web")->argv, (Argv{"x", "1", "2"}));
  EXPECT_EQ(loaded.document->origins.at("/services/web/parameters/a"), (Origin{"base", "base.yaml", 7, 37}));
  EXPECT_EQ(loaded.document->merged.at("services").at("web").at("parameters").at("a").as_int(), 1);
}

TEST(Schema, EveryParameterAtFaultIsNamed) {
  const auto loaded = load({yaml(
      "services:\n  web:\n    command: [x]\n    parameters: {workers: 99, level: LOUD, dir: 5,\n"
      "      list: [1, x], url: abc}\n"
      "    parameterSchema:\n      required: [name]\n      properties:\n"
      "        workers: {type: integer, minimum: 1, maximum: 32}\n        level: {enum: [DEBUG, INFO]}\n"
      "        dir: {type: string}\n        list: {type: array, items: {type: integer}}\n"
      "        url: {type: string, pattern: '^https?://'}\n")});
  EXPECT_THAT(
      reports(loaded),
      ElementsAre(
          "base base.yaml:4:17: services.web.parameters: doesn't fit parameterSchema: missing required "
          "property 'name'",
          "base base.yaml:4:27: services.web.parameters.workers: doesn't fit parameterSchema: expected "
          "number less "
          "than or equal to 32 (expected: integer, minimum 1, maximum 32) (got 99)",
          "base base.yaml:4:38: services.web.parameters.level: doesn't fit parameterSchema: failed to match "
          "against "
          "any enum values (expected: enum [\"DEBUG\",\"INFO\"]) (got \"LOUD\")",
          "base base.yaml:4:49: services.web.parameters.dir: doesn't fit parameterSchema: value type not "
          "permitted by "
          "'type' constraint (expected: string) (got 5)",
          HasSubstr("base base.yaml:5:17: services.web.parameters.list.1: doesn't fit parameterSchema"),
          HasSubstr("base base.yaml:5:26: services.web.parameters.url: doesn't fit parameterSchema: failed "
                    "to match "
                    "regex")));
}

TEST(Schema, AnEditThatBreaksItIsBlamed) {
  const auto loaded =
      load({yaml("services: {web: {command: [x], parameters: {n: 1}, parameterSchema: {properties: {n: "
                 "{type: integer}}}}}"),
            json("{\"services\": {\"web\": {\"parameters\": {\"n\": \"a\"}}}}", "edits")});
  EXPECT_THAT(reports(loaded), ElementsAre(HasSubstr("edits edits.json:1:43: services.web.parameters.n: ")));
}

TEST(Schema, WhatIsNoneIsRefused) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"[]", "expected a JSON Schema"},
      {"{properties: 5}", "not a JSON Schema of draft 7"},
      {"{properties: {a: {type: 5}}}", "not a JSON Schema of draft 7"},
      {"{properties: {a: {type: nothing}}}", "not a JSON Schema of draft 7"},
      {"{properties: {n: {multipleOf: 0}}}", "multipleOf must be above zero"},
      {"{properties: {n: {multipleOf: -0.5}}}", "multipleOf must be above zero"},
      {"{$ref: '#'}", "$ref isn't supported"},
      {"{properties: {a: {$ref: '#/properties/a'}}}", "$ref isn't supported"},
      {"{allOf: [{$ref: 'http://127.0.0.1/x'}]}", "$ref isn't supported"},
      {"{properties: {a: {pattern: '(a+)+$'}}}", "can take for ever"},
      {"{properties: {a: {pattern: '((a*)b)*$'}}}", "can take for ever"},
      {"{properties: {a: {pattern: '('}}}", "the schema can't be applied"},
      {"{properties: {a: {pattern: '" + std::string(300, 'a') + "'}}}",
       "a pattern of more than 256 characters"},
  };
  for (const auto& [schema, message] : cases) {
    const auto found =
        faults_of("{command: [x], parameters: {a: aaaa, n: 7}, parameterSchema: " + schema + "}");
    ASSERT_EQ(found.size(), 1u) << schema << testing::PrintToString(found);
    EXPECT_THAT(found[0], HasSubstr("services.web.parameterSchema")) << schema;
    EXPECT_THAT(found[0], HasSubstr(message)) << schema;
  }
}

// The matcher recurses once per character.
TEST(Schema, LongStringsNeverMeetAPattern) {
  const auto long_value = std::string(300'000, 'a');
  for (const std::string keyword : {"pattern: '^(a|b)*$'", "format: date-time"}) {
    const auto found = faults_of("{command: [x], parameters: {a: " + long_value +
                                 "}, parameterSchema: {properties: {a: {maxLength: 5, " + keyword + "}}}}");
    ASSERT_EQ(found.size(), 1u);
    EXPECT_THAT(found[0], HasSubstr("longer than 1024 bytes")) << keyword;
  }
  EXPECT_TRUE(web("{command: [x], parameters: {a: " + std::string(1024, 'a') +
                  "}, parameterSchema: {properties: {a: {pattern: '^(a|b)*$'}}}}"));
}

TEST(Schema, ConstraintsOfDraft7Count) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{const: 1}", "2"},
      {"{exclusiveMinimum: 1}", "1"},
      {"{if: {type: integer}, then: {minimum: 5}}", "3"},
      {"{not: {type: string}}", "x"},
      {"{oneOf: [{type: string}, {type: boolean}]}", "3"},
      {"{contains: {type: string}}", "[1]"},
      {"{propertyNames: {maxLength: 1}}", "{ab: 1}"},
      {"{uniqueItems: true}", "[1, 1]"},
      {"{format: date}", "x"},
  };
  for (const auto& [schema, value] : cases) {
    const auto found = faults_of("{command: [x], parameters: {a: " + value +
                                 "}, parameterSchema: {properties: {a: " + schema + "}}}");
    EXPECT_FALSE(found.empty()) << schema;
    if (!found.empty()) {
      EXPECT_THAT(found[0], HasSubstr("services.web.parameters")) << schema;
    }
  }
}

// ---- spec hash

TEST(SpecHash, WrittenDifferentlyButMeantTheSame) {
  const std::vector<std::array<std::string, 2>> cases = {
      {"{command: [x], resources: {cpu: 1000m}}", "{command: [x], resources: {cpu: \"1\"}}"},
      {"{command: [x], resources: {cpu: 1}}", "{command: [x], resources: {cpu: 1.0}}"},
      {"{command: [x], resources: {memory: 1Gi}}", "{command: [x], resources: {memory: 1024Mi}}"},
      {"{command: [x], env: {A: a, B: b}}", "{env: {B: b, A: a}, command: [x]}"},
      {"{command: [x, y]}", "{command: [x], args: [y]}"},
      {"{command: [x], args: [\"5\"]}", "{command: [x], args: [\"${n}\"], parameters: {n: 5}}"},
      {"{command: [x], process: {limits: {nofile: 1024}}}",
       "{command: [x], process: {limits: {nofile: 1Ki}}}"},
      {"{command: [x]}", "{command: [x], process: {nice: 0}}"},
  };
  for (const auto& [a, b] : cases) EXPECT_EQ(web(a)->spec_hash, web(b)->spec_hash) << a << " | " << b;
}

TEST(SpecHash, WhatHoldfastDoesItselfReplacesNothing) {
  const auto plain = web("{command: [x]}");
  for (const std::string more :
       {"desired: stopped", "replicas: 3", "restart: {policy: never}", "stop: {signal: INT}",
        "health: {liveness: {tcp: {port: 1}}}", "labels: {a: b}", "logs: {maxFiles: 9}", "parameters: {a: 1}",
        "collectors: {q: {prometheus: {port: 1}}}", "parameterSchema: {properties: {a: {type: integer}}}"}) {
    EXPECT_EQ(web("{command: [x], " + more + "}")->spec_hash, plain->spec_hash) << more;
  }
}

TEST(SpecHash, WhatTheRuntimeNeedsReplaces) {
  std::set<std::string> hashes;
  for (const std::string service : {"{command: [x]}",
                                    "{command: [y]}",
                                    "{command: [x, y]}",
                                    "{command: [x y]}",
                                    "{command: [x, \"\"]}",
                                    "{command: [x], env: {A: a}}",
                                    "{command: [x], env: {A: b}}",
                                    "{command: [x], env: {A: {secret: {file: a}}}}",
                                    "{command: [x], env: {A: {secret: {env: a}}}}",
                                    "{command: [x], env: {A: {secret: {file: b}}}}",
                                    "{command: [x], workingDir: /a}",
                                    "{command: [x], user: a}",
                                    "{command: [x], resources: {cpu: 1}}",
                                    "{command: [x], resources: {memory: 1}}",
                                    "{command: [x], resources: {pids: 1}}",
                                    "{command: [x], runtime: process}",
                                    "{command: [x], process: {nice: 1}}",
                                    "{command: [x], process: {limits: {nofile: 1}}}",
                                    "{command: [x], docker: {image: a}}",
                                    "{command: [x], kubernetes: {image: a}}"}) {
    EXPECT_TRUE(hashes.insert(web(service)->spec_hash).second) << service;
  }
}

TEST(SpecHash, OptionsOfOtherRuntimesDontCount) {
  EXPECT_EQ(web("{command: [x], runtime: process}")->spec_hash,
            web("{command: [x], runtime: process, docker: {image: a}, kubernetes: {image: b}}")->spec_hash);
  EXPECT_EQ(web("{runtime: docker, docker: {image: a}}")->spec_hash,
            web("{runtime: docker, docker: {image: a}, process: {nice: 3}}")->spec_hash);
}

// Recorded with running instances: another release must give the same, or it would restart everything.
TEST(SpecHash, StaysTheSameAcrossReleases) {
  EXPECT_EQ(
      web("{command: [x], args: [y], env: {A: a, B: {secret: {file: /f}}}, resources: {cpu: 1, memory: 1Gi}}")
          ->spec_hash,
      "3cd467350b78b31be57fcac2287e1a86");
  EXPECT_EQ(web("{runtime: docker, docker: {image: a}}")->spec_hash, "087f5b5c0d7d413c3db729ad912a388a");
  EXPECT_EQ(web("{command: [x], docker: {image: a}}")->spec_hash, "e6ae90f4d40bbabad2729145b4cfe396");
  EXPECT_EQ(
      web("{runtime: docker, command: [x, y], env: {A: b}, user: \"5\", docker: {image: \"a:1\", pullPolicy: "
          "always, network: host, volumes: [\"/d:/d:ro\"], ports: [\"80:80\"]}}")
          ->spec_hash,
      "796a8985d122a1f2e90ad5bb90db2a29");
  EXPECT_EQ(web("{runtime: docker, docker: {container: contimg-stream}}")->spec_hash,
            "bc5ef753c51703c8061e507c68cfcb62");
}

}  // namespace
}  // namespace holdfast::config
