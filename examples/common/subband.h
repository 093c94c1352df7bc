// One subband of an observation: the slice of the frequency axis that one correlator node delivers, in a file
// <timestamp>_sbNN.hdf5 (timestamp 2026-01-01T00:00:00, NN from 00). The timestamp names the group.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"

namespace holdfast::examples {

struct SubbandName {
  std::string group;
  int index = 0;
  bool operator==(const SubbandName&) const = default;
};

bool is_group_id(std::string_view text);  // a real date and time, to the second
std::string subband_file_name(const SubbandName& name);
std::optional<SubbandName> parse_subband_file_name(std::string_view file);  // nullopt: some other file

// In the file: float32 "visibilities" [rows, channels], float64 "frequency_hz" [channels], attributes
// "timestamp" and "subband".
struct Subband {
  SubbandName name;
  std::size_t rows = 0;
  std::vector<double> frequency_hz;  // ascending
  std::vector<float> visibilities;   // row by row; empty if only the header was read
};

// Not atomic: write beside and rename. Both are thread-safe.
Status write_subband(const std::string& path, const Subband& subband);

enum class Part { kHeader, kAll };
// kInvalid if it isn't a whole, consistent subband file.
Result<Subband> read_subband(const std::string& path, Part part = Part::kAll);

}  // namespace holdfast::examples
