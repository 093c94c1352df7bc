#include "runtimes/kubernetes/client/kubeconfig.h"

#include <array>
#include <filesystem>
#include <utility>

#include "controller/base/base64.h"
#include "controller/base/text.h"
#include "runtimes/kubernetes/client/yaml.h"

namespace holdfast::kubernetes {

namespace {

tl::unexpected<Error> bad_entry(const std::string& file, const std::string& entry, const std::string& why,
                                const std::string& hint = {}) {
  return fail_terminal(ErrorCode::kInvalid, file + ": " + entry + ": " + why, hint);
}

// Nothing else would be a part of the address; a password in it would show in messages.
bool is_address(const std::string& url) {
  const bool web = url.starts_with("https://") || url.starts_with("http://");
  return web && !url.ends_with(':') && url.find_first_of("@?# \t\r\n\"'\\") == std::string::npos;
}

std::string beside(const std::string& file, const std::string& path) {
  const std::filesystem::path given(path);
  return given.is_absolute() ? path : (std::filesystem::path(file).parent_path() / given).string();
}

bool is_true(const Json& value) {
  const auto& text = value.as_string();
  return text == "true" || text == "True" || text == "TRUE";
}

// "client-key-data", which wins, or "client-key".
Result<Material> material(const Json& from, const std::string& key, const std::string& file,
                          const std::string& entry) {
  const auto& coded = from.at(key + "-data").as_string();
  if (!coded.empty()) {
    std::string plain;
    for (const char c : coded) {
      if (c != '\n' && c != ' ' && c != '\r') plain += c;
    }
    auto text = base64_decode(plain);
    if (!text || text->empty()) return bad_entry(file, entry, key + "-data isn't base64");
    return Material{.text = std::move(*text)};
  }
  const auto& path = from.at(key).as_string();
  return path.empty() ? Material{} : Material{.path = beside(file, path)};
}

Result<ExecPlugin> plugin_of(const Json& exec, const std::string& file, const std::string& entry) {
  ExecPlugin out{.api_version = exec.at("apiVersion").as_string(),
                 .install_hint = exec.at("installHint").as_string(),
                 .provide_cluster_info = is_true(exec.at("provideClusterInfo"))};
  if (out.api_version != "client.authentication.k8s.io/v1" &&
      out.api_version != "client.authentication.k8s.io/v1beta1") {
    return bad_entry(file, entry, "exec.apiVersion is '" + out.api_version + "'",
                     "Holdfast knows client.authentication.k8s.io/v1 and v1beta1");
  }
  auto command = exec.at("command").as_string();
  if (command.empty()) return bad_entry(file, entry, "exec names no command");
  if (exec.at("interactiveMode").as_string() == "Always")
    return bad_entry(file, entry, "exec.interactiveMode is Always", "A controller has no terminal to ask at");
  if (command.find('/') != std::string::npos) command = beside(file, command);
  out.argv.push_back(std::move(command));
  for (const auto& argument : exec.at("args").items()) out.argv.push_back(argument.as_string());
  for (const auto& variable : exec.at("env").items())
    out.environment.push_back(variable.at("name").as_string() + "=" + variable.at("value").as_string());
  return out;
}

}  // namespace

Status Kubeconfig::collect(const Json& root, std::string_view list, std::string_view member,
                           const std::string& file, Entries& out) {
  const auto& entries = root.at(list);
  if (!entries.is_null() && !entries.is_array()) return bad_entry(file, std::string(list), "isn't a list");
  for (const auto& entry : entries.items()) {
    const auto& name = entry.at("name").as_string();
    if (!name.empty()) out.emplace(name, Entry{file, entry.at(member)});
  }
  return {};
}

Status Kubeconfig::add(const std::string& path, std::string_view text) {
  const auto root = parse_yaml(text);
  if (!root) return fail_terminal(ErrorCode::kInvalid, path + ": " + root.error().message);
  if (!root->is_object() && !root->is_null())
    return fail_terminal(ErrorCode::kInvalid, path + ": isn't a kubeconfig file");
  files_.push_back(path);
  if (current_.empty()) current_ = root->at("current-context").as_string();
  if (auto done = collect(*root, "clusters", "cluster", path, clusters_); !done) return done;
  if (auto done = collect(*root, "users", "user", path, users_); !done) return done;
  return collect(*root, "contexts", "context", path, contexts_);
}

Result<Kubeconfig::Entry> Kubeconfig::named(const Entries& entries, const std::string& kind,
                                            const std::string& name, const std::string& wanted_by) const {
  if (const auto found = entries.find(name); found != entries.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, entry] : entries) names.push_back(known);
  return fail_terminal(ErrorCode::kInvalid,
                       "there is no " + kind + " '" + name + "'" + wanted_by + " in " + join(files_, ", "),
                       names.empty() ? "No " + kind + " is there at all" : "There is: " + join(names, ", "));
}

