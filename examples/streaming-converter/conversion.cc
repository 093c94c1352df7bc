#include "examples/streaming-converter/conversion.h"

#include <filesystem>

#include <unistd.h>

#include "controller/base/log.h"
#include "examples/common/subband.h"
#include "examples/streaming-converter/subprocess.h"

namespace holdfast::examples {

namespace fs = std::filesystem;

namespace {

// A converter that died several times during a group was perhaps killed by others, perhaps by the data. In a
// process of its own the group can harm only itself, and an innocent one is never given up.
constexpr int kTrustedCrashes = 3;

}  // namespace

Conversion::Conversion(const Options& options, Registry& registry)
    : options_(options), registry_(registry), parts_(options.queue_db) {}

void Conversion::sweep() const {
  parts_.sweep(options_.output_dir);
  parts_.sweep(options_.scratch_dir);
  parts_.sweep(options_.tmpfs_path);
}

std::string Conversion::product_path(const std::string& group) const {
  return options_.output_dir + "/" + group + ".hdf5";
}

Result<Product> Conversion::inspect(const std::string& path, const std::string& group) const {
  auto product = inspect_product(path);
  if (product && (product->group != group || product->subbands != options_.expected_subbands)) {
    return fail(ErrorCode::kInvalid, path + " is the product of something else");
  }
  return product;
}

Result<Product> Conversion::existing(const std::string& group) const {
  const auto path = product_path(group);
  if (access(path.c_str(), F_OK) != 0) return fail(ErrorCode::kNotFound, path + " does not exist");
  return inspect(path, group);
}

std::string Conversion::staging_directory(const std::vector<std::string>& inputs) const {
  if (!options_.stage_to_tmpfs) return options_.scratch_dir;
  std::error_code error;
  std::uintmax_t needed = 0;  // the product is no larger than its inputs together
  for (const auto& input : inputs) {
    const auto size = fs::file_size(input, error);
    if (!error) needed += size;
  }
  const auto space = fs::space(options_.tmpfs_path, error);
  if (!error && space.available > needed) return options_.tmpfs_path;
  log::warning("no room to stage in memory, using the scratch directory", {{"tmpfs", options_.tmpfs_path}});
  return options_.scratch_dir;
}

Result<Product> Conversion::make(const Claim& claim) const {
  const auto& group = claim.group;
  std::vector<std::string> inputs;
  inputs.reserve(static_cast<std::size_t>(options_.expected_subbands));
  for (int i = 0; i < options_.expected_subbands; ++i) {
    inputs.push_back(options_.input_dir + "/" + subband_file_name({group, i}));
  }
  const auto part = parts_.make(staging_directory(inputs), group);
  const bool apart = options_.use_subprocess || claim.crashes >= kTrustedCrashes;
  const auto joined = apart ? join_in_subprocess(inputs, group, part) : join_subbands(inputs, group, part);
  // Looked at even after success: nothing is published that couldn't be read back.
  auto product = joined ? inspect(part, group) : tl::unexpected<Error>(joined.error());
  if (!product) {
    unlink(part.c_str());
    return product;
  }
  const auto published = publish(part, product_path(group), parts_.make(options_.output_dir, group));
  if (!published) return fail(published.error());
  return product;
}

Result<Product> Conversion::run(const Claim& claim) const {
  auto product = existing(claim.group);
  if (!product) product = make(claim);
  if (!product) return product;
  if (const auto recorded = registry_.record(*product, product_path(claim.group)); !recorded) {
    return fail(recorded.error());
  }
  return product;
}

}  // namespace holdfast::examples
