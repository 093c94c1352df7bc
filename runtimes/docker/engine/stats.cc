#include "runtimes/docker/engine/stats.h"

#include <set>
#include <utility>

#include "controller/base/text.h"
#include "runtimes/http/line_splitter.h"

namespace holdfast::docker {

namespace {

constexpr Duration kStall = std::chrono::seconds{30};  // Docker tells every second, Podman every five

std::optional<std::int64_t> memory_of(const Json& memory) {
  const Json* used = memory.find("usage");
  if (!used || used->as_int() <= 0) return std::nullopt;
  const Json& details = memory.at("stats");
  // cgroup v1 counts the children's with "total_", v2 has the hierarchy's own.
  const Json* cache = details.find("total_inactive_file");
  if (!cache) cache = details.find("inactive_file");
  const auto inactive = cache ? cache->as_int() : 0;
  return inactive > 0 && inactive < used->as_int() ? used->as_int() - inactive : used->as_int();
}

}  // namespace

ResourceUsage usage_of(const Json& stats) {
  ResourceUsage out;
  const auto cpu_ns = stats.at("cpu_stats").at("cpu_usage").at("total_usage").as_int();
  if (cpu_ns > 0) out.cpu_seconds_total = static_cast<double>(cpu_ns) / 1e9;
  out.memory_bytes = memory_of(stats.at("memory_stats"));
  if (const auto pids = stats.at("pids_stats").at("current").as_int(); pids > 0) out.processes = pids;
  return out;
}

// Written by the transport's thread, read by callers.
class StatsStreams::Entry {
 public:
  void hold(std::unique_ptr<Stream> stream) { stream_ = std::move(stream); }

  bool take(std::string_view bytes) {
    return lines_.feed(bytes, [this](std::string_view line) {
      const auto json = parse_json(line);
      if (!json) return false;
      const std::lock_guard lock(mutex_);
      newest_ = usage_of(*json);
      return true;
    });
  }
  void end() {
    const std::lock_guard lock(mutex_);
    over_ = true;
    newest_ = {};
  }
  [[nodiscard]] bool over() {
    const std::lock_guard lock(mutex_);
    return over_;
  }
  [[nodiscard]] ResourceUsage newest() {
    const std::lock_guard lock(mutex_);
    return newest_;
  }

 private:
  http_client::LineSplitter lines_;
  std::mutex mutex_;
  ResourceUsage newest_;
  bool over_ = false;
  std::unique_ptr<Stream> stream_;  // ends first
};

StatsStreams::~StatsStreams() = default;

// The handlers don't keep the entry: it holds the stream, and outlives it.
std::shared_ptr<StatsStreams::Entry> StatsStreams::open(const std::string& container) {
  auto entry = std::make_shared<Entry>();
  auto* raw = entry.get();
  entry->hold(session_.open({.target = "/containers/" + percent_encode(container) + "/stats?stream=true",
                             .what = "reading the resources of container '" + container + "'",
                             .stall = kStall,
                             .max_bytes = 0},
                            {.on_data = [raw](std::string_view bytes) { return raw->take(bytes); },
                             .on_end = [raw](const Result<Response>&) { raw->end(); }}));
  return entry;
}

std::vector<ResourceUsage> StatsStreams::read(const std::vector<std::string>& containers) {
  std::vector<ResourceUsage> out(containers.size());
  if (!containers.empty() && !session_.engine()) return out;
  const std::set<std::string> wanted(containers.begin(), containers.end());
  std::vector<std::shared_ptr<Entry>> done;  // ended outside of the lock
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](auto& item) {
    if (wanted.contains(item.first) && !item.second->over()) return false;
    done.push_back(std::move(item.second));
    return true;
  });
  for (size_t i = 0; i < containers.size(); ++i) {
    auto& entry = entries_[containers[i]];
    if (!entry) entry = open(containers[i]);
    out[i] = entry->newest();
  }
  return out;
}

}  // namespace holdfast::docker
