#include "examples/streaming-converter/join.h"

#include <algorithm>

#include "examples/common/hdf5_file.h"
#include "examples/common/subband.h"

namespace holdfast::examples {

namespace {

struct Input {
  std::string path;
  Subband header;
};

Subband read_or_throw(const std::string& path, Part part) {
  auto subband = read_subband(path, part);
  if (!subband) throw h5::Failure(subband.error().message);
  return std::move(*subband);
}

std::vector<Input> read_headers(const std::vector<std::string>& paths, const std::string& group) {
  std::vector<Input> inputs;
  for (const auto& path : paths) {
    inputs.push_back({path, read_or_throw(path, Part::kHeader)});
    if (inputs.back().header.name.group != group) throw h5::Failure(path + " belongs to another group");
    if (inputs.back().header.rows != inputs.front().header.rows) {
      throw h5::Failure(path + " has another number of rows than " + inputs.front().path);
    }
  }
  std::ranges::sort(inputs, {}, [](const Input& input) { return input.header.frequency_hz.front(); });
  for (size_t i = 1; i < inputs.size(); ++i) {
    if (inputs[i].header.frequency_hz.front() <= inputs[i - 1].header.frequency_hz.back()) {
      throw h5::Failure(inputs[i].path + " overlaps the frequencies of " + inputs[i - 1].path);
    }
  }
  return inputs;
}

void copy_block(hid_t target, const Input& input, hsize_t first_channel) {
  const auto subband = read_or_throw(input.path, Part::kAll);
  if (subband.rows != input.header.rows || subband.frequency_hz != input.header.frequency_hz) {
    throw h5::Failure(input.path + " changed while it was read");
  }
  const h5::Shape start{0, first_channel};
  const h5::Shape count{subband.rows, subband.frequency_hz.size()};
  const h5::Handle space(H5Dget_space(target), H5Sclose, "space");
  const h5::Handle memory(H5Screate_simple(2, count.data(), nullptr), H5Sclose, "space");
  h5::check(H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
            "select");
  h5::check(H5Dwrite(target, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, subband.visibilities.data()),
            "visibilities");
}

void write_product(const std::vector<Input>& inputs, const std::string& group, const std::string& output) {
  std::vector<double> frequency;
  for (const auto& input : inputs) {
    frequency.insert(frequency.end(), input.header.frequency_hz.begin(), input.header.frequency_hz.end());
  }
  const auto file = h5::create_file(output);
  const auto axis = h5::make_dataset(file, "frequency_hz", H5T_IEEE_F64LE, {frequency.size()});
  h5::check(H5Dwrite(axis, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, frequency.data()),
            "frequency_hz");
  const auto data =
      h5::make_dataset(file, "visibilities", H5T_IEEE_F32LE, {inputs.front().header.rows, frequency.size()});
  hsize_t channel = 0;
  for (const auto& input : inputs) {
    copy_block(data, input, channel);
    channel += input.header.frequency_hz.size();
  }
  h5::write_text(file, "timestamp", group);
  h5::write_int(file, "n_subbands", static_cast<int>(inputs.size()));
  h5::flush(file);
}

}  // namespace

Status join_subbands(const std::vector<std::string>& inputs, const std::string& group,
                     const std::string& output) {
  if (inputs.empty()) return fail(ErrorCode::kInvalid, group + " has no subbands");
  return h5::with_hdf5("joining " + group,
                       [&] { write_product(read_headers(inputs, group), group, output); });
}

Result<Product> inspect_product(const std::string& path) {
  return h5::with_hdf5(path, [&] {
    const auto file = h5::open_file(path);
    Product product;
    product.group = h5::read_text(file, "timestamp");
    product.subbands = h5::read_int(file, "n_subbands");
    const auto frequency = h5::read_doubles(h5::open_dataset(file, "frequency_hz"));
    const auto shape = h5::shape_of(h5::open_dataset(file, "visibilities"));
    if (shape.size() != 2 || frequency.empty() || shape[1] != frequency.size()) {
      throw h5::Failure("visibilities don't fit the frequency axis");
    }
    if (!std::ranges::is_sorted(frequency)) throw h5::Failure("frequencies don't ascend");
    product.rows = shape[0];
    product.channels = frequency.size();
    product.first_hz = frequency.front();
    product.last_hz = frequency.back();
    return product;
  });
}

}  // namespace holdfast::examples
