#include <algorithm>
#include <array>
#include <cctype>

#include "controller/config/compose/service.h"
#include "controller/config/config.h"
#include "controller/config/fields.h"
#include "controller/config/parse.h"
#include "controller/config/path.h"

namespace holdfast::config {

namespace {

std::string place(const ComposeInput& input, Mark mark) {
  if (mark.line == 0) return input.file;
  return input.file + ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column);
}

Error error_of(const ComposeInput& input, const std::vector<ConfigError>& errors) {
  Error out{ErrorCode::kInvalid, {}, {}, true, {}};
  for (const auto& error : errors) {
    out.details.push_back({error.path,
                           error.message + (error.value.empty() ? "" : " (got " + error.value + ")"),
                           place(input, {0, error.origin.line, error.origin.column})});
  }
  const auto& first = out.details.front();
  out.message = first.origin + ": " + (first.path.empty() ? "" : first.path + ": ") + first.message;
  return out;
}

// Lower-case letters, digits, - and _, as compose makes it of the folder's name.
std::string project_name(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto lower = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (std::isalnum(static_cast<unsigned char>(lower)) != 0 ||
        (!out.empty() && (lower == '-' || lower == '_')))
      out += lower;
  }
  return out.empty() ? "default" : out;
}

// The nearest DNS label; empty if there is none.
std::string label_of(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const auto lower = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    out += std::isalnum(static_cast<unsigned char>(lower)) != 0 ? lower : '-';
  }
  out.erase(0, out.find_first_not_of('-'));
  out.resize(std::min<size_t>(out.size(), 63));
  out.erase(out.find_last_not_of('-') + 1);
  return out;
}

class Importer {
 public:
  explicit Importer(const ComposeInput& input) : input_(input), compose_{.input = input} {}

  Result<ComposeImport> run() {
    read_dotenv();
    auto root = parse_yaml(input_.text);
    if (!root) {
      return fail(error_of(input_, {{root.error().path,
                                     {},
                                     root.error().message,
                                     {{}, {}, root.error().mark.line, root.error().mark.column}}}));
    }
    interpolate_values(*root, {});
    // What stands behind a variable that can't be put in would be reported as another fault.
    if (compose_.faults.empty()) convert(*root);
    if (!compose_.faults.empty()) return fail(error_of(input_, compose_.faults.errors({layer()})));
    return checked();
  }

 private:
  [[nodiscard]] LayerText layer() const { return {"compose", input_.file, {}}; }

  // Variables of the environment win over those of the file.
  void read_dotenv() {
    compose_.lookup = input_.environment;
    const auto file = input_.directory + "/.env";
    const auto text = input_.read_file(file);
    if (!text) {
      if (text.error().code != ErrorCode::kNotFound) compose_.note(".env", text.error().message);
      return;
    }
    const auto variables = parse_env_file(*text, input_.environment);
    if (!variables) {
      compose_.faults.add(Mark{}, file, variables.error().message);
      return;
    }
    for (const auto& [name, value] : *variables) {
      if (value) dotenv_[name] = *value;
    }
    compose_.lookup = [this](const std::string& name) -> std::optional<std::string> {
      if (auto value = input_.environment(name)) return value;
      const auto it = dotenv_.find(name);
      return it == dotenv_.end() ? std::nullopt : std::optional(it->second);
    };
  }

  // Values, not keys, as compose does.
  void interpolate_values(Node& node, const std::string& path) {
    for (size_t i = 0; i < node.items.size(); ++i)
      interpolate_values(node.items[i], path + "." + std::to_string(i));
    for (auto& member : node.members) {
      if (!member.key.starts_with("x-"))
        interpolate_values(member.value, (path.empty() ? "" : path + ".") + path_of({member.key}));
    }
    if (!node.is_string() || node.scalar.as_string().find('$') == std::string::npos) return;
    std::vector<std::string> unset;
    auto text = interpolate(node.scalar.as_string(), compose_.lookup, unset);
    for (const auto& name : unset) {
      if (unset_.insert(name).second)
        compose_.note(path, "the variable " + name + " is not set, so it is empty, as with compose");
    }
    if (text)
      node.scalar = Json(std::move(*text));
    else
      compose_.fault(node, path, text.error().message);
  }

