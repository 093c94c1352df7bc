// Amounts as Kubernetes writes them: "1000m" and "1" are one core, "512Mi" and 536870912 the same memory.
// Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controller/base/json.h"

namespace holdfast::kubernetes {

std::optional<double> parse_quantity(const Json& value);  // a number, or a text with a suffix
bool same_quantity(const Json& a, const Json& b);
std::string cpu_text(std::int64_t millis);   // "1500m", "2"
std::string bytes_text(std::int64_t bytes);  // "512Mi", "1000"

}  // namespace holdfast::kubernetes
