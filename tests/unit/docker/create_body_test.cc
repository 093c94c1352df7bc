// The body that makes a container.
#include "runtimes/docker/client/client.h"
#include "runtimes/docker/client/create_spec.h"

namespace holdfast::docker {
namespace {

// Every member of a spec that has all.
[[maybe_unused]] void knows_every_member(const CreateSpec& spec) {
  [[maybe_unused]] const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z,
                                aa, bb, cc, dd] = spec;
}

Json body_of(const CreateSpec& spec) {
  return create_body(spec);
}
Json parsed(const char* text) {
  return parse_json(text).value();
}

TEST(CreateBody, HasAllThatIsSet) {
  const CreateSpec spec{.image = "web:1",
                        .command = {"serve", "--port", "80"},
                        .entrypoint = {{"/init", "-v"}},
                        .env = {{"A", "b=c"}, {"EMPTY", ""}},
                        .labels = {{"team", "a"}},
                        .working_dir = "/srv",
                        .user = "1000:1000",
                        .hostname = "webhost",
                        .network = "backend",
                        .network_aliases = {"web"},
                        .volumes = {"/data:/data:ro", "cache:/cache"},
                        .ports = {"127.0.0.1:8080:80", "53/udp"},
                        .tmpfs = {"/run:size=1m,mode=1777", "/tmp"},
                        .devices = {"/dev/fuse", "/dev/a:/dev/b", "/dev/c:/dev/d:r"},
                        .extra_hosts = {"db:10.0.0.5"},
                        .anonymous_volumes = {"/run/secrets"},
                        .cap_add = {"NET_ADMIN"},
                        .cap_drop = {"ALL"},
                        .security_opt = {"no-new-privileges"},
                        .group_add = {"audio"},
                        .read_only = true,
                        .init = true,
                        .tty = true,
                        .privileged = true,
                        .nano_cpus = 1'500'000'000,
                        .memory_bytes = 64 << 20,
                        .pids = 50,
                        .shm_size = 1 << 20,
                        .log_max_size = 10'000'000,
                        .log_max_files = 3};
  EXPECT_EQ(body_of(spec), parsed(R"({
    "Image": "web:1", "Cmd": ["serve", "--port", "80"], "Entrypoint": ["/init", "-v"],
    "Env": ["A=b=c", "EMPTY="], "Labels": {"team": "a"}, "WorkingDir": "/srv", "User": "1000:1000",
    "Hostname": "webhost", "Tty": true, "Volumes": {"/run/secrets": {}},
    "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
    "HostConfig": {
      "RestartPolicy": {"Name": "no"},
      "LogConfig": {"Type": "json-file", "Config": {"max-size": "10000000", "max-file": "3"}},
      "Binds": ["/data:/data:ro", "cache:/cache"], "CapAdd": ["NET_ADMIN"], "CapDrop": ["ALL"],
      "SecurityOpt": ["no-new-privileges"], "GroupAdd": ["audio"], "ExtraHosts": ["db:10.0.0.5"],
      "Tmpfs": {"/run": "size=1m,mode=1777", "/tmp": ""},
      "Devices": [
        {"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse", "CgroupPermissions": "rwm"},
        {"PathOnHost": "/dev/a", "PathInContainer": "/dev/b", "CgroupPermissions": "rwm"},
        {"PathOnHost": "/dev/c", "PathInContainer": "/dev/d", "CgroupPermissions": "r"}],
      "NetworkMode": "backend", "ReadonlyRootfs": true, "Init": true, "Privileged": true,
      "NanoCpus": 1500000000, "Memory": 67108864, "MemorySwap": 67108864, "PidsLimit": 50,
      "ShmSize": 1048576,
      "PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}],
                       "53/udp": [{"HostIp": "", "HostPort": ""}]}},
    "NetworkingConfig": {"EndpointsConfig": {"backend": {"Aliases": ["web"]}}}})"));
}

TEST(CreateBody, LeavesTheRestToTheImageAndTheEngine) {
  EXPECT_EQ(body_of({.image = "web:1"}), parsed(R"({
    "Image": "web:1", "Env": [], "Labels": {}, "ExposedPorts": {},
    "HostConfig": {"RestartPolicy": {"Name": "no"}, "LogConfig": {"Type": "json-file", "Config": {}},
                   "PortBindings": {}}})"));
}

TEST(CreateBody, NoEntrypointIsOneEmptyWord) {
  const CreateSpec spec{.image = "web:1", .entrypoint = {std::vector<std::string>{}}};
  EXPECT_EQ(body_of(spec).at("Entrypoint"), parsed(R"([""])"));
}

TEST(CreateBody, PublishesOnePortTwice) {
  const auto body = body_of({.ports = {"8080:80", "[::1]:9090:80", "7000-7001:7000-7001"}});
  EXPECT_EQ(body.at("ExposedPorts"), parsed(R"({"80/tcp": {}, "7000/tcp": {}, "7001/tcp": {}})"));
  EXPECT_EQ(body.at("HostConfig").at("PortBindings"), parsed(R"({
    "80/tcp": [{"HostIp": "", "HostPort": "8080"}, {"HostIp": "::1", "HostPort": "9090"}],
    "7000/tcp": [{"HostIp": "", "HostPort": "7000"}], "7001/tcp": [{"HostIp": "", "HostPort": "7001"}]})"));
}

}  // namespace
}  // namespace holdfast::docker
