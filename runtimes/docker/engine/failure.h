// What went wrong with a call, in words for people.
#pragma once

#include <string>
#include <string_view>

#include "controller/base/clock.h"
#include "controller/base/result.h"
#include "runtimes/docker/engine/endpoint.h"
#include "runtimes/http/transport.h"

namespace holdfast::docker {

// No connection was made. `os_errno` 0: not known, then a socket is tried once more to find out; `detail`
// tells of all else. kUnavailable, or kPermission with what the user can do about a socket that is closed to
// them. Thread-safe.
Error unreachable(const Endpoint& endpoint, int os_errno, const std::string& detail);

// No answer came. Errors: kUnavailable, kPermission (the socket is not ours to use), kTimeout, kInternal (an
// answer that is too large).
Error error_of(const Endpoint& endpoint, const http_client::Fault& fault);

using http_client::seconds_of;
Error timed_out(const std::string& what, Duration after);

// An answer of status 400 and up (or an unexpected redirection), with the message of its JSON body.
Error http_error(const std::string& what, long status, std::string_view body);

// Whether the text is in the message, without regard to ASCII case: engines differ in how they begin it.
bool mentions(const Error& error, std::string_view text);
bool mentions(std::string_view message, std::string_view text);

}  // namespace holdfast::docker
