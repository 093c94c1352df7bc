#include "examples/common/subband.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "controller/base/clock.h"
#include "examples/common/hdf5_file.h"

namespace holdfast::examples {

namespace {

constexpr std::size_t kGroupLength = std::string_view("2026-01-01T00:00:00").size();
constexpr std::string_view kInfix = "_sb";
constexpr std::string_view kSuffix = ".hdf5";

}  // namespace

bool is_group_id(std::string_view text) {
  if (text.size() != kGroupLength) return false;
  const auto time = parse_rfc3339(std::string(text) + "Z");
  return time && format_rfc3339(*time).starts_with(text);
}

std::string subband_file_name(const SubbandName& name) {
  std::array<char, 16> number{};
  std::snprintf(number.data(), number.size(), "%02d", name.index);
  return name.group + std::string(kInfix) + number.data() + std::string(kSuffix);
}

std::optional<SubbandName> parse_subband_file_name(std::string_view file) {
  if (file.size() != kGroupLength + kInfix.size() + 2 + kSuffix.size()) return {};
  const auto digits = file.substr(kGroupLength + kInfix.size(), 2);
  if (!std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; })) return {};
  SubbandName name{std::string(file.substr(0, kGroupLength)), (digits[0] - '0') * 10 + (digits[1] - '0')};
  if (subband_file_name(name) != file || !is_group_id(name.group)) return {};
  return name;
}

Status write_subband(const std::string& path, const Subband& subband) {
  return h5::with_hdf5(path, [&] {
    const auto channels = subband.frequency_hz.size();
    if (subband.visibilities.size() != subband.rows * channels) throw h5::Failure("sizes don't fit");
    const auto file = h5::create_file(path);
    const auto frequency = h5::make_dataset(file, "frequency_hz", H5T_IEEE_F64LE, {channels});
    h5::check(
        H5Dwrite(frequency, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, subband.frequency_hz.data()),
        "frequency_hz");
    const auto data = h5::make_dataset(file, "visibilities", H5T_IEEE_F32LE, {subband.rows, channels});
    h5::check(H5Dwrite(data, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, subband.visibilities.data()),
              "visibilities");
    h5::write_text(file, "timestamp", subband.name.group);
    h5::write_int(file, "subband", subband.name.index);
    h5::flush(file);
  });
}

Result<Subband> read_subband(const std::string& path, Part part) {
  return h5::with_hdf5(path, [&] {
    const auto file = h5::open_file(path);
    Subband subband;
    subband.name = {h5::read_text(file, "timestamp"), h5::read_int(file, "subband")};
    subband.frequency_hz = h5::read_doubles(h5::open_dataset(file, "frequency_hz"));
    const auto data = h5::open_dataset(file, "visibilities");
    const auto shape = h5::shape_of(data);
    if (shape.size() != 2 || shape[1] == 0 || shape[1] != subband.frequency_hz.size()) {
      throw h5::Failure("visibilities don't fit the frequency axis");
    }
    if (!std::ranges::is_sorted(subband.frequency_hz)) throw h5::Failure("frequencies don't ascend");
    subband.rows = shape[0];
    if (part == Part::kAll) subband.visibilities = h5::read_floats(data);
    return subband;
  });
}

}  // namespace holdfast::examples
