// Reads what a secret's reference points at, at the moment of a start. The value goes to the service and
// nowhere else.
#pragma once

#include <string>

#include "controller/base/result.h"
#include "controller/model/service_spec.h"

namespace holdfast {

// A file without the newlines at its end, or a variable of the controller's environment. Errors name
// `variable`, never a value. Thread-safe as long as nobody changes the environment.
Result<std::string> read_secret(const std::string& variable, const SecretRef& secret);

}  // namespace holdfast
