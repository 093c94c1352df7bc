// ready: what a health check of the controller's own container, or a script, asks.
#include <ostream>

#include "cli/session.h"

namespace holdfast::cli {
namespace {

int ready(Session& session) {
  const auto client = session.client();
  if (!client) return session.fail(client.error());
  constexpr std::chrono::seconds kTimeout{5};
  const auto answer = (*client)->call({.path = "/readyz", .timeout = kTimeout});
  if (!answer) return session.fail(answer.error());
  if (session.wants_table()) {
    session.terminal.out << "ready\n";
    return kExitOk;
  }
  const auto report = answer->json();
  if (!report) return session.fail(report.error());
  session.print(*report);
  return kExitOk;
}

}  // namespace

void add_ready_command(CLI::App& app, Session& session) {
  add_command(app, session, "ready",
              "Tell by the exit code whether the controller keeps services as declared",
              [&session] { return ready(session); });
}

}  // namespace holdfast::cli
