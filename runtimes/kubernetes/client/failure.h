// What the API server refused, in words for people.
// Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
#pragma once

#include <string>
#include <string_view>

#include "controller/base/json.h"
#include "controller/base/result.h"
#include "runtimes/http/transport.h"
#include "runtimes/kubernetes/client/access.h"
#include "runtimes/kubernetes/client/question.h"

namespace holdfast::kubernetes {

// `body` is a Status object, or what something in between has written. The codes are client.h's.
Error refusal(const Question& question, long status, std::string_view body);
Error refusal_of_status(const Question& question, long status, const Json& body);

// Whether a 404 is about that very object: neither its namespace, nor the kind of object that the server
// doesn't know, nor a proxy.
bool is_absent(const Question& question, std::string_view body);

// No answer came.
Error silence(const Access& access, const http_client::Fault& fault);

}  // namespace holdfast::kubernetes
