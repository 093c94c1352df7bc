// What is kept of objects: a thousand services are a thousand pods.
#pragma once

#include "controller/base/json.h"

namespace holdfast::kubernetes {

// managedFields become foreign_fields (drift.h).
void trim_owned(Json& object);  // a Deployment or a Service
void trim_pod(Json& pod);
void trim_autoscaler(Json& autoscaler);
void trim_event(Json& event);

// Nothing but the resource version has changed.
bool is_same(const Json& before, const Json& after);

}  // namespace holdfast::kubernetes
