// From marked trees to values. Every reader reports all faults and goes on; the value counts only if there
// were none.
#pragma once

#include <string>

#include "controller/config/config.h"
#include "controller/config/fields.h"
#include "controller/config/node.h"
#include "controller/config/parameters.h"
#include "controller/model/service_spec.h"

namespace holdfast::config {

ServiceSpec decode_service(Reading& reading, const std::string& name, const Node& node, const Path& path);
ControllerSettings decode_controller(Reading& reading, const Node& node, const Path& path);

// Parts of a service.
HealthSpec decode_health(Reading& reading, const Node& node, const Path& path, Substitution& parameters);
std::map<std::string, CollectorSpec> decode_collectors(Reading& reading, const Node& node, const Path& path,
                                                       Substitution& parameters);
ProcessOptions decode_process(Reading& reading, const Node& node, const Path& path);
DockerOptions decode_docker(Reading& reading, const Node& node, const Path& path, Substitution& parameters);
// What can't be had more than once, in a service that is to have more than one instance.
void check_docker_replicas(Reading& reading, const Node& node, const Path& path, const ServiceSpec& spec);
// An image, in which parameters count; the tree's `image`.
void read_image(Fields& fields, Substitution& parameters, std::string& image);
KubernetesOptions decode_kubernetes(Reading& reading, const Node& node, const Path& path,
                                    Substitution& parameters);

// Reads exactly one of `names` below fields; null, and reported, if there is none or more.
const Node* exactly_one(Fields& fields, std::initializer_list<std::string_view> names,
                        std::string_view* chosen);

// host, port and path members that probes and scrapes share.
void read_endpoint(Fields& fields, std::string& host, int& port, std::string* path);

}  // namespace holdfast::config
