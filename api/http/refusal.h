// Why a request is not served: by framing, target, Host, Origin, credentials or size.
#pragma once

#include <string>

#include "api/http/message.h"

namespace holdfast::http {

inline constexpr const char* kSendLess = "send less at a time; nothing was changed";

struct Refusal {
  int status = 400;
  std::string detail;  // becomes the problem document's
  std::string hint{};
  Headers headers{};
};

inline Response to_response(const Refusal& refusal, const std::string& request_id) {
  auto response = problem(Error{.message = refusal.detail, .hint = refusal.hint}, request_id, refusal.status);
  response.headers = refusal.headers;
  return response;
}

}  // namespace holdfast::http
