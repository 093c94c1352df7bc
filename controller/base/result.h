// Errors as values. Every fallible function of Holdfast returns Result<T>; exceptions of libraries stop at
// the edge of the file that calls the library. Absence is a value (std::optional), an error is an error.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace holdfast {

// Maps to an HTTP status once, in api/http.
enum class ErrorCode { kInvalid, kNotFound, kConflict, kPermission, kUnavailable, kTimeout, kInternal };

std::string_view to_string(ErrorCode code);

// One of several faults of one input.
struct ErrorDetail {
  std::string path;     // where in the input: "services.web.replicas"
  std::string message;  // what is wrong, what was expected
  std::string origin;   // layer, file, line and column, if it came from a file
  bool operator==(const ErrorDetail&) const = default;
};

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;    // what happened, to what; one sentence without a trailing dot
  std::string hint;       // what to do about it; may be empty
  bool terminal = false;  // retrying without a change of input can't help
  std::vector<ErrorDetail> details{};
  bool operator==(const Error&) const = default;
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string message, std::string hint = {}) {
  return tl::unexpected<Error>(Error{code, std::move(message), std::move(hint), false, {}});
}
inline tl::unexpected<Error> fail_terminal(ErrorCode code, std::string message, std::string hint = {}) {
  return tl::unexpected<Error>(Error{code, std::move(message), std::move(hint), true, {}});
}
inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

// "what: strerror(errno_value)" with the code that fits the errno (EACCES -> permission, ENOENT -> not found
// ...).
Error errno_error(std::string_view what, int errno_value);

}  // namespace holdfast
