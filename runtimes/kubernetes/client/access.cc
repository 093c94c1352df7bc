#include "runtimes/kubernetes/client/access.h"

#include <cstdlib>
#include <utility>

#include "controller/base/file.h"
#include "runtimes/kubernetes/client/kubeconfig.h"

namespace holdfast::kubernetes {

namespace {

constexpr size_t kMaxFile = 4u << 20;

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
  return value ? std::optional<std::string>(value) : std::nullopt;
}

std::vector<std::string> paths_of(const std::string& list) {
  std::vector<std::string> out;
  for (size_t begin = 0; begin <= list.size();) {
    const auto end = std::min(list.find(':', begin), list.size());
    if (end > begin) out.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

// What is named must be readable now, so that a mistake shows at once.
Status check_files(const Access& access) {
  for (const auto* material : {&access.ca, &access.certificate, &access.key, &access.token}) {
    if (!material->text.empty() || material->path.empty()) continue;
    if (const auto text = read_file(material->path, kMaxFile); !text) {
      auto error = text.error();
      error.message = access.where + ": " + error.message;
      return fail(std::move(error));
    }
  }
  return {};
}

// `must_exist`: as for a file that was named alone; of a list those that are missing are passed over.
Result<Access> from_files(const std::vector<std::string>& paths, bool must_exist,
                          const std::string& context) {
  Kubeconfig config;
  std::string tried;
  for (const auto& path : paths) {
    tried += (tried.empty() ? "" : ", ") + path;
    const auto text = read_file(path, kMaxFile);
    if (!text && text.error().code == ErrorCode::kNotFound && !must_exist) continue;
    if (!text) return fail(text.error());
    if (auto added = config.add(path, *text); !added) return fail(added.error());
  }
  if (config.empty()) return fail(ErrorCode::kNotFound, "there is no kubeconfig file: " + tried);
  auto access = config.access(context);
  if (!access) return access;
  if (auto checked = check_files(*access); !checked) return fail(checked.error());
  return access;
}

Result<Access> from_pod(const std::string& host, const std::string& port, const std::string& folder) {
  Access out{.where = "the service account in " + folder};
  const bool v6 = host.find(':') != std::string::npos && !host.starts_with('[');
  out.server = "https://" + (v6 ? "[" + host + "]" : host) + ":" + (port.empty() ? "443" : port);
  out.ca.path = folder + "/ca.crt";
  out.token.path = folder + "/token";
  if (auto checked = check_files(out); !checked) {
    auto error = checked.error();
    error.hint = "Does the pod set automountServiceAccountToken: false?";
    return fail(std::move(error));
  }
  if (auto text = read_file(folder + "/namespace", kMaxFile)) {
    while (text->ends_with('\n') || text->ends_with(' ')) text->pop_back();
    if (!text->empty()) out.default_namespace = std::move(*text);
  }
  return out;
}

}  // namespace

Result<Access> access_from(const AccessOptions& options) {
  const auto lookup = options.lookup ? options.lookup : Lookup(environment);
  const auto value = [&](const std::string& name) { return lookup(name).value_or(std::string()); };
  if (!options.kubeconfig.empty()) return from_files({options.kubeconfig}, true, options.context);
  if (const auto paths = paths_of(value("KUBECONFIG")); !paths.empty())
    return from_files(paths, false, options.context);
  const auto host = value("KUBERNETES_SERVICE_HOST");
  if (options.context.empty() && !host.empty())
    return from_pod(host, value("KUBERNETES_SERVICE_PORT"), options.service_account);
  auto found = from_files({value("HOME") + "/.kube/config"}, false, options.context);
  if (!found && found.error().code == ErrorCode::kNotFound && found.error().hint.empty())
    found.error().hint = "Name one (--kubeconfig, KUBECONFIG), or run within a pod";
  return found;
}

}  // namespace holdfast::kubernetes