  void convert(const Node& root) {
    Section file(compose_, root, {});
    file.take("version");
    const auto named = file.text("name");
    const auto slash = input_.directory.rfind('/');
    compose_.project = project_name(
        compose_.lookup("COMPOSE_PROJECT_NAME").value_or(named.value_or(input_.directory.substr(slash + 1))));
    compose_.volumes = file.take("volumes");
    compose_.networks = file.take("networks");
    compose_.secrets = file.take("secrets");
    const Node* services = file.take("services");
    if (!services || !services->is_object() || services->members.empty()) {
      compose_.faults.add(services ? services->mark : Mark{0, 1, 1}, "services",
                          "no service is declared; files of version 1, without services:, aren't read");
      return;
    }
    name_services(*services);
    for (const auto& member : services->members) convert_service(member);
    file.finish();
    note_sections();
  }

  void name_services(const Node& services) {
    std::map<std::string, std::string> taken;
    for (const auto& member : services.members) {
      const auto path = "services." + path_of({member.key});
      const auto name = label_of(member.key);
      if (!is_dns_label(name)) {
        compose_.faults.add(member.key_mark, path, "no name of a service can be made of this one");
      } else if (const auto [it, fresh] = taken.emplace(name, member.key); !fresh) {
        compose_.faults.add(member.key_mark, path,
                            "it would have the same name as '" + it->second + "', " + name + "; rename one");
      } else if (name != member.key) {
        compose_.note(path, "is " + name + " now, also for other containers (names are DNS labels)");
      }
      compose_.names.emplace(member.key, name);
    }
  }

  void convert_service(const NodeMember& member) {
    Section service(compose_, member.value, "services." + path_of({member.key}));
    if (!member.value.is_object()) return;
    compose_.service = member.key;
    Converted out;
    convert_program(service, out);
    convert_policies(service, out);
    convert_networks(service, out);
    convert_order(service, out);
    convert_mounts(service, out);
    convert_container(service, out);
    service.finish();
    // In the order of docs/configuration.md.
    Json ordered = Json::object({{"runtime", "docker"}});
    for (const auto* key : {"desired", "replicas", "command", "args", "env", "workingDir", "user", "restart",
                            "stop", "health", "dependsOn", "resources", "logs", "labels"}) {
      if (Json* value = out.service.find(key)) ordered.set(key, std::move(*value));
    }
    Json docker = Json::object();
    for (const auto* key : {"image", "pullPolicy", "entrypoint", "network", "ports", "volumes", "tmpfs",
                            "devices", "extraHosts", "hostname", "capAdd", "capDrop", "securityOpt",
                            "groupAdd", "readOnly", "init", "tty", "privileged", "shmSize"}) {
      if (Json* value = out.docker.find(key)) docker.set(key, std::move(*value));
    }
    ordered.set("docker", std::move(docker));
    services_.set(compose_.names.at(member.key), std::move(ordered));
  }

  // What compose would make of the sections beside services.
  void note_sections() {
    const auto rest = [&](const Node* section, const std::string& name,
                          const std::vector<std::string>& known) {
      if (!section) return;
      for (const auto& member : section->members) {
        for (const auto& option : member.value.members) {
          if (std::find(known.begin(), known.end(), option.key) == known.end() &&
              !option.key.starts_with("x-"))
            compose_.note(name + "." + path_of({member.key}) + "." + path_of({option.key}),
                          "not carried over (Holdfast makes none: make it with docker " +
                              name.substr(0, name.size() - 1) + " create)");
        }
      }
    };
    rest(compose_.volumes, "volumes", {"name", "external"});
    rest(compose_.networks, "networks", {"name", "external"});
    for (const auto& network : compose_.own_networks)
      compose_.note("networks",
                    "compose made " + network + "; if it is not there: docker network create " + network);
  }

  // By the rules that the controller has, such as those on circles of dependencies.
  Result<ComposeImport> checked() {
    Json document = Json::object({{"apiVersion", "holdfast/v1"}});
    document.set("services", std::move(services_));
    const auto loaded = load({{"base", "import.json", dump_json(document)}});
    if (loaded.document) return ComposeImport{std::move(document), std::move(compose_.notes)};
    auto errors = loaded.errors;
    for (auto& error : errors) error.origin = {};
    auto error = error_of(input_, errors);
    error.hint = "the path is that of the document that came out, which Holdfast does not take";
    return fail(std::move(error));
  }

  const ComposeInput& input_;
  Compose compose_;
  std::map<std::string, std::string> dotenv_;
  std::set<std::string> unset_;
  Json services_ = Json::object();
};

}  // namespace

Result<ComposeImport> import_compose(const ComposeInput& input) {
  return Importer(input).run();
}

}  // namespace holdfast::config