Status Kubeconfig::read_cluster(const Entry& cluster, const std::string& name, Access& out) {
  const auto entry = "cluster '" + name + "'";
  const auto& value = cluster.value;
  out.server = value.at("server").as_string();
  while (out.server.ends_with('/')) out.server.pop_back();
  if (!is_address(out.server))
    return bad_entry(cluster.file, entry, "server isn't a plain http or https URL");
  if (!value.at("proxy-url").as_string().empty())
    return bad_entry(cluster.file, entry, "proxy-url isn't supported",
                     "Name a server that can be reached directly");
  out.verify = !is_true(value.at("insecure-skip-tls-verify"));
  out.tls_server_name = value.at("tls-server-name").as_string();
  auto ca = material(value, "certificate-authority", cluster.file, entry);
  if (!ca) return fail(ca.error());
  out.ca = std::move(*ca);
  return {};
}

Status Kubeconfig::read_user(const Entry& user, const std::string& name, Access& out) {
  const auto entry = "user '" + name + "'";
  const auto& value = user.value;
  for (const auto* unsupported :
       {"auth-provider", "username", "password", "as", "as-uid", "as-groups", "as-user-extra"}) {
    if (!value.at(unsupported).is_null())
      return bad_entry(user.file, entry, std::string(unsupported) + " isn't supported",
                       "Use a token, a client certificate or an exec plugin");
  }
  auto certificate = material(value, "client-certificate", user.file, entry);
  if (!certificate) return fail(certificate.error());
  auto key = material(value, "client-key", user.file, entry);
  if (!key) return fail(key.error());
  if (certificate->given() != key->given())
    return bad_entry(user.file, entry, "of client-certificate and client-key one is missing");
  out.certificate = std::move(*certificate);
  out.key = std::move(*key);
  out.token.text = value.at("token").as_string();
  if (const auto& path = value.at("tokenFile").as_string(); !path.empty())
    out.token = {.path = beside(user.file, path)};
  if (const auto& exec = value.at("exec"); exec.is_object()) {
    auto plugin = plugin_of(exec, user.file, entry);
    if (!plugin) return fail(plugin.error());
    out.plugin = std::move(*plugin);
  }
  return {};
}

Result<Access> Kubeconfig::access(const std::string& context) const {
  const auto& chosen = context.empty() ? current_ : context;
  if (chosen.empty()) {
    return fail_terminal(ErrorCode::kInvalid, "no context is chosen in " + join(files_, ", "),
                         "Set current-context (kubectl config use-context NAME), or name a context");
  }
  const auto found = named(contexts_, "context", chosen, "");
  if (!found) return fail(found.error());
  Access out;
  out.where = "context '" + chosen + "' of " + found->file;
  const auto wanted_by = " (wanted by context '" + chosen + "')";
  const auto& cluster_name = found->value.at("cluster").as_string();
  const auto cluster = named(clusters_, "cluster", cluster_name, wanted_by);
  if (!cluster) return fail(cluster.error());
  if (auto done = read_cluster(*cluster, cluster_name, out); !done) return fail(done.error());
  // Without a user requests are anonymous.
  if (const auto& user_name = found->value.at("user").as_string(); !user_name.empty()) {
    const auto user = named(users_, "user", user_name, wanted_by);
    if (!user) return fail(user.error());
    if (auto done = read_user(*user, user_name, out); !done) return fail(done.error());
  }
  if (const auto& name = found->value.at("namespace").as_string(); !name.empty())
    out.default_namespace = name;
  return out;
}

}  // namespace holdfast::kubernetes
