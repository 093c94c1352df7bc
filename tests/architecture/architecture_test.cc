// Reads every #include of the tree and fails on an arrow that runs against the plan of the house.
#include <filesystem>
#include <fstream>
#include <regex>

namespace holdfast {
namespace {

namespace fs = std::filesystem;

struct Include {
  std::string file;    // from the root, "controller/model/action.h"
  std::string target;  // as written, without quotes or brackets
  bool quoted = false;
};

const std::vector<Include>& includes() {
  static const std::vector<Include> all = [] {
    std::vector<Include> found;
    const fs::path root = HOLDFAST_SOURCE_DIR;
    const std::regex pattern(R"re(^\s*#\s*include\s*([<"])([^>"]+)[>"].*)re");
    for (const auto* top : {"controller", "runtimes", "api", "cli", "examples"}) {
      for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
        const auto extension = entry.path().extension();
        if (extension != ".h" && extension != ".cc") continue;
        std::ifstream stream(entry.path());
        std::smatch match;
        for (std::string line; std::getline(stream, line);) {
          if (std::regex_match(line, match, pattern)) {
            found.push_back({fs::relative(entry.path(), root).string(), match[2], match[1] == "\""});
          }
        }
      }
    }
    return found;
  }();
  return all;
}

// The longest prefix that names a room.
std::string room_of(const std::string& path) {
  static const std::vector<std::string> rooms = {"controller/base",
                                                 "controller/model",
                                                 "controller/config",
                                                 "controller/planner",
                                                 "controller/health",
                                                 "controller/telemetry",
                                                 "controller/state",
                                                 "controller/reconciler",
                                                 "controller/main",
                                                 "runtimes/process/shim",
                                                 "runtimes/process",
                                                 "runtimes/docker/client",
                                                 "runtimes/docker/engine",
                                                 "runtimes/docker/cli",
                                                 "runtimes/docker",
                                                 "runtimes/http",
                                                 "runtimes/kubernetes/client",
                                                 "runtimes/kubernetes/informer",
                                                 "runtimes/kubernetes/inside",
                                                 "runtimes/kubernetes",
                                                 "runtimes/fake",
                                                 "runtimes",
                                                 "api/http",
                                                 "api/v1",
                                                 "api/streaming",
                                                 "api/auth",
                                                 "api/metrics",
                                                 "api/docs",
                                                 "api",
                                                 "cli",
                                                 "examples"};
  for (const auto& room : rooms) {
    if (path.starts_with(room + "/")) return room;
  }
  return "";
}

TEST(Architecture, ArrowsRunOneWay) {
  // What each room may include beside itself. controller/main, the composition root, may include everything.
  const std::map<std::string, std::set<std::string>> allowed = {
      {"controller/base", {}},
      {"controller/model", {"controller/base"}},
      {"controller/config", {"controller/base", "controller/model"}},
      {"controller/planner", {"controller/base", "controller/model"}},
      {"controller/health", {"controller/base", "controller/model"}},
      {"controller/state", {"controller/base", "controller/model"}},
      {"controller/telemetry", {"controller/base", "controller/model", "runtimes"}},
      {"runtimes", {"controller/base", "controller/model"}},
      {"runtimes/process/shim", {}},
      {"runtimes/process", {"controller/base", "controller/model", "runtimes", "runtimes/process/shim"}},
      {"runtimes/docker/client", {"controller/base", "controller/model", "runtimes"}},
      {"runtimes/docker/engine",
       {"controller/base", "controller/model", "runtimes", "runtimes/http", "runtimes/docker/client"}},
      {"runtimes/docker/cli", {"controller/base", "controller/model", "runtimes", "runtimes/docker/client"}},
      {"runtimes/docker",
       {"controller/base", "controller/model", "runtimes", "runtimes/docker/client", "runtimes/docker/engine",
        "runtimes/docker/cli"}},
      {"runtimes/http", {"controller/base"}},
      {"runtimes/kubernetes/client", {"controller/base", "runtimes/http"}},
      {"runtimes/kubernetes/informer", {"controller/base", "runtimes/kubernetes/client"}},
      {"runtimes/kubernetes/inside",
       {"controller/base", "controller/model", "controller/state", "runtimes/kubernetes/client",
        "runtimes/kubernetes/informer"}},
      {"runtimes/kubernetes",
       {"controller/base", "controller/model", "runtimes", "runtimes/kubernetes/client",
        "runtimes/kubernetes/informer"}},
      {"runtimes/fake", {"controller/base", "controller/model", "runtimes"}},
      {"controller/reconciler",
       {"controller/base", "controller/model", "controller/config", "controller/planner", "controller/health",
        "controller/state", "controller/telemetry", "runtimes"}},
      {"api/http", {"controller/base"}},
      {"api/auth", {"controller/base", "controller/model", "api/http"}},
      {"api/v1", {"controller/base", "controller/model", "api/http", "api/auth"}},
      {"api/streaming", {"controller/base", "controller/model", "api/http"}},
      {"api/metrics", {"controller/base", "controller/model", "api/http"}},
      {"api/docs", {"controller/base", "api/http"}},
      {"cli", {"controller/base"}},
      {"examples", {"controller/base"}},
  };
  for (const auto& include : includes()) {
    const auto from = room_of(include.file);
    ASSERT_FALSE(from.empty()) << include.file << " is in no room";
    if (!include.quoted || from == "controller/main") continue;
    const auto to = room_of(include.target);
    EXPECT_FALSE(to.empty()) << include.file << " includes \"" << include.target
                             << "\": write the path from the root";
    if (to.empty() || to == from) continue;
    EXPECT_TRUE(allowed.at(from).contains(to))
        << include.file << " includes " << include.target << ": " << from << " must not know " << to;
  }
}

// Libraries that are kept behind one room.
TEST(Architecture, LibrariesStayInTheirRooms) {
  const std::vector<std::pair<std::string, std::set<std::string>>> owned = {
      {"pistache/", {"api/http"}},
      {"prometheus/", {"api/metrics"}},
      {"rapidjson/", {"controller/base", "controller/config"}},
      {"valijson/", {"controller/config"}},
      {"yaml-cpp/", {"controller/config", "api/docs", "cli", "runtimes/kubernetes/client"}},
      {"spdlog/", {"controller/base"}},
      {"CLI/", {"cli", "examples"}},
      {"SQLiteCpp/", {"controller/state", "controller/telemetry", "examples"}},
  };
  for (const auto& include : includes()) {
    for (const auto& [prefix, rooms] : owned) {
      if (!include.target.starts_with(prefix)) continue;
      EXPECT_TRUE(rooms.contains(room_of(include.file))) << include.file << " includes " << include.target;
    }
  }
}

TEST(Architecture, ReadsTheTree) {
  EXPECT_GT(includes().size(), 100u);
}

}  // namespace
}  // namespace holdfast
