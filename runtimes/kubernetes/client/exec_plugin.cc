// The run of a credential plugin.
// Source: https://kubernetes.io/docs/reference/config-api/client-authentication.v1/
#include "controller/base/base64.h"
#include "runtimes/kubernetes/client/command.h"
#include "runtimes/kubernetes/client/credentials.h"

namespace holdfast::kubernetes {

// What the plugin is told, as the variable KUBERNETES_EXEC_INFO.
std::string Credentials::plugin_question() const {
  auto spec = Json::object({{"interactive", false}});
  if (access_.plugin->provide_cluster_info) {
    auto cluster = Json::object({{"server", access_.server}});
    if (!access_.tls_server_name.empty()) cluster.set("tls-server-name", access_.tls_server_name);
    if (!access_.verify) cluster.set("insecure-skip-tls-verify", true);
    std::string ca = access_.ca.text;
    if (ca.empty() && !access_.ca.path.empty()) {
      WatchedFile file;
      ca = file.text(access_.ca.path, clock_.now()).value_or(std::string());
    }
    if (!ca.empty()) cluster.set("certificate-authority-data", base64_encode(ca));
    spec.set("cluster", std::move(cluster));
  }
  return dump_json(Json::object(
      {{"apiVersion", access_.plugin->api_version}, {"kind", "ExecCredential"}, {"spec", std::move(spec)}}));
}

Result<Credentials::PluginGrant> Credentials::run_plugin() const {
  const auto& plugin = *access_.plugin;
  const auto what = access_.where + ": the credential plugin " + plugin.argv.at(0);
  auto environment = plugin.environment;
  environment.push_back("KUBERNETES_EXEC_INFO=" + plugin_question());
  const auto run = run_command(plugin.argv, environment, plugin_deadline_);
  if (!run) {
    auto error = run.error();
    // Not a word of the objects that are asked for.
    error.code = error.code == ErrorCode::kTimeout ? ErrorCode::kTimeout : ErrorCode::kUnavailable;
    error.message = access_.where + ": credential plugin: " + error.message;
    error.hint = plugin.install_hint;
    return fail(std::move(error));
  }
  if (run->exit_code != 0) {
    return fail(ErrorCode::kUnavailable,
                what + " ended with code " + std::to_string(run->exit_code) +
                    (run->last_error_line.empty() ? "" : ": " + run->last_error_line),
                plugin.install_hint);
  }
  auto answer = parse_answer(run->out);
  if (!answer) answer.error().message = what + " " + answer.error().message;
  return answer;
}

// Errors hold nothing of the answer.
Result<Credentials::PluginGrant> Credentials::parse_answer(const std::string& out) const {
  const auto json = parse_json(out);
  if (!json || !json->is_object()) return fail(ErrorCode::kUnavailable, "didn't write JSON");
  if (json->at("kind").as_string() != "ExecCredential")
    return fail(ErrorCode::kUnavailable, "didn't write an ExecCredential");
  if (json->at("apiVersion").as_string() != access_.plugin->api_version)
    return fail(ErrorCode::kUnavailable, "speaks another version than " + access_.plugin->api_version);
  const auto& status = json->at("status");
  PluginGrant grant{.token = status.at("token").as_string(),
                    .certificate = status.at("clientCertificateData").as_string(),
                    .key = status.at("clientKeyData").as_string()};
  if (grant.certificate.empty() != grant.key.empty())
    return fail(ErrorCode::kUnavailable, "told only one of client certificate and key");
  if (grant.token.empty() && grant.certificate.empty())
    return fail(ErrorCode::kUnavailable, "told neither a token nor a client certificate");
  if (const auto& expires = status.at("expirationTimestamp").as_string(); !expires.empty()) {
    grant.expires = parse_rfc3339(expires);
    if (!grant.expires) return fail(ErrorCode::kUnavailable, "told an expirationTimestamp that is no time");
  }
  return grant;
}

}  // namespace holdfast::kubernetes
