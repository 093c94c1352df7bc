#include "controller/main/serve.h"

#include <filesystem>
#include <iostream>

#include "controller/base/log.h"
#include "controller/main/application.h"

namespace holdfast {

namespace {

int refuse(const Error& error) {
  std::cerr << "holdfast: " << error.message << '\n';
  for (const auto& detail : error.details) {
    std::cerr << "  " << (detail.origin.empty() ? "" : detail.origin + ": ")
              << (detail.path.empty() ? "" : detail.path + ": ") << detail.message << '\n';
  }
  if (!error.hint.empty()) std::cerr << "  " << error.hint << '\n';
  return 1;
}

log::Level level_of(const std::string& name) {
  if (name == "debug") return log::Level::kDebug;
  if (name == "warning") return log::Level::kWarning;
  return name == "error" ? log::Level::kError : log::Level::kInfo;
}

// Paths are told to programs with working directories of their own.
cli::ServeOptions with_absolute_paths(cli::ServeOptions options) {
  const auto absolute = [](std::string& path) {
    if (!path.empty()) path = std::filesystem::absolute(path).lexically_normal().string();
  };
  absolute(options.config);
  absolute(options.state_dir);
  absolute(options.facade_state_dir);
  for (auto& overlay : options.overlays) absolute(overlay);
  return options;
}

}  // namespace

int serve(const cli::ServeOptions& options) {
  try {
    log::configure(level_of(options.log_level),
                   options.log_format == "json" ? log::Format::kJson : log::Format::kText);
    Application application(with_absolute_paths(options));
    if (const auto built = application.build(); !built) return refuse(built.error());
    if (const auto listening = application.listen(); !listening) return refuse(listening.error());
    application.run();
    return 0;
  } catch (const std::exception& e) {
    return refuse({ErrorCode::kInternal, e.what(), "", false, {}});
  }
}

}  // namespace holdfast
