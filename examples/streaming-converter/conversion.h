// One group, from its subband files to a recorded product.
#pragma once

#include <string>

#include "controller/base/result.h"
#include "examples/streaming-converter/options.h"
#include "examples/streaming-converter/publish.h"
#include "examples/streaming-converter/queue.h"
#include "examples/streaming-converter/registry.h"

namespace holdfast::examples {

// Thread-safe.
class Conversion {
 public:
  Conversion(const Options& options, Registry& registry);

  void sweep() const;  // what a crash left half-made; call before the first conversion
  // Idempotent: a product already in place (a crash came between the rename and its record) is only recorded.
  Result<Product> run(const Claim& claim) const;
  [[nodiscard]] std::string product_path(const std::string& group) const;

 private:
  [[nodiscard]] Result<Product> existing(const std::string& group) const;
  [[nodiscard]] Result<Product> inspect(const std::string& path, const std::string& group) const;
  [[nodiscard]] Result<Product> make(const Claim& claim) const;
  [[nodiscard]] std::string staging_directory(const std::vector<std::string>& inputs) const;

  const Options& options_;
  Registry& registry_;
  PartNames parts_;
};

}  // namespace holdfast::examples
