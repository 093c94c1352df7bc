// What only one runtime knows.
#include <algorithm>
#include <array>

#include "controller/config/decode.h"
#include "controller/config/nearest.h"

namespace holdfast::config {

namespace {

constexpr std::array<std::string_view, 16> kLimits{
    "as",   "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue",
    "nice", "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack"};

void read_limit(Reading& reading, const NodeMember& member, const Path& path, ProcessOptions& options) {
  const Path at{&path, member.key};
  if (std::find(kLimits.begin(), kLimits.end(), member.key) == kLimits.end()) {
    reading.faults.add(
        member.key_mark, at.text(),
        "unknown limit '" + member.key + "'" + suggestion(member.key, {kLimits.begin(), kLimits.end()}));
    return;
  }
  const Node& value = member.value;
  std::int64_t limit = value.scalar.as_int();
  bool good = value.scalar.is_int() && limit >= -1;
  if (value.is_string() && value.scalar.as_string() == "unlimited") {
    limit = -1;
    good = true;
  } else if (value.is_string()) {
    const auto bytes = parse_quantity_bytes(value.scalar.as_string());
    good = bytes.has_value();
    limit = bytes.value_or(0);
  }
  if (good)
    options.limits[member.key] = limit;
  else
    reading.faults.add(value, at, "expected a number, a size such as 64Mi, or unlimited");
}

}  // namespace

ProcessOptions decode_process(Reading& reading, const Node& node, const Path& path) {
  ProcessOptions options;
  Fields fields(reading, node, path);
  if (const Node* limits = fields.take("limits")) {
    const Path at = fields.at("limits");
    if (!limits->is_object())
      fields.fault(*limits, at, "expected a map of limits by name, such as {nofile: 65536}");
    for (const auto& member : limits->members) read_limit(reading, member, at, options);
  }
  fields.integer("nice", options.nice, -20, 19);
  fields.finish();
  return options;
}

}  // namespace holdfast::config
