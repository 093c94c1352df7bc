// One service of a compose file, part by part. Each reads its keys of `service` and writes to `out`.
#pragma once

#include "controller/config/compose/section.h"

namespace holdfast::config {

// Json objects of the members that were declared.
struct Converted {
  Json service = Json::object();
  Json docker = Json::object();
  std::int64_t replicas = 1;
};

void convert_program(Section& service, Converted& out);    // image, command, environment
void convert_mounts(Section& service, Converted& out);     // volumes, tmpfs, secrets
void convert_networks(Section& service, Converted& out);   // networks, ports, names of hosts
void convert_container(Section& service, Converted& out);  // what is the same under another name
void convert_order(Section& service, Converted& out);      // dependencies, profiles, replicas
void convert_policies(Section& service, Converted& out);   // restart, stop, health, resources, logs

Json list_of(const std::vector<std::string>& values);       // as they are
Json escaped_list(const std::vector<std::string>& values);  // where Holdfast puts parameters in

}  // namespace holdfast::config
