// RFC 7396 over marked trees: what came from where survives the merge.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/config/faults.h"
#include "controller/config/node.h"
#include "controller/config/parse.h"

namespace holdfast::config {

// A null deletes. With a layer, the marks of all that is taken from the patch say so.
void merge_into(Node& target, const Node& patch, std::optional<std::int32_t> layer);

struct MergedLayers {
  Node document;  // all but the services; always an object
  // What each layer, low to high, says about a service that isn't deleted. The defaults come under them all,
  // so that a null in any layer can take a default away.
  struct Patch {
    const Node* node;
    std::int32_t layer;
    Mark key_mark;
  };
  std::map<std::string, std::vector<Patch>> services;
};
// Borrows from the layers.
MergedLayers merge_layers(const std::vector<std::shared_ptr<const ParsedLayer>>& layers, Faults& faults);

}  // namespace holdfast::config
