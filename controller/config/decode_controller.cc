#include <algorithm>
#include <charconv>

#include "controller/config/decode.h"

namespace holdfast::config {

namespace {

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port <= 65535;
}

// host:port, [v6]:port or unix:/path.
bool is_listen_address(std::string_view text) {
  if (text.starts_with("unix:")) return text.size() > 6 && text[5] == '/';
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || !is_port(text.substr(colon + 1))) return false;
  const auto host = text.substr(0, colon);
  if (host.starts_with('[')) {
    return host.size() > 3 && host.ends_with(']') &&
           host.find_first_not_of("0123456789abcdefABCDEF:.%", 1) == host.size() - 1;
  }
  return !host.empty() && std::all_of(host.begin(), host.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  });
}

void read_listen(Fields& fields, std::string& out) {
  const Node* node = fields.take("listen");
  if (!node) return;
  if (node->is_string() && is_listen_address(node->scalar.as_string()))
    out = node->scalar.as_string();
  else
    fields.fault(*node, fields.at("listen"),
                 "expected an address such as 127.0.0.1:8010, [::1]:8010 or unix:/run/holdfast.sock");
}

// As client-go checks them: the leader must give up before another one may take over.
LeaderElection read_leader_election(Reading& reading, const Node& node, const Path& path) {
  using std::chrono::milliseconds;
  LeaderElection election;
  Fields fields(reading, node, path);
  fields.boolean("enabled", election.enabled);
  fields.text("namespace", election.namespace_);
  fields.non_empty_text("name", election.name);
  fields.duration("leaseDuration", election.lease_duration, std::chrono::seconds{1});
  fields.duration("renewDeadline", election.renew_deadline, milliseconds{100});
  fields.duration("retryPeriod", election.retry_period, milliseconds{100});
  if (election.renew_deadline >= election.lease_duration)
    fields.fault(node, fields.path(), "renewDeadline must be shorter than leaseDuration");
  if (election.retry_period * 6 / 5 >= election.renew_deadline)
    fields.fault(node, fields.path(), "retryPeriod must be shorter than renewDeadline, by a fifth at least");
  fields.finish();
  return election;
}

}  // namespace

ControllerSettings decode_controller(Reading& reading, const Node& node, const Path& path) {
  ControllerSettings settings;
  Fields fields(reading, node, path);
  read_listen(fields, settings.listen);
  if (const Node* metrics = fields.take("metrics")) {
    Fields inner(reading, *metrics, fields.at("metrics"));
    read_listen(inner, settings.metrics_listen);
    inner.boolean("public", settings.metrics_public);
    inner.finish();
  }
  if (const Node* tls = fields.take("tls")) {
    Fields inner(reading, *tls, fields.at("tls"));
    inner.text("certFile", settings.tls_cert_file);
    inner.text("keyFile", settings.tls_key_file);
    if (settings.tls_cert_file.empty() != settings.tls_key_file.empty())
      inner.missing("certFile and keyFile go together: set both or none");
    inner.finish();
  }
  if (const Node* auth = fields.take("auth")) {
    Fields inner(reading, *auth, fields.at("auth"));
    inner.text("tokensFile", settings.auth_tokens_file);
    inner.boolean("kubernetes", settings.auth_kubernetes);
    inner.finish();
  }
  fields.texts("allowedHosts", settings.allowed_hosts);
  fields.duration("resync", settings.resync, std::chrono::seconds{1});
  fields.integer("workers", settings.workers, 1, 256);
  fields.boolean("allowEmpty", settings.allow_empty);
  if (const Node* election = fields.take("leaderElection"))
    settings.leader_election = read_leader_election(reading, *election, fields.at("leaderElection"));
  fields.finish();
  return settings;
}

}  // namespace holdfast::config
