// How a product gets into the output directory: assembled under a temporary name, made durable, then renamed,
// so that its final name never shows a part of it.
#pragma once

#include <string>

#include "controller/base/result.h"

namespace holdfast::examples {

// Temporary names are ".<group>.<tag>.<pid>-<n>.part": the tag tells converters apart that share a scratch
// directory; the rest keeps a dying child of an earlier run away from the file of this one. Thread-safe.
class PartNames {
 public:
  explicit PartNames(const std::string& owner);  // the path of the queue
  [[nodiscard]] std::string make(const std::string& directory, const std::string& group) const;
  void sweep(const std::string& directory) const;  // removes what earlier runs of this owner left

 private:
  std::string tag_;
};

// Syncs part and renames it to target; across file systems by way of a copy beside the target. Part is gone
// afterwards, whatever happened.
Status publish(const std::string& part, const std::string& target, const std::string& part_beside_target);

}  // namespace holdfast::examples
