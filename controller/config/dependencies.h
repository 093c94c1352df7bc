// dependsOn across services: every name exists, and nothing waits for itself.
#pragma once

#include <map>
#include <string>

#include "controller/config/faults.h"
#include "controller/config/node.h"

namespace holdfast::config {

// Services by name, each as merged.
void check_dependencies(const std::map<std::string, Node>& services, Faults& faults);

}  // namespace holdfast::config
