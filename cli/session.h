// What the commands share: global options, the way to the controller, and how to end.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include <CLI/App.hpp>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/output.h"

namespace holdfast::cli {

struct GlobalOptions {
  std::string server, ca_file, token_file;
  std::string output = "table";
};

// Lives as long as one command line is parsed and done.
class Session {
 public:
  Session(const Hooks& given_hooks, const Terminal& given_terminal)
      : hooks(given_hooks), terminal(given_terminal) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const Hooks& hooks;
  const Terminal& terminal;
  GlobalOptions options;
  std::function<int()> action;  // set by the subcommand that was given

  // Made of the options and the environment, once. Errors are about those, not about the controller.
  Result<const Client*> client();
  [[nodiscard]] Format format() const;
  [[nodiscard]] bool wants_table() const { return format() == Format::kTable; }
  [[nodiscard]] std::string painted(std::string_view text, Colour colour) const {
    return cli::painted(text, colour, terminal.colours);
  }
  void print(const Table& table) const { table.print(terminal.out, terminal.colours); }
  void print(const Json& document) const { print_document(terminal.out, document, format()); }

  int fail(const Error& error) const;  // says it on stderr, with all details and what to do; kExitError

 private:
  [[nodiscard]] Result<std::string> token() const;
  [[nodiscard]] std::optional<std::string> variable(
      const std::string& name) const;  // nullopt: unset or empty
  std::optional<Client> client_;
};

// A subcommand that runs `command` when it is given. Global options may follow it.
CLI::App* add_command(CLI::App& parent, Session& session, const std::string& name,
                      const std::string& description, std::function<int()> command);

// What values an option or argument takes, for completion: shown in the help as its type.
inline constexpr const char* kService = "SERVICE";
inline constexpr const char* kFile = "FILE";
inline constexpr const char* kDirectory = "DIR";

void add_service_commands(CLI::App& app, Session& session);  // status start stop restart
void add_ready_command(CLI::App& app, Session& session);     // ready
void add_log_commands(CLI::App& app, Session& session);      // logs events
void add_config_commands(CLI::App& app, Session& session);   // config, plan
void add_local_commands(CLI::App& app, Session& session);    // serve validate import token version completion

}  // namespace holdfast::cli
