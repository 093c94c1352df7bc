#include "cli/cli.h"

#include <cstdlib>
#include <iostream>
#include <sstream>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "cli/session.h"

namespace holdfast::cli {
namespace {

void add_global_options(CLI::App& app, Session& session) {
  auto& options = session.options;
  app.add_option("--server", options.server,
                 "Controller: http(s)://host:port or unix:/path; default: $HOLDFAST_SERVER, else "
                 "http://127.0.0.1:8010");
  app.add_option("--token-file", options.token_file,
                 "File with the token; default: $HOLDFAST_TOKEN holds the token")
      ->type_name(kFile);
  app.add_option("--ca-file", options.ca_file,
                 "PEM of the authority that signed the controller's certificate")
      ->type_name(kFile);
  app.add_option("-o,--output", options.output, "Form of the answer")
      ->check(CLI::IsMember({"table", "json", "yaml", "names"}))
      ->capture_default_str();
}

// Help and faults of the command line, in our own exit codes.
int end_of_parse(const CLI::App& app, const CLI::ParseError& error, const Terminal& terminal) {
  std::ostringstream out, err;
  const int code = app.exit(error, out, err);
  terminal.out << out.str();
  terminal.err << err.str();
  return code == 0 ? kExitOk : kExitError;
}

}  // namespace

Terminal process_terminal() {
  const auto environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nobody calls setenv
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
  // https://no-color.org
  const bool wanted = environment("NO_COLOR").value_or("").empty() && environment("TERM") != "dumb";
  return {std::cout, std::cerr, wanted && isatty(STDOUT_FILENO) == 1, environment};
}

int run(const std::vector<std::string>& arguments, const Hooks& hooks, const Terminal& terminal) {
  Session session(hooks, terminal);
  CLI::App app("Keeps declared services running", "holdfast");
  app.require_subcommand(1);
  app.set_version_flag("--version", "holdfast " + hooks.version);
  add_global_options(app, session);
  add_local_commands(app, session);
  add_service_commands(app, session);
  add_ready_command(app, session);
  add_log_commands(app, session);
  add_config_commands(app, session);
  try {
    app.parse(
        std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // CLI11 takes them from the back
  } catch (const CLI::ParseError& error) {
    return end_of_parse(app, error, terminal);
  }
  const int code = session.action ? session.action() : kExitError;
  terminal.out.flush();
  if (!terminal.out) {
    terminal.err << "holdfast: the output could not be written\n";
    return kExitError;
  }
  return code;
}

int run(int argc, char** argv, const Hooks& hooks) {
  return run(std::vector<std::string>(argv + std::min(argc, 1), argv + argc), hooks, process_terminal());
}

}  // namespace holdfast::cli
