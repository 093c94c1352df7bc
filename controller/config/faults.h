// Collects every fault of a configuration, with the place it was written.
#pragma once

#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "controller/config/config.h"
#include "controller/config/node.h"
#include "controller/config/path.h"

namespace holdfast::config {

// Not thread-safe.
class Faults {
 public:
  // Whether the value itself may be shown; not for what may be a secret.
  enum class Echo { kYes, kNo };

  void add(Mark mark, std::string path, std::string message, std::string value = {});
  void add(const Node& node, const Path& path, std::string message, Echo echo = Echo::kYes);

  // Later faults at the places of those so far are dropped: they are the same ones, met again.
  void report_once();

  [[nodiscard]] size_t count() const { return faults_.size(); }
  [[nodiscard]] bool empty() const { return faults_.empty(); }
  // Looking for similar names costs time; after many faults nobody reads the rest.
  [[nodiscard]] bool may_suggest() const { return faults_.size() < 100; }

  // In document order; of very many, the first ones and a last that says how many more there are.
  [[nodiscard]] std::vector<ConfigError> errors(const std::vector<LayerText>& layers) const;

 private:
  struct Fault {
    Mark mark;
    std::string path, message, value;
  };
  using Place = std::tuple<std::int32_t, std::int32_t, std::int32_t>;
  static Place place(Mark mark) { return {mark.layer, mark.line, mark.column}; }

  std::vector<Fault> faults_;
  std::set<Place> reported_;
};

// "x" as JSON, cut to what fits a line; a list or map only as such.
std::string abridged(const Node& node);

Origin origin_of(Mark mark, const std::vector<LayerText>& layers);

}  // namespace holdfast::config
