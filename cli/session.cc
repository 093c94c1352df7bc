#include "cli/session.h"

#include <ostream>

#include "cli/address.h"
#include "controller/base/file.h"

namespace holdfast::cli {
namespace {

constexpr const char* kDefaultServer = "http://127.0.0.1:8010";
constexpr size_t kMaxToken = 4096;

std::string trimmed(std::string text) {
  const auto* blank = " \t\r\n";
  text.erase(text.find_last_not_of(blank) + 1);
  text.erase(0, text.find_first_not_of(blank));
  return text;
}

}  // namespace

std::optional<std::string> Session::variable(const std::string& name) const {
  auto value = terminal.environment(name);
  if (value && value->empty()) value.reset();
  return value;
}

Result<std::string> Session::token() const {
  auto text = variable("HOLDFAST_TOKEN").value_or("");
  if (!options.token_file.empty()) {
    auto file = read_file(options.token_file, kMaxToken);
    if (!file) return holdfast::fail(file.error().code, "--token-file: " + file.error().message);
    text = *file;
  }
  text = trimmed(text);
  if (text.find_first_of(" \t\r\n") != std::string::npos) {
    return holdfast::fail(ErrorCode::kInvalid, "the token holds blanks or several lines",
                          "a token is one word, as 'holdfast token create' printed it");
  }
  return text;
}

Result<const Client*> Session::client() {
  if (client_) return &*client_;
  const auto server =
      options.server.empty() ? variable("HOLDFAST_SERVER").value_or(kDefaultServer) : options.server;
  auto address = parse_address(server);
  if (!address) return holdfast::fail(std::move(address.error()));
  auto secret = token();
  if (!secret) return holdfast::fail(std::move(secret.error()));
  client_.emplace(ClientOptions{std::move(*address), std::move(*secret), options.ca_file});
  return &*client_;
}

Format Session::format() const {
  if (options.output == "json") return Format::kJson;
  if (options.output == "yaml") return Format::kYaml;
  if (options.output == "names") return Format::kNames;
  return Format::kTable;
}

int Session::fail(const Error& error) const {
  auto& err = terminal.err;
  // A single detail says no more than the message.
  if (error.details.size() < 2) {
    err << "holdfast: " << printable(error.message) << '\n';
  } else {
    err << "holdfast: " << error.details.size() << " faults:\n";
    for (const auto& detail : error.details) {
      err << "  " << printable(detail.origin) << (detail.origin.empty() ? "" : ": ") << printable(detail.path)
          << (detail.path.empty() ? "" : ": ") << printable(detail.message) << '\n';
    }
  }
  if (!error.hint.empty()) err << "  " << printable(error.hint) << '\n';
  return kExitError;
}

CLI::App* add_command(CLI::App& parent, Session& session, const std::string& name,
                      const std::string& description, std::function<int()> command) {
  auto* app = parent.add_subcommand(name, description);
  app->fallthrough();
  app->callback([&session, command = std::move(command)] { session.action = command; });
  return app;
}

}  // namespace holdfast::cli
