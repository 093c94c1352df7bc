// What the controller serves: the API with all that it needs to know about callers, and the metrics.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/http/server.h"
#include "cli/cli.h"
#include "controller/base/clock.h"
#include "controller/config/config.h"
#include "controller/main/forwarder.h"
#include "controller/model/leadership.h"
#include "controller/reconciler/manager.h"

namespace holdfast {

struct ListenerParts {
  const cli::ServeOptions& options;
  const config::ControllerSettings& settings;
  const Clock& clock;
  reconciler::Manager& manager;  // these outlive the servers
  Leadership* leadership = nullptr;
  Forwarder* forwarder = nullptr;
  // Whose token of the cluster's it is; empty: the cluster isn't asked.
  std::function<Result<std::optional<http::Identity>>(const std::string& token)> find_token{};
};

Result<std::unique_ptr<http::Server>> serve_api(const ListenerParts& parts, std::vector<http::Route> facade);
Result<std::unique_ptr<http::Server>> serve_metrics(const ListenerParts& parts);

// Where the API is to be reached: told on the command line, or configured.
std::string api_listen_address(const cli::ServeOptions& options, const config::ControllerSettings& settings);

}  // namespace holdfast
