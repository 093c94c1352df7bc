#include "controller/base/result.h"

#include <cerrno>
#include <system_error>

namespace holdfast {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return "invalid";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kPermission:
      return "permission";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kTimeout:
      return "timeout";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "internal";
}

namespace {
ErrorCode code_of(int errno_value) {
  switch (errno_value) {
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::kPermission;
    case ENOENT:
    case ENOTDIR:
    case ESRCH:
      return ErrorCode::kNotFound;
    case EEXIST:
    case EADDRINUSE:
    case EBUSY:
      return ErrorCode::kConflict;
    case EINVAL:
    case ENAMETOOLONG:
    case ENOEXEC:
      return ErrorCode::kInvalid;
    case ETIMEDOUT:
      return ErrorCode::kTimeout;
    case EAGAIN:
    case ECONNREFUSED:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::kUnavailable;
    default:
      return ErrorCode::kInternal;
  }
}
}  // namespace

Error errno_error(std::string_view what, int errno_value) {
  return {code_of(errno_value),
          std::string(what) + ": " + std::generic_category().message(errno_value),
          {},
          false};
}

}  // namespace holdfast
