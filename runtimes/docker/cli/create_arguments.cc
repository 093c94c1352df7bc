#include "runtimes/docker/cli/create_arguments.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <string_view>

#include "controller/base/json.h"
#include "controller/model/docker_text.h"

namespace holdfast::docker {

namespace {

using Arguments = std::vector<std::string>;

constexpr size_t kEnvFileLine = 60'000;  // Go's scanner gives up at 65,536

// Variables by which the docker command, the ssh that it may start, or their libraries change what they do.
bool steers_the_command(const std::string& name) {
  constexpr std::array<std::string_view, 7> kPrefixes{"DOCKER_", "BUILDKIT_", "LD_",    "GLIBC_",
                                                      "OTEL_",   "XDG_",      "MALLOC_"};
  constexpr std::array<std::string_view, 29> kNames{
      "PATH",          "HOME",          "TMPDIR",       "USER",
      "LOGNAME",       "SHELL",         "PWD",          "HOSTALIASES",
      "LOCALDOMAIN",   "RES_OPTIONS",   "GCONV_PATH",   "LOCPATH",
      "NLSPATH",       "SSL_CERT_FILE", "SSL_CERT_DIR", "GODEBUG",
      "GOGC",          "GOMAXPROCS",    "GOMEMLIMIT",   "GOTRACEBACK",
      "GOCOVERDIR",    "SSH_AUTH_SOCK", "SSH_ASKPASS",  "SSH_ASKPASS_REQUIRE",
      "SSH_AGENT_PID", "SSH_SK_HELPER", "DISPLAY",      "SSH_SK_PROVIDER",
      "NOTIFY_SOCKET"};
  const bool proxy = name.ends_with("_PROXY") || name.ends_with("_proxy");
  return proxy || std::find(kNames.begin(), kNames.end(), name) != kNames.end() ||
         std::any_of(kPrefixes.begin(), kPrefixes.end(), [&](auto p) { return name.starts_with(p); });
}

// An env-file takes a line as it is, but for: white space and '#' at its start, a byte order mark, a carriage
// return at its end, and anything that isn't UTF-8.
bool fits_env_file(const std::string& name, const std::string& value) {
  const auto plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-'; };
  return std::all_of(name.begin(), name.end(), plain) && value.find('\n') == std::string::npos &&
         !value.ends_with('\r') && name.size() + value.size() < kEnvFileLine && is_valid_utf8(value);
}

Status add_environment(const CreateSpec& spec, CreateArguments& out) {
  for (const auto& [name, value] : spec.env) {
    if (name.empty() || name.find_first_of(std::string_view("=\n\0", 3)) != std::string::npos ||
        value.find('\0') != std::string::npos)
      return fail_terminal(ErrorCode::kInvalid,
                           "'" + name + "' can't be a variable of a container's environment");
    if (fits_env_file(name, value)) {
      out.input += name + "=" + value + "\n";
      continue;
    }
    if (steers_the_command(name))
      return fail_terminal(ErrorCode::kInvalid,
                           "the variable " + name + " can't be passed on by the docker command",
                           "a value of several lines, or beyond 60,000 bytes, would change how the command "
                           "itself works; make the engine's socket reachable, or choose another name");
    out.environment.push_back(name + "=" + value);
    out.arguments.push_back("--env=" + name);
  }
  if (!out.input.empty()) out.arguments.emplace_back("--env-file=/dev/stdin");
  return {};
}

void add_all(Arguments& out, const std::string& flag, const std::vector<std::string>& values) {
  for (const auto& value : values) out.push_back(flag + "=" + value);
}
void add_text(Arguments& out, const std::string& flag, const std::string& value) {
  if (!value.empty()) out.push_back(flag + "=" + value);
}
void add_number(Arguments& out, const std::string& flag, const std::optional<std::int64_t>& value) {
  if (value) out.push_back(flag + "=" + std::to_string(*value));
}
void add_switch(Arguments& out, const char* flag, bool on) {
  if (on) out.emplace_back(flag);
}

std::string publish(const PortMapping& port) {
  std::string text;
  if (!port.host_ip.empty())
    text = (port.host_ip.find(':') == std::string::npos ? port.host_ip : "[" + port.host_ip + "]") + ":";
  if (port.host_port != 0) text += std::to_string(port.host_port);
  if (port.host_port != 0 || !port.host_ip.empty()) text += ":";
  return text + std::to_string(port.container_port) + "/" + port.protocol;
}

void add_ports(const std::vector<std::string>& ports, Arguments& out) {
  for (const auto& text : ports) {
    for (const auto& port : parse_port_mapping(text).value_or(std::vector<PortMapping>{}))
      out.push_back("--publish=" + publish(port));
  }
}

// --cpus is a decimal of whole CPUs; all nine digits, so that nothing is rounded.
std::string cpus(std::int64_t nano) {
  constexpr std::int64_t kNano = 1'000'000'000;
  std::string fraction = std::to_string(nano % kNano);
  fraction.insert(0, 9 - fraction.size(), '0');
  return std::to_string(nano / kNano) + "." + fraction;
}

void add_limits(const CreateSpec& spec, Arguments& out) {
  if (spec.nano_cpus) out.push_back("--cpus=" + cpus(*spec.nano_cpus));
  add_number(out, "--memory", spec.memory_bytes);
  add_number(out, "--memory-swap", spec.memory_bytes);  // no swap beside it: the limit is what it says
  add_number(out, "--pids-limit", spec.pids);
  add_number(out, "--shm-size", spec.shm_size);
  out.emplace_back("--log-driver=json-file");
  add_number(out, "--log-opt=max-size", spec.log_max_size);
  if (spec.log_max_files) add_number(out, "--log-opt=max-file", *spec.log_max_files);
}

void add_network(const CreateSpec& spec, Arguments& out) {
  add_text(out, "--hostname", spec.hostname);
  add_text(out, "--network", spec.network);
  if (!spec.network.empty()) add_all(out, "--network-alias", spec.network_aliases);
  add_all(out, "--add-host", spec.extra_hosts);
  add_ports(spec.ports, out);
}

void add_rights(const CreateSpec& spec, Arguments& out) {
  add_text(out, "--user", spec.user);
  add_all(out, "--group-add", spec.group_add);
  add_all(out, "--cap-add", spec.cap_add);
  add_all(out, "--cap-drop", spec.cap_drop);
  add_all(out, "--security-opt", spec.security_opt);
  add_switch(out, "--privileged", spec.privileged);
  add_switch(out, "--read-only", spec.read_only);
}

// --entrypoint takes one word. The others go in front of the command, which makes the same process: the
// image's own command is never used beside an entrypoint that was asked for.
void add_command(const CreateSpec& spec, Arguments& out) {
  Arguments words;
  if (spec.entrypoint) {
    out.push_back("--entrypoint=" + (spec.entrypoint->empty() ? std::string() : spec.entrypoint->front()));
    if (!spec.entrypoint->empty()) words.assign(spec.entrypoint->begin() + 1, spec.entrypoint->end());
  }
  words.insert(words.end(), spec.command.begin(), spec.command.end());
  out.emplace_back("--");  // nothing behind it is taken for a flag
  out.push_back(spec.image);
  out.insert(out.end(), words.begin(), words.end());
}

}  // namespace

Result<CreateArguments> create_arguments(const std::string& name, const CreateSpec& spec) {
  CreateArguments out;
  auto& arguments = out.arguments;
  arguments = {"--name=" + name, "--pull=never", "--restart=no"};
  for (const auto& [key, value] : spec.labels) arguments.push_back("--label=" + key + "=" + value);
  if (const auto added = add_environment(spec, out); !added) return fail(added.error());
  add_text(arguments, "--workdir", spec.working_dir);
  add_all(arguments, "--volume", spec.volumes);
  add_all(arguments, "--volume", spec.anonymous_volumes);
  add_all(arguments, "--tmpfs", spec.tmpfs);
  add_all(arguments, "--device", spec.devices);
  add_switch(arguments, "--init", spec.init);
  add_switch(arguments, "--tty", spec.tty);
  add_network(spec, arguments);
  add_rights(spec, arguments);
  add_limits(spec, arguments);
  add_command(spec, arguments);
  return out;
}

}  // namespace holdfast::docker
