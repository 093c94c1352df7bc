#include "controller/base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "controller/base/clock.h"

namespace holdfast::log {

namespace {

std::atomic<Format> g_format{Format::kText};

// spdlog sees whole lines only ("%v"): its own JSON pattern escapes nothing.
spdlog::logger& logger() {
  static const auto instance = [] {
    auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
    auto made = std::make_shared<spdlog::logger>("holdfast", sink);
    made->set_pattern("%^%v%$");
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

bool is_bare(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) ||
           std::string_view("-_./:@%+,").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

// Quoted with JSON's escapes, less the quotes: no newline or escape sequence reaches the terminal.
std::string escaped(std::string_view text) {
  const auto quoted = dump_json(Json(text));
  return quoted.substr(1, quoted.size() - 2);
}

std::string text_line(std::string_view level, std::string_view message, Fields fields) {
  std::string line = format_rfc3339(SystemClock().wall()) + ' ' + std::string(level) + ' ' + escaped(message);
  for (const auto& [key, value] : fields) {
    line += ' ' + key + '=' +
            (value.is_string() && is_bare(value.as_string()) ? value.as_string() : dump_json(value));
  }
  return line;
}

std::string json_line(std::string_view level, std::string_view message, Fields fields) {
  auto record =
      Json::object({{"time", format_rfc3339(SystemClock().wall())}, {"level", level}, {"message", message}});
  for (const auto& [key, value] : fields) record.set(key, value);
  return dump_json(record);
}

void write(Level level, std::string_view name, std::string_view message, Fields fields) {
  auto& out = logger();
  const auto spd_level = to_spdlog(level);
  if (!out.should_log(spd_level)) return;
  out.log(
      spd_level, "{}",
      g_format.load() == Format::kJson ? json_line(name, message, fields) : text_line(name, message, fields));
}

}  // namespace

void configure(Level level, Format format) {
  g_format = format;
  logger().set_level(to_spdlog(level));
}
void debug(std::string_view message, Fields fields) {
  write(Level::kDebug, "debug", message, fields);
}
void info(std::string_view message, Fields fields) {
  write(Level::kInfo, "info", message, fields);
}
void warning(std::string_view message, Fields fields) {
  write(Level::kWarning, "warning", message, fields);
}
void error(std::string_view message, Fields fields) {
  write(Level::kError, "error", message, fields);
}

}  // namespace holdfast::log
