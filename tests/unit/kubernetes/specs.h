// Services for the tests of the Kubernetes adapter.
#pragma once

#include <string>

#include "controller/model/service_spec.h"

namespace holdfast::test {

inline ServiceSpec kube_spec(const std::string& name = "web") {
  ServiceSpec spec;
  spec.name = name;
  spec.spec_hash = "hash-1";
  spec.runtime = RuntimeKind::kKubernetes;
  spec.argv = {"serve", "--port=80"};
  spec.kubernetes.image = "shop/web:1";
  return spec;
}

inline Json json(const std::string& text) {
  auto value = parse_json(text);
  return value ? *value : Json("not JSON: " + value.error().message);
}

}  // namespace holdfast::test
