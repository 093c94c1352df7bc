// Joins subband files along the frequency axis, and checks the result.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "controller/base/result.h"

namespace holdfast::examples {

// In the file: float32 "visibilities" [rows, channels], float64 "frequency_hz" [channels] ascending,
// attributes "timestamp" and "n_subbands".
struct Product {
  std::string group;
  int subbands = 0;
  std::size_t rows = 0, channels = 0;
  double first_hz = 0, last_hz = 0;
};

// Orders the inputs by their frequencies: correlators number subbands upwards or downwards. Refuses inputs of
// another group, of different row counts or with overlapping frequencies. Holds one subband in memory at a
// time. Not atomic, not synced: that is publish.h. Thread-safe, but HDF5 runs one join at a time in a
// process.
Status join_subbands(const std::vector<std::string>& inputs, const std::string& group,
                     const std::string& output);

// kInvalid if the file isn't a whole product.
Result<Product> inspect_product(const std::string& path);

}  // namespace holdfast::examples
