// The layers that come from files: the base file, and what overlay directories hold.
//
// An overlay directory is read in lexical order of its file names; *.json, *.yaml and *.yml count, names that
// begin with a dot don't. A mounted ConfigMap is such a directory:
//
//   overlay/app.yaml -> ..data/app.yaml
//   overlay/..data   -> ..2026_01_01_10_00_00.123/      swapped as a whole on every update
//
// (https://pkg.go.dev/k8s.io/kubernetes/pkg/volume/util#AtomicWriter). All its files are read from one such
// version, never from two.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "controller/config/config.h"

namespace holdfast::config {

struct LayerSources {
  std::string base_file;                  // empty: none
  std::vector<std::string> overlay_dirs;  // low to high
};

struct LayerSet {
  std::vector<LayerText> layers;      // low to high: base, then the overlays
  std::vector<ConfigError> problems;  // what can't be read; the set then is incomplete and not to be applied
};
bool same_content(const LayerSet& a, const LayerSet& b);

// Blocks on the file system. Thread-safe.
LayerSet read_layers(const LayerSources& sources);

// Whether a file of that name in an overlay directory is a layer.
bool is_layer_name(std::string_view name);

// What of one directory matters: certain names, or all that a layer could have.
struct DirectoryInterest {
  bool layers = false;
  std::set<std::string, std::less<>> names;
  bool operator==(const DirectoryInterest&) const = default;
  [[nodiscard]] bool includes(std::string_view name) const;
};

// Every directory in which a change could change what read_layers() returns: those of the files, of each
// symbolic link on the way to them, and for what is missing the one it would appear in.
std::map<std::string, DirectoryInterest> directories_of(const LayerSources& sources);

}  // namespace holdfast::config
