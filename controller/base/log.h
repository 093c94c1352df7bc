// Structured logging to stderr: a message and key=value fields, as text for people or JSON lines for
// machines.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "controller/base/json.h"

namespace holdfast::log {

enum class Level { kDebug, kInfo, kWarning, kError };
enum class Format { kText, kJson };
using Fields = std::initializer_list<Json::Member>;

// Thread-safe. Control characters in values are escaped: one record is one line.
void configure(Level level, Format format);
void debug(std::string_view message, Fields fields = {});
void info(std::string_view message, Fields fields = {});
void warning(std::string_view message, Fields fields = {});
void error(std::string_view message, Fields fields = {});

}  // namespace holdfast::log
