// The pod template of a service: what its spec says, over kubernetes.podTemplate.
#pragma once

#include <string>

#include "controller/base/json.h"
#include "controller/model/service_spec.h"

namespace holdfast::kubernetes {

// Which container of podTemplate is the service's: the one of its name, otherwise the first; there may be
// none.
std::string own_container(const ServiceSpec& spec);
Json pod_template_of(const ServiceSpec& spec);
// Maps are merged, lists by what tells their items apart; `over` wins.
void lay_over(Json& below, const Json& over, const std::string& field = {});

}  // namespace holdfast::kubernetes
