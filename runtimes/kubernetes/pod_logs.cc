#include "runtimes/kubernetes/pod_logs.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "runtimes/kubernetes/pod_sight.h"

namespace holdfast::kubernetes {

namespace {

// nullopt: it has not run, or its log is gone.
Result<std::optional<std::string>> log_of(const PodsOfService& of, const Json& pod,
                                          const LogOptions& options) {
  auto text = of.client->logs(of.namespace_, pod.at("metadata").at("name").as_string(), options);
  if (text) return std::optional(std::move(*text));
  if (text.error().code == ErrorCode::kInvalid || text.error().code == ErrorCode::kNotFound)
    return std::optional<std::string>();
  return fail(text.error());
}

Result<std::vector<LogLine>> lines_of(const PodsOfService& of, const Json& pod, int ordinal,
                                      const LogQuery& query) {
  const Json& own = own_status(pod);
  LogOptions options{.container = own.at("name").as_string(), .tail = query.tail, .since = query.since};
  auto text = log_of(of, pod, options);
  if (!text) return fail(text.error());
  auto lines = parse_log(text->value_or(""), ordinal);
  // While it waits for its restart, the newest log is that of the run before already.
  const bool running = own.at("state").at("running").is_object();
  if (lines.size() >= query.tail || !running || own.at("restartCount").as_int() == 0) return lines;
  options.previous = true;
  options.tail = query.tail - lines.size();
  text = log_of(of, pod, options);
  if (!text) return fail(text.error());
  auto before = parse_log(text->value_or(""), ordinal);
  before.insert(before.end(), std::make_move_iterator(lines.begin()), std::make_move_iterator(lines.end()));
  return before;
}

}  // namespace

std::vector<LogLine> parse_log(const std::string& text, int ordinal) {
  std::vector<LogLine> lines;
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto line = rest.substr(0, end);
    rest = rest.substr(std::min(end + 1, rest.size()));
    const auto space = line.find(' ');
    const auto at = parse_rfc3339(line.substr(0, space));
    if (at)
      lines.push_back({.at = *at,
                       .stream = "stdout",
                       .ordinal = ordinal,
                       .text = std::string(space == std::string_view::npos ? "" : line.substr(space + 1))});
    else if (!line.empty())  // what a kubelet says in place of a log
      lines.push_back({.at = {}, .stream = "stdout", .ordinal = ordinal, .text = std::string(line)});
  }
  return lines;
}

Result<std::vector<LogLine>> PodLogs::read(const std::string& service, const LogQuery& query) {
  std::vector<LogLine> all;
  if (query.stream && *query.stream != "stdout") return all;
  const auto of = find_(service);
  if (!of) return fail(of.error());
  for (const auto& [ordinal, pod] : of->pods) {
    if (query.ordinal && *query.ordinal != ordinal) continue;
    auto lines = lines_of(*of, *pod, ordinal, query);
    if (!lines) return fail(lines.error());
    std::move(lines->begin(), lines->end(), std::back_inserter(all));
  }
  std::stable_sort(all.begin(), all.end(), [](const LogLine& a, const LogLine& b) { return a.at < b.at; });
  if (all.size() > query.tail) all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(query.tail));
  return all;
}

}  // namespace holdfast::kubernetes
