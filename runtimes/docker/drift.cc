// How a real container differs from what is declared.
#include <algorithm>
#include <set>

#include "controller/base/text.h"
#include "controller/model/docker_text.h"
#include "runtimes/docker/spec_container.h"

namespace holdfast::docker {

namespace {

constexpr std::int64_t kNanosPerMilli = 1'000'000;

std::string bytes_text(std::int64_t bytes) {
  if (bytes <= 0) return "no limit";
  for (const auto& [unit, size] :
       {std::pair{"Gi", 1LL << 30}, std::pair{"Mi", 1LL << 20}, std::pair{"Ki", 1LL << 10}})
    if (bytes % size == 0) return std::to_string(bytes / size) + unit;
  return std::to_string(bytes);
}

std::string cores_text(std::int64_t nanos) {
  return nanos <= 0 ? "no limit" : std::to_string(nanos / kNanosPerMilli) + "m";
}

std::vector<std::string> texts(const Json& list) {
  std::vector<std::string> out;
  for (const auto& item : list.items()) out.push_back(item.as_string());
  return out;
}

std::string list_text(const std::vector<std::string>& items) {
  return "[" + join(items, ", ") + "]";
}

// Engines write capabilities with and without CAP_.
std::set<std::string> capabilities(const std::vector<std::string>& names) {
  std::set<std::string> out;
  for (const auto& name : names) out.insert(name.starts_with("CAP_") ? name.substr(4) : name);
  return out;
}

class Comparison {
 public:
  // all: also what is not declared must be as Holdfast would have made it.
  Comparison(const CreateSpec& wanted, const Container& real, bool all)
      : wanted_(wanted), real_(real), all_(all) {}

  std::vector<std::string> run() {
    compare_program();
    compare_limits();
    compare_privileges();
    compare_mounts();
    compare_ports();
    return std::move(drift_);
  }
  void told(const std::string& field, const std::string& declared, const std::string& actual) {
    drift_.push_back(field + ": " + declared + " is declared, " + actual + " is in force");
  }

 private:
  [[nodiscard]] const Json& config() const { return real_.document.at("Config"); }
  [[nodiscard]] const Json& host() const { return real_.document.at("HostConfig"); }

  void text(const char* field, const std::string& declared, const std::string& actual) {
    if (!declared.empty() && declared != actual) told(field, declared, actual.empty() ? "nothing" : actual);
  }
  void flag(const char* field, bool declared, bool actual) {
    if (declared != actual && (declared || all_))
      told(field, declared ? "true" : "false", actual ? "true" : "false");
  }

  void compare_program() {
    text("image", wanted_.image, real_.image);
    const auto command = texts(config().at("Cmd"));
    if (!wanted_.command.empty() && wanted_.command != command)
      told("command", list_text(wanted_.command), list_text(command));
    auto entrypoint = texts(config().at("Entrypoint"));
    std::erase(entrypoint, "");
    if (wanted_.entrypoint && *wanted_.entrypoint != entrypoint)
      told("entrypoint", list_text(*wanted_.entrypoint), list_text(entrypoint));
    text("user", wanted_.user, config().at("User").as_string());
    text("workingDir", wanted_.working_dir, config().at("WorkingDir").as_string());
    text("hostname", wanted_.hostname, config().at("Hostname").as_string());
    text("network", wanted_.network, host().at("NetworkMode").as_string());
    const auto environment = texts(config().at("Env"));
    for (const auto& [name, value] : wanted_.env) {  // values stay untold: they may be somebody's secret
      if (std::find(environment.begin(), environment.end(), name + "=" + value) == environment.end())
        drift_.push_back("env " + name + ": the declared value is not in force");
    }
    flag("tty", wanted_.tty, real_.tty);
  }

  // An engine may keep a share of the cores as quota and period.
  [[nodiscard]] std::int64_t nano_cpus() const {
    if (const auto nanos = host().at("NanoCpus").as_int(); nanos > 0) return nanos;
    const auto quota = host().at("CpuQuota").as_int(), period = host().at("CpuPeriod").as_int();
    return quota > 0 ? quota * 1'000'000'000 / (period > 0 ? period : 100'000) : 0;
  }

