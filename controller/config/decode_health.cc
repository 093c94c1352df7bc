#include <algorithm>
#include <utility>

#include "controller/config/decode.h"

namespace holdfast::config {

namespace {

// A host or path goes into the request as it is: no blank, no control character.
bool is_printable_word(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > ' ' && c != 0x7F; });
}

HttpProbe read_http(Reading& reading, const Node& node, Path path) {
  HttpProbe probe;
  Fields fields(reading, node, path);
  read_endpoint(fields, probe.host, probe.port, &probe.path);
  fields.boolean("tls", probe.tls);
  fields.finish();
  return probe;
}

TcpProbe read_tcp(Reading& reading, const Node& node, Path path) {
  TcpProbe probe;
  Fields fields(reading, node, path);
  read_endpoint(fields, probe.host, probe.port, nullptr);
  fields.finish();
  return probe;
}

ExecProbe read_exec(Reading& reading, const Node& node, Path path, Substitution& parameters) {
  ExecProbe probe;
  Fields fields(reading, node, path);
  const Node* command = fields.take("command");
  if (command) probe.command = parameters.apply_list(*command, fields.at("command"));
  if (command && command->is_array() &&
      (command->items.empty() ||
       (command->items[0].is_string() && command->items[0].scalar.as_string().empty())))
    fields.fault(*command, fields.at("command"), "expected the program to run as the first item");
  if (!command) fields.missing("command is missing: the program to run and its arguments");
  fields.finish();
  return probe;
}

template <typename Kind>
Kind read_within(Reading& reading, const Node& node, Path path) {
  Kind probe;
  Fields fields(reading, node, path);
  fields.duration("within", probe.within, std::chrono::milliseconds{1});
  fields.finish();
  return probe;
}

Probe read_probe(Reading& reading, const Node& node, Path path, Substitution& parameters) {
  Probe probe;
  Fields fields(reading, node, path);
  std::string_view kind;
  const Node* check = exactly_one(fields, {"http", "tcp", "exec", "heartbeat", "notify"}, &kind);
  if (kind == "http") probe.check = read_http(reading, *check, fields.at(kind));
  if (kind == "tcp") probe.check = read_tcp(reading, *check, fields.at(kind));
  if (kind == "exec") probe.check = read_exec(reading, *check, fields.at(kind), parameters);
  if (kind == "heartbeat") probe.check = read_within<HeartbeatProbe>(reading, *check, fields.at(kind));
  if (kind == "notify") probe.check = read_within<NotifyProbe>(reading, *check, fields.at(kind));
  fields.duration("initialDelay", probe.initial_delay);
  fields.duration("interval", probe.interval, std::chrono::milliseconds{10});
  fields.duration("timeout", probe.timeout, std::chrono::milliseconds{1});
  fields.integer("successThreshold", probe.success_threshold, 1, 1000);
  fields.integer("failureThreshold", probe.failure_threshold, 1, 100'000);
  fields.finish();
  return probe;
}

CollectorSpec read_collector(Reading& reading, const Node& node, Path path, Substitution& parameters) {
  CollectorSpec collector;
  Fields fields(reading, node, path);
  std::string_view kind;
  const Node* source = exactly_one(fields, {"sqlite", "prometheus"}, &kind);
  if (kind == "sqlite") {
    SqliteCollector sqlite;
    Fields inner(reading, *source, fields.at(kind));
    const Node* file = inner.take("path");
    if (file) sqlite.path = parameters.apply_text(*file, inner.at("path"));
    if (!file) inner.missing("path is missing: the database file");
    inner.non_empty_text("query", sqlite.query);
    if (!inner.node().find("query")) inner.missing("query is missing: a SELECT of a label and a number");
    inner.finish();
    collector.source = std::move(sqlite);
  } else if (kind == "prometheus") {
    PrometheusCollector prometheus;
    Fields inner(reading, *source, fields.at(kind));
    read_endpoint(inner, prometheus.host, prometheus.port, &prometheus.path);
    inner.texts("include", prometheus.include);
    inner.finish();
    collector.source = std::move(prometheus);
  }
  fields.duration("interval", collector.interval, std::chrono::milliseconds{100});
  fields.finish();
  return collector;
}

}  // namespace

const Node* exactly_one(Fields& fields, std::initializer_list<std::string_view> names,
                        std::string_view* chosen) {
  const Node* found = nullptr;
  std::string list;
  size_t count = 0;
  for (const auto name : names) {
    list += (list.empty() ? "" : ", ") + std::string(name);
    if (const Node* node = fields.take(name)) {
      ++count;
      found = node;
      *chosen = name;
    }
  }
  if (count == 1) return found;
  *chosen = {};
  if (count == 0)
    fields.missing("exactly one of " + list + " is expected, none is there");
  else
    fields.fault(fields.node(), fields.path(),
                 "exactly one of " + list + " is expected, " + std::to_string(count) +
                     " are there; take one from a lower layer away with null");
  return nullptr;
}

void read_endpoint(Fields& fields, std::string& host, int& port, std::string* path) {
  fields.text("host", host);
  if (const Node* node = fields.node().find("host"); node && node->is_string() && !is_printable_word(host))
    fields.fault(*node, fields.at("host"), "expected a host name or address");
  fields.integer("port", port, 1, 65535);
  if (!fields.node().find("port")) fields.missing("port is missing");
  if (!path) return;
  fields.text("path", *path);
  if (const Node* node = fields.node().find("path");
      node && node->is_string() && (!path->starts_with('/') || !is_printable_word(*path)))
    fields.fault(*node, fields.at("path"), "expected a path that begins with / and holds no blank");
}

HealthSpec decode_health(Reading& reading, const Node& node, const Path& path, Substitution& parameters) {
  HealthSpec health;
  Fields fields(reading, node, path);
  if (const Node* probe = fields.take("startup"))
    health.startup = read_probe(reading, *probe, fields.at("startup"), parameters);
  if (const Node* probe = fields.take("readiness"))
    health.readiness = read_probe(reading, *probe, fields.at("readiness"), parameters);
  if (const Node* probe = fields.take("liveness"))
    health.liveness = read_probe(reading, *probe, fields.at("liveness"), parameters);
  fields.finish();
  return health;
}

std::map<std::string, CollectorSpec> decode_collectors(Reading& reading, const Node& node, const Path& path,
                                                       Substitution& parameters) {
  std::map<std::string, CollectorSpec> collectors;
  if (!node.is_object()) {
    reading.faults.add(node, path, "expected a map of collectors by name");
    return collectors;
  }
  for (const auto& member : node.members) {
    const Path at{&path, member.key};
    if (!is_dns_label(member.key))
      reading.faults.add(member.key_mark, at.text(),
                         "a collector's name is made of lower-case letters, digits and '-'",
                         dump_json(member.key));
    collectors.emplace(member.key, read_collector(reading, member.value, at, parameters));
  }
  return collectors;
}

}  // namespace holdfast::config
