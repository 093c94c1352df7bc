// GET /openapi.json, the description of the API (api/openapi.yaml), and GET /docs, a page that shows it and
// loads nothing from anywhere else. Both need no credentials: they hold no state.
#pragma once

#include <vector>

#include "api/http/server.h"

namespace holdfast::docs {

std::vector<http::Route> routes();

}  // namespace holdfast::docs