  void compare_limits() {
    const auto memory = host().at("Memory").as_int();
    if (memory != wanted_.memory_bytes.value_or(0) && (wanted_.memory_bytes || all_))
      told("memory", bytes_text(wanted_.memory_bytes.value_or(0)), bytes_text(memory));
    if (nano_cpus() != wanted_.nano_cpus.value_or(0) && (wanted_.nano_cpus || all_))
      told("cpu", cores_text(wanted_.nano_cpus.value_or(0)), cores_text(nano_cpus()));
    const auto pids = host().at("PidsLimit").as_int();
    if (wanted_.pids && *wanted_.pids != pids)
      told("pids", std::to_string(*wanted_.pids), pids <= 0 ? "no limit" : std::to_string(pids));
  }

  void compare_privileges() {
    flag("privileged", wanted_.privileged, host().at("Privileged").as_bool());
    flag("readOnly", wanted_.read_only, host().at("ReadonlyRootfs").as_bool());
    const auto list = [&](const char* field, const std::vector<std::string>& declared, const char* key) {
      const auto actual = texts(host().at(key));
      if (!declared.empty() && capabilities(declared) != capabilities(actual))
        told(field, list_text(declared), list_text(actual));
    };
    list("capAdd", wanted_.cap_add, "CapAdd");
    list("capDrop", wanted_.cap_drop, "CapDrop");
    if (real_.restart_policy != "no") {
      drift_.push_back("restart policy: the engine's own is " + real_.restart_policy +
                       ", but Holdfast restarts it; docker update --restart=no " + real_.name);
    }
  }

  void compare_mounts() {
    for (const auto& text : wanted_.volumes) {
      const auto wanted = parse_volume_mount(text);
      if (!wanted) continue;
      const auto& mounts = real_.document.at("Mounts").items();
      const auto real = std::find_if(mounts.begin(), mounts.end(), [&](const Json& mount) {
        return mount.at("Destination").as_string() == wanted->target;
      });
      if (real == mounts.end()) {
        told("volumes", text, "no mount at " + wanted->target);
        continue;
      }
      const auto& source = real->at(wanted->is_bind() ? "Source" : "Name").as_string();
      const bool writable = real->at("RW").as_bool();
      if ((!wanted->source.empty() && source != wanted->source) || writable == wanted->read_only())
        told("volumes", text, source + ":" + wanted->target + (writable ? "" : ":ro"));
    }
  }

  void compare_ports() {
    const Json& bindings = host().at("PortBindings");
    for (const auto& text : wanted_.ports) {
      for (const auto& port : parse_port_mapping(text).value_or(std::vector<PortMapping>{})) {
        const auto key = std::to_string(port.container_port) + "/" + port.protocol;
        const auto& real = bindings.at(key).items();
        const auto host_port = port.host_port == 0 ? std::string() : std::to_string(port.host_port);
        const bool found = std::any_of(real.begin(), real.end(), [&](const Json& binding) {
          const auto& ip = binding.at("HostIp").as_string();
          return (host_port.empty() || binding.at("HostPort").as_string() == host_port) &&
                 (ip == port.host_ip || (port.host_ip.empty() && ip == "0.0.0.0"));
        });
        if (!found) told("ports", text, real.empty() ? "no port" : dump_json(bindings.at(key)));
      }
    }
  }

  const CreateSpec& wanted_;
  const Container& real_;
  const bool all_;
  std::vector<std::string> drift_;
};

}  // namespace

std::vector<std::string> drift_of(const ServiceSpec& spec, const Container& container,
                                  const std::string& name) {
  const auto wanted = container_of(spec, {spec.name, 0}, {}, 0);
  Comparison comparison(wanted, container, !is_adopted(spec));
  if (container.name != name) comparison.told("name", name, container.name);
  return comparison.run();
}

}  // namespace holdfast::docker
