// Configuration documents that no controller may accept, and what their author has to be told.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace holdfast::test {

struct BadDocument {
  std::string name;  // of the case
  std::string file;  // its extension decides the format
  std::string text;
  std::string place;  // LINE:COLUMN; empty: any
  std::string told;   // a part of the message
};

inline void PrintTo(const BadDocument& document, std::ostream* out) {
  *out << document.name;
}

inline std::string bomb() {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const auto before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int k = 1; k < 10; ++k) text += ", " + before;
    text += "]\n";
  }
  return text;
}

inline std::string nested(const std::string& opening) {
  constexpr int kDepth = 100'000;
  return opening + std::string(kDepth, '[') + std::string(kDepth, ']');
}

inline const std::vector<BadDocument>& bad_documents() {
  using namespace std::string_literals;
  static const std::string web =
      "apiVersion: holdfast/v1\nservices:\n  web:\n    command: [sleep, \"1000\"]\n";
  static const std::vector<BadDocument> documents = {
      {"Syntax", "x.yaml", web + "    args: [a, b\n", "6:1", "YAML"},
      {"JsonSyntax", "x.json", "{\"services\":\n {\"web\": ,}}", "2:10", "Invalid value"},
      {"UnknownKey", "x.yaml", web + "    replica: 2\n", "5:5",
       "services.web.replica: unknown key 'replica'; did you mean 'replicas'?"},
      {"MistypedCommand", "x.yaml", "services:\n  web: {comand: [sleep]}\n", "2:9",
       "services.web.comand: unknown key 'comand'; did you mean 'command'?"},
      {"WrongType", "x.yaml", web + "    replicas: many\n", "5:15",
       "services.web.replicas: expected a whole number from 0 to 1000 (got \"many\")"},
      {"OutOfRange", "x.yaml", web + "    replicas: 1001\n", "5:15",
       "services.web.replicas: expected a whole number from 0 to 1000"},
      {"DuplicateKey", "x.yaml", web + "    command: [sleep, \"2\"]\n", "5:5",
       "services.web.command: duplicate key 'command', first on line 4"},
      {"JsonDuplicateKey", "x.json", "{\"services\": {},\n \"services\": {}}", "2:2",
       "duplicate key 'services'"},
      {"Cycle", "x.yaml",
       web + "    dependsOn: {db: started}\n  db: {command: [x], dependsOn: {web: started}}\n", "",
       "services wait for each other"},
      {"Bomb", "x.yaml", bomb(), "", "more than 250000 values"},
      {"DeepNesting", "x.yaml", nested("services: "), "1:", "nested deeper than 64 levels"},
      {"JsonDeepNesting", "x.json", nested("{\"services\": "), "1:", "nested deeper than 64 levels"},
      {"InvalidUtf8", "x.yaml", web + "    labels: {a: \"\xff\xfe\"}\n", "5:18", "invalid UTF-8"},
      {"NulByte", "x.yaml", web + "    labels: {a: \"b\0c\"}\n"s, "5:", "NUL"},
      {"NothingWanted", "x.yaml", "services: {}\n", "", "allowEmpty"},
      {"NoMap", "x.yaml", "just some words\n", "1:1", "map"},
  };
  return documents;
}

}  // namespace holdfast::test
