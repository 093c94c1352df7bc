// config get | set | unset | explain | revisions | rollback, and plan. config edit is in edit.cc.
#include <iostream>
#include <iterator>
#include <memory>
#include <ostream>

#include "cli/edit.h"
#include "cli/paths.h"
#include "cli/session.h"
#include "controller/base/file.h"
#include "controller/base/text.h"

namespace holdfast::cli {
namespace {

constexpr const char* kConfig = "/api/v1/config";

int get(Session& session, const std::string& path) {
  const auto client = session.client();
  if (!client) return session.fail(client.error());
  const auto keys = parse_path(path);
  if (!keys) return session.fail(keys.error());
  const auto answer = (*client)->get(kConfig);
  if (!answer) return session.fail(answer.error());
  const auto* value = find_at(answer->at("config"), *keys);
  if (!value) {
    return session.fail({ErrorCode::kNotFound, "the configuration has nothing at \"" + path + "\"",
                         "'holdfast config get' shows all of it"});
  }
  session.print(*value);
  for (const auto& problem : answer->at("problems").items()) {
    session.terminal.err << "holdfast: a newer file is not in force: "
                         << printable(problem.at("path").as_string()) << ": "
                         << printable(problem.at("message").as_string()) << '\n';
  }
  return kExitOk;
}

int report_change(const Session& session, const Result<Answer>& answer) {
  if (!answer) return session.fail(answer.error());
  const auto change = answer->json();
  if (!change) return session.fail(change.error());
  if (!session.wants_table()) {
    session.print(*change);
  } else if (change->at("changed").as_bool()) {
    session.terminal.out << "revision " << dump_json(change->at("revision")) << " is in force\n";
  } else {
    session.terminal.out << "nothing changed\n";
  }
  return kExitOk;
}

struct SetOptions {
  std::string path, value;
  bool as_text = false;
};

int set(Session& session, const SetOptions& options) {
  const auto client = session.client();
  if (!client) return session.fail(client.error());
  const auto keys = parse_path(options.path);
  if (!keys) return session.fail(keys.error());
  const auto value = options.as_text ? Json(options.value) : typed_value(options.value);
  return report_change(
      session,
      (*client)->call({.method = "PATCH", .path = kConfig, .body = dump_json(nested(*keys, value))}));
}

int explain(Session& session, const std::string& path) {
  const auto client = session.client();
  if (!client) return session.fail(client.error());
  const auto answer = (*client)->get(std::string(kConfig) + "/explain?path=" + percent_encode(path));
  if (!answer) return session.fail(answer.error());
  if (!session.wants_table()) {
    session.print(*answer);
    return kExitOk;
  }
  Table table({"PATH", "VALUE", "FROM"});
  for (const auto& leaf : answer->at("leaves").items()) {
    table.add({leaf.at("path").as_string(), dump_json(leaf.at("value")), origin_text(leaf.at("origin"))});
  }
  session.print(table);
  return kExitOk;
}

int revisions(Session& session) {
  const auto client = session.client();
  if (!client) return session.fail(client.error());
  const auto answer = (*client)->get(std::string(kConfig) + "/revisions");
  if (!answer) return session.fail(answer.error());
  if (!session.wants_table()) {
    session.print(*answer);
    return kExitOk;
  }
  Table table({"REVISION", "TIME", "ACTOR", "CHANGED"});
  for (const auto& revision : answer->at("items").items()) {
    table.add({dump_json(revision.at("revision")), human_time(revision.at("at").as_string()),
               revision.at("actor").as_string(), revision.at("summary").as_string()});
  }
  session.print(table);
  return kExitOk;
}

int rollback(Session& session, std::uint64_t revision) {
  const auto client = session.client();
  if (!client) return session.fail(client.error());
  return report_change(session, (*client)->call({.method = "POST",
                                                 .path = std::string(kConfig) + "/rollback",
                                                 .body = dump_json(Json::object({{"revision", revision}}))}));
}

Result<Json> read_document(const Session& session, const std::string& file) {
  std::string text;
  if (file == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    auto read = read_file(file);
    if (!read) return fail(std::move(read.error()));
    text = std::move(*read);
  }
  if (session.hooks.parse_document) return session.hooks.parse_document(file, text);
  return parse_json(text);
}

// Where what runs is not as the configuration in force says: no part of the plan, and the next start mends
// it.
void print_drift(const Session& session, const Json& item) {
  if (item.at("drift").items().empty()) return;
  session.terminal.out << session.painted("drift", Colour::kYellow) << ' '
                       << printable(item.at("service").as_string()) << '\n';
  for (const auto& field : item.at("drift").items())
    session.terminal.out << "  " << printable(field.as_string()) << '\n';
}

int print_plan(const Session& session, const Json& answer) {
  const int code = answer.at("changed").as_bool() ? kExitChanges : kExitOk;
  if (!session.wants_table()) {
    session.print(answer);
    return code;
  }
  size_t changes = 0;
  for (const auto& item : answer.at("items").items()) {
    const auto& change = item.at("change").as_string();
    print_drift(session, item);
    if (change == "none") continue;
    ++changes;
    const auto colour = change == "delete"   ? Colour::kRed
                        : change == "create" ? Colour::kGreen
                                             : Colour::kYellow;
    session.terminal.out << session.painted(change, colour) << ' '
                         << printable(item.at("service").as_string());
    for (const auto& path : item.at("paths").items())
      session.terminal.out << ' ' << printable(path.as_string());
    session.terminal.out << '\n';
    for (const auto& action : item.at("actions").items()) {
      session.terminal.out << "  " << printable(action.as_string()) << '\n';
    }
  }
  if (changes == 0) session.terminal.out << (code == kExitOk ? "no changes\n" : "no service changes\n");
  return code;
}

struct PlanOptions {
  std::string file = "-";
  bool merge = false;
};

int plan(Session& session, const PlanOptions& options) {
  const auto client = session.client();
  if (!client) return session.fail(client.error());
  const auto document = read_document(session, options.file);
  if (!document) return session.fail(document.error());
  const auto path = std::string("/api/v1/plan") + (options.merge ? "?merge=true" : "");
  const auto answer = (*client)->call({.method = "POST", .path = path, .body = dump_json(*document)});
  if (!answer) return session.fail(answer.error());
  const auto json = answer->json();
  return json ? print_plan(session, *json) : session.fail(json.error());
}

void add_plan(CLI::App& app, Session& session) {
  const auto options = std::make_shared<PlanOptions>();
  auto* command = add_command(app, session, "plan",
                              "Show what a document would change, without applying it (exit code 2: changes)",
                              [&session, options] { return plan(session, *options); });
  command->add_option("-f,--file", options->file, "JSON or YAML in place of the base file; - reads stdin")
      ->type_name(kFile)
      ->capture_default_str();
  command->add_flag("--merge", options->merge, "Take the document as an edit through the API instead");
}

void add_changes(CLI::App& config, Session& session) {
  const auto set_options = std::make_shared<SetOptions>();
  auto* command = add_command(config, session, "set", "Set a value through the API",
                              [&session, set_options] { return set(session, *set_options); });
  command->add_option("path", set_options->path, "Like services.web.replicas")->type_name("PATH")->required();
  command->add_option("value", set_options->value, "JSON, or a plain text; null deletes")
      ->type_name("VALUE")
      ->required();
  command->add_flag("--text", set_options->as_text, "Take the value as a text even if it is JSON");

  const auto edit_options = std::make_shared<EditOptions>();
  command = add_command(config, session, "edit", "Edit what was changed through the API, in $EDITOR",
                        [&session, edit_options] { return edit(session, *edit_options); });
  command->add_option("--editor", edit_options->editor, "Program instead of $VISUAL or $EDITOR");

  const auto revision = std::make_shared<std::uint64_t>(0);
  command = add_command(config, session, "rollback", "Go back to an earlier revision",
                        [&session, revision] { return rollback(session, *revision); });
  command->add_option("revision", *revision, "Number of the revision; 0: no edits at all")
      ->type_name("REVISION")
      ->required();
}

}  // namespace

void add_config_commands(CLI::App& app, Session& session) {
  add_plan(app, session);
  auto* config = app.add_subcommand("config", "Show and change the configuration");
  config->fallthrough();
  config->require_subcommand(1);

  const auto get_path = std::make_shared<std::string>();
  auto* command = add_command(*config, session, "get", "Show the configuration in force",
                              [&session, get_path] { return get(session, *get_path); });
  command->add_option("path", *get_path, "Like services.web.replicas")->type_name("PATH");
  const auto explain_path = std::make_shared<std::string>();
  command = add_command(*config, session, "explain", "Show where values come from",
                        [&session, explain_path] { return explain(session, *explain_path); });
  command->add_option("path", *explain_path, "Like services.web")->type_name("PATH");
  add_command(*config, session, "revisions", "List the revisions of edits through the API",
              [&session] { return revisions(session); });
  add_changes(*config, session);
}

}  // namespace holdfast::cli
