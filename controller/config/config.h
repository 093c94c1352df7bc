// From layers of text to validated values. Pure: no file is read here (see layer_files.h for that).
//
//   texts -> parse with positions -> merge (RFC 7396, keeping origins) -> defaults -> validate -> decode ->
//   hash
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/json.h"
#include "controller/model/config_view.h"
#include "controller/model/service_spec.h"

namespace holdfast::config {

// Which of several controllers acts, by a Lease of the cluster that they run in.
struct LeaderElection {
  bool enabled = false;
  std::string namespace_, name = "holdfast";  // of the Lease; empty: the controller's own namespace
  Duration lease_duration = std::chrono::seconds{15};
  Duration renew_deadline = std::chrono::seconds{10};
  Duration retry_period = std::chrono::seconds{2};
  bool operator==(const LeaderElection&) const = default;
};

struct ControllerSettings {
  std::string listen = "127.0.0.1:8010";
  std::string metrics_listen = "127.0.0.1:9464";
  bool metrics_public = false;  // anybody who reaches that address may read them
  std::string tls_cert_file, tls_key_file;
  std::string auth_tokens_file;
  bool auth_kubernetes = false;
  std::vector<std::string> allowed_hosts;
  Duration resync = std::chrono::seconds{30};
  int workers = 4;
  bool allow_empty = false;
  LeaderElection leader_election;
};

struct ParsedLayer;

struct Document {
  Json merged;                            // with defaults; services by name, in order
  std::map<std::string, Origin> origins;  // JSON pointer of each leaf
  std::map<std::string, SpecPtr> services;
  std::string streaming_service = "streaming";
  ControllerSettings controller;
  std::vector<Json> layers;                                // each layer's own document, low to high
  std::vector<std::shared_ptr<const ParsedLayer>> parsed;  // lets the next load() skip what hasn't changed
};

// One layer's text. Format by file extension: .json is JSON, everything else YAML (of which JSON is nearly a
// subset).
struct LayerText {
  std::string layer;  // "base", "overlay", "configmap", "edits"
  std::string file;
  std::string text;
  bool operator==(const LayerText&) const = default;
};

// All faults at once, in document order; empty exactly when document is set.
struct Loaded {
  std::optional<Document> document;
  std::vector<ConfigError> errors;
};

// Layers low to high. A service that is equal to the one in `previous` is reused as the same pointer with its
// generation; a changed one gets generation + 1, a new one 1.
Loaded load(const std::vector<LayerText>& layers, const std::map<std::string, SpecPtr>& previous = {});
// The same, faster: a layer whose text is the same isn't parsed again, a service whose merged tree is the
// same isn't checked or decoded again.
Loaded load(const std::vector<LayerText>& layers, const Document& previous);

// One layer alone, as it is: only its syntax is checked.
Result<Json> parse_document(const LayerText& layer);

// One error of several for an answer: code kInvalid, message of the first, details of all.
Error to_error(const std::vector<ConfigError>& errors);

// "30s" "1h30m" "250ms"; "512Mi" "1.5G"; "0.5" "500m" (thousandths of a core). kInvalid says what is
// expected.
Result<Duration> parse_duration(std::string_view text);
Result<std::int64_t> parse_quantity_bytes(std::string_view text);
Result<std::int64_t> parse_cpu_millis(std::string_view text);
std::string format_duration(Duration duration);

// Paths below services.NAME that differ, for a preview: {"restart.policy", ...}.
std::vector<std::string> changed_paths(const Json& before, const Json& after);

}  // namespace holdfast::config
