// serve, validate, import, token, version, completion: what needs no controller that runs.
#include <filesystem>
#include <memory>
#include <ostream>

#include "cli/completion.h"
#include "cli/session.h"
#include "controller/base/file.h"

namespace holdfast::cli {
namespace {

Error not_available() {
  return {ErrorCode::kUnavailable, "this command is not available in this build", ""};
}

int serve(Session& session, ServeOptions options) {
  if (!session.hooks.serve) return session.fail(not_available());
  if (options.state_dir.empty()) {
    const auto moved = session.terminal.environment("PIPELINE_STATE_DIR");
    options.state_dir = moved && !moved->empty() ? *moved : "state";
  }
  if (options.facade_state_dir.empty()) options.facade_state_dir = options.state_dir;
  return session.hooks.serve(options);
}

void add_serve(CLI::App& app, Session& session) {
  const auto options = std::make_shared<ServeOptions>();
  auto* command = add_command(app, session, "serve", "Run the controller in the foreground",
                              [&session, options] { return serve(session, *options); });
  command->add_option("--config", options->config, "Base configuration, JSON or YAML")
      ->type_name(kFile)
      ->required();
  command
      ->add_option("--overlay", options->overlays, "Directory of overlay files; may be given several times")
      ->type_name(kDirectory)
      ->expected(1)
      ->take_all();
  command->add_option("--config-map", options->config_map, "ConfigMap to read, as NAMESPACE/NAME");
  command
      ->add_option("--state-dir", options->state_dir,
                   "Where state is kept; default: $PIPELINE_STATE_DIR, else ./state")
      ->type_name(kDirectory);
  command
      ->add_option("--facade-state-dir", options->facade_state_dir,
                   "Where streaming_config.json and streaming.pid are kept; default: the state dir")
      ->type_name(kDirectory);
  command->add_option("--listen", options->listen, "API address: host:port, [v6]:port or unix:/path");
  command->add_option("--metrics-listen", options->metrics_listen, "Address of /metrics");
  command->add_flag("--insecure", options->insecure,
                    "Allow listening beyond this machine without authentication");
  command->add_option("--log-format", options->log_format, "Form of the log on stderr")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->add_option("--log-level", options->log_level, "Least severity that is logged")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  command
      ->add_option("--runtime-shim", options->runtime_shim,
                   "Path of holdfast-shim; default: beside this program")
      ->type_name(kFile);
}

int validate(Session& session, const std::vector<std::string>& files) {
  if (!session.hooks.validate) return session.fail(not_available());
  const auto services = session.hooks.validate(files);
  if (!services) {
    if (session.wants_table()) return session.fail(services.error());
    Json errors = Json::array();
    for (const auto& detail : services.error().details) {
      errors.push_back(
          Json::object({{"path", detail.path}, {"message", detail.message}, {"origin", detail.origin}}));
    }
    session.print(
        Json::object({{"valid", false}, {"message", services.error().message}, {"errors", errors}}));
    return kExitError;
  }
  if (session.wants_table()) {
    session.terminal.out << "valid: " << *services << (*services == 1 ? " service\n" : " services\n");
  } else {
    session.print(Json::object({{"valid", true}, {"services", std::uint64_t{*services}}}));
  }
  return kExitOk;
}

void add_validate(CLI::App& app, Session& session) {
  const auto files = std::make_shared<std::vector<std::string>>();
  auto* command = add_command(app, session, "validate", "Check configuration files, without a controller",
                              [&session, files] { return validate(session, *files); });
  command->add_option("files", *files, "Base file, then overlays over it")->type_name(kFile)->required();
}

int remove_services(Session& session, const RemoveServicesOptions& options) {
  if (!session.hooks.remove_services) return session.fail(not_available());
  const auto removed = session.hooks.remove_services(options, [&](const std::string& object) {
    session.terminal.out << "removed " << printable(object) << std::endl;  // seen as it happens
  });
  if (!removed) return session.fail(removed.error());
  if (*removed == 0) session.terminal.err << "nothing was left running\n";
  return kExitOk;
}

void add_remove_services(CLI::App& app, Session& session) {
  const auto options = std::make_shared<RemoveServicesOptions>();
  auto* command =
      add_command(app, session, "remove-services",
                  "Delete what a controller that is no longer installed left running in a Kubernetes cluster",
                  [&session, options] { return remove_services(session, *options); });
  command->add_option("--config-map", options->config_map, "The controller's ConfigMap, as NAMESPACE/NAME")
      ->required();
  command
      ->add_option("--namespace", options->namespaces,
                   "Where to look; may be given several times; default: the ConfigMap's own")
      ->expected(1)
      ->take_all();
  command->add_flag("--all-namespaces", options->all_namespaces, "Look everywhere");
}

// Never over a file that is there: it may hold what somebody wrote by hand. What is written may hold values
// of the environment, so it is for its owner alone.
Status write_new(const std::string& file, const Json& document) {
  std::error_code ignored;
  if (std::filesystem::symlink_status(file, ignored).type() != std::filesystem::file_type::not_found)
    return holdfast::fail(ErrorCode::kConflict, file + " is there already", "name a file that is not there");
  const auto text = file.ends_with(".json") ? dump_json_pretty(document) : dump_yaml(document);
  constexpr unsigned kOwnersAlone = 0600;
  return write_file_atomically(file, text, kOwnersAlone);
}

struct ImportOptions {
  std::string file, out;
};

int import_compose(Session& session, const ImportOptions& options) {
  if (!session.hooks.import_compose) return session.fail(not_available());
  const auto imported = session.hooks.import_compose(options.file, session.terminal.environment);
  if (!imported) return session.fail(imported.error());
  for (const auto& note : imported->notes) session.terminal.err << printable(note) << '\n';
  if (options.out.empty()) {
    session.terminal.out << dump_yaml(imported->document);
    return kExitOk;
  }
  const auto written = write_new(options.out, imported->document);
  return written ? kExitOk : session.fail(written.error());
}

void add_import(CLI::App& app, Session& session) {
  auto* import = app.add_subcommand("import", "Make a configuration of what another program declares");
  import->fallthrough();
  import->require_subcommand(1);
  const auto options = std::make_shared<ImportOptions>();
  auto* compose = add_command(*import, session, "compose",
                              "Convert a compose file; what isn't carried over is said on stderr",
                              [&session, options] { return import_compose(session, *options); });
  compose->add_option("file", options->file, "compose.yaml or docker-compose.yml")
      ->type_name(kFile)
      ->required();
  compose
      ->add_option("-o,--output", options->out,
                   "File to write, JSON if it is named so, else YAML; default: YAML on stdout")
      ->type_name(kFile);
}

struct TokenOptions {
  std::string file, name, role = "viewer";
};

int create_token(Session& session, const TokenOptions& options) {
  if (!session.hooks.create_token) return session.fail(not_available());
  const auto token = session.hooks.create_token(options.file, options.name, options.role);
  if (!token) return session.fail(token.error());
  if (session.wants_table()) {
    session.terminal.out << *token << '\n';
    session.terminal.err << "keep it: it can't be shown again\n";
  } else {
    session.print(Json::object({{"name", options.name}, {"role", options.role}, {"token", *token}}));
  }
  return kExitOk;
}

int list_tokens(Session& session, const TokenOptions& options) {
  if (!session.hooks.list_tokens) return session.fail(not_available());
  const auto tokens = session.hooks.list_tokens(options.file);
  if (!tokens) return session.fail(tokens.error());
  Table table({"NAME", "ROLE", "ID", "CREATED"});
  Json items = Json::array();
  for (const auto& token : *tokens) {
    table.add({token.name, token.role, token.id, human_time(token.created)});
    items.push_back(Json::object(
        {{"name", token.name}, {"role", token.role}, {"id", token.id}, {"created", token.created}}));
  }
  if (session.wants_table()) {
    session.print(table);
  } else {
    session.print(Json::object({{"items", std::move(items)}}));
  }
  return kExitOk;
}

int revoke_token(Session& session, const TokenOptions& options) {
  if (!session.hooks.revoke_token) return session.fail(not_available());
  const auto done = session.hooks.revoke_token(options.file, options.name);
  if (!done) return session.fail(done.error());
  session.terminal.out << "revoked " << options.name << '\n';
  return kExitOk;
}

void add_token(CLI::App& app, Session& session) {
  auto* token = app.add_subcommand("token", "Make and withdraw the tokens that the API accepts");
  token->fallthrough();
  token->require_subcommand(1);
  const auto options = std::make_shared<TokenOptions>();
  const auto add = [&](const char* name, const char* description,
                       int (*command)(Session&, const TokenOptions&)) {
    auto* app_of = add_command(*token, session, name, description,
                               [&session, options, command] { return command(session, *options); });
    app_of->add_option("--file", options->file, "The file that controller.auth.tokensFile names")
        ->type_name(kFile)
        ->required();
    return app_of;
  };
  auto* create = add("create", "Make a token and show it once", create_token);
  create->add_option("name", options->name, "Whose token it is: shown in events and audit")
      ->type_name("NAME")
      ->required();
  create->add_option("--role", options->role, "What its holder may do")
      ->check(CLI::IsMember({"viewer", "operator", "admin"}))
      ->capture_default_str();
  add("list", "List the tokens, without their secrets", list_tokens);
  auto* revoke = add("revoke", "Withdraw a token", revoke_token);
  revoke->add_option("name", options->name, "Name of the token")->type_name("NAME")->required();
}

int version(Session& session) {
  auto document = Json::object({{"version", session.hooks.version}, {"revision", session.hooks.revision}});
  if (!session.wants_table()) {
    session.print(document);
    return kExitOk;
  }
  session.terminal.out << "holdfast " << session.hooks.version;
  if (!session.hooks.revision.empty()) session.terminal.out << " (" << session.hooks.revision << ")";
  session.terminal.out << '\n';
  return kExitOk;
}

}  // namespace

void add_local_commands(CLI::App& app, Session& session) {
  add_serve(app, session);
  add_validate(app, session);
  add_remove_services(app, session);
  add_import(app, session);
  add_token(app, session);
  add_command(app, session, "version", "Show the version of this program",
              [&session] { return version(session); });
  const auto shell = std::make_shared<std::string>();
  auto* completion = add_command(app, session, "completion", "Print a completion script for a shell",
                                 [&session, &app, shell] {
                                   session.terminal.out << completion_script(app, *shell);
                                   return kExitOk;
                                 });
  completion->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
}

}  // namespace holdfast::cli
