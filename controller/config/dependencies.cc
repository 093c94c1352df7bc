#include "controller/config/dependencies.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "controller/config/nearest.h"

namespace holdfast::config {

namespace {

class Graph {
 public:
  Graph(const std::map<std::string, Node>& services, Faults& faults) : services_(services), faults_(faults) {}

  // Depth first, without recursion: a chain may be as long as there are services.
  void check() {
    for (const auto& [name, node] : services_) {
      enter(name, node);
      while (!walk_.empty()) step();
    }
  }

 private:
  enum class State { kNew, kOpen, kDone };
  struct Visit {
    std::string_view name;
    const std::vector<NodeMember>* dependencies;
    size_t next = 0;
  };

  void enter(std::string_view name, const Node& node) {
    static const std::vector<NodeMember> none;
    State& state = states_[name];
    if (state != State::kNew) return;
    state = State::kOpen;
    const Node* dependencies = node.find("dependsOn");
    walk_.push_back({name, dependencies ? &dependencies->members : &none});
  }

  void step() {
    Visit& visit = walk_.back();
    if (visit.next == visit.dependencies->size()) {
      states_[visit.name] = State::kDone;
      walk_.pop_back();
      return;
    }
    const NodeMember& dependency = (*visit.dependencies)[visit.next++];
    const auto it = services_.find(dependency.key);
    if (it == services_.end())
      unknown(visit.name, dependency);
    else if (states_[it->first] == State::kOpen)
      cycle(visit.name, dependency);
    else
      enter(it->first, it->second);
  }

  static std::string path_to(std::string_view name, const NodeMember& dependency) {
    return path_of({"services", std::string(name), "dependsOn", dependency.key});
  }

  void unknown(std::string_view name, const NodeMember& dependency) {
    std::string message = "no service '" + dependency.key + "' is declared";
    if (faults_.may_suggest()) {
      std::vector<std::string_view> known;
      for (const auto& service : services_) known.push_back(service.first);
      message += suggestion(dependency.key, known);
    }
    faults_.add(dependency.key_mark, path_to(name, dependency), std::move(message));
  }

  void cycle(std::string_view name, const NodeMember& dependency) {
    const auto start = std::find_if(walk_.begin(), walk_.end(),
                                    [&](const Visit& visit) { return visit.name == dependency.key; });
    std::string chain;
    for (auto it = start; it != walk_.end(); ++it) chain += std::string(it->name) + " -> ";
    faults_.add(dependency.key_mark, path_to(name, dependency),
                "services wait for each other: " + chain + dependency.key + "; take one of these away");
  }

  const std::map<std::string, Node>& services_;
  Faults& faults_;
  std::unordered_map<std::string_view, State> states_;
  std::vector<Visit> walk_;
};

}  // namespace

void check_dependencies(const std::map<std::string, Node>& services, Faults& faults) {
  Graph(services, faults).check();
}

}  // namespace holdfast::config
