// How a real container differs from what is declared: a document of Docker 20.10, changed field by field.
#include "runtimes/docker/spec_container.h"
#include "tests/unit/docker/inspected.h"

namespace holdfast::docker {
namespace {

using holdfast::docker::test::inspected;
using holdfast::docker::test::inspected_spec;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kName = "holdfast-web-0";

using Drift = std::vector<std::string>;

Json strings(std::initializer_list<const char*> values) {
  auto out = Json::array();
  for (const auto* value : values) out.push_back(value);
  return out;
}
std::vector<std::string> drift(const ServiceSpec& spec, Json document) {
  const auto container = parse_container(std::move(document));
  EXPECT_TRUE(container);
  return drift_of(spec, *container, spec.docker.container.empty() ? kName : spec.docker.container);
}
ServiceSpec adopted() {
  ServiceSpec spec;
  spec.name = "web";
  spec.docker.container = kName;
  return spec;
}

// A change of the engine's document, and what is told of it.
struct Change {
  const char* part;  // "Config", "HostConfig", or empty for the whole
  const char* key;
  Json value;
  Drift told;
};
Json changed(const Change& change) {
  auto document = inspected();
  Json& part = *change.part ? *document.find(change.part) : document;
  part.set(change.key, change.value);
  return document;
}

TEST(Drift, IsNoneWhereAllIsAsDeclared) {
  EXPECT_THAT(drift(inspected_spec(), inspected()), IsEmpty());
}

TEST(Drift, IsToldFieldByField) {
  const auto binding = [](const char* ip, const char* port) {
    return Json::object(
        {{"80/tcp", Json::array({Json::object({{"HostIp", ip}, {"HostPort", port}})})},
         {"9000/udp", Json::array({Json::object({{"HostIp", ""}, {"HostPort", "9000"}})})},
         {"9001/udp", Json::array({Json::object({{"HostIp", "0.0.0.0"}, {"HostPort", "9001"}})})}});
  };
  const auto environment = strings({"A=b=c", "TOKEN=changed", "PASSWORD_FILE=/run/secrets/PASSWORD"});
  const std::vector<Change> changes = {
      {"", "Name", "/old", {"name: holdfast-web-0 is declared, old is in force"}},
      {"Config", "Image", "web:0", {"image: holdfast-test:1 is declared, web:0 is in force"}},
      {"Config",
       "Cmd",
       strings({"-c", "sleep"}),
       {"command: [-c, exec sleep 1000] is declared, [-c, sleep] is in force"}},
      {"Config", "Cmd", Json(), {"command: [-c, exec sleep 1000] is declared, [] is in force"}},
      {"Config", "Entrypoint", Json(), {"entrypoint: [/bin/sh] is declared, [] is in force"}},
      {"Config", "User", "", {"user: 1000:1000 is declared, nothing is in force"}},
      {"Config", "WorkingDir", "/", {"workingDir: /srv is declared, / is in force"}},
      {"Config", "Hostname", "a1b2", {"hostname: webhost is declared, a1b2 is in force"}},
      {"Config", "Tty", true, {"tty: false is declared, true is in force"}},
      {"Config", "Env", environment, {"env TOKEN: the declared value is not in force"}},
      {"HostConfig", "NetworkMode", "host", {"network: none is declared, host is in force"}},
      {"HostConfig", "Memory", 1 << 30, {"memory: 64Mi is declared, 1Gi is in force"}},
      {"HostConfig", "Memory", 0, {"memory: 64Mi is declared, no limit is in force"}},
      {"HostConfig", "Memory", 65537, {"memory: 64Mi is declared, 65537 is in force"}},
      {"HostConfig", "Memory", 65 << 10, {"memory: 64Mi is declared, 65Ki is in force"}},
      {"HostConfig", "NanoCpus", std::int64_t{2'000'000'000}, {"cpu: 500m is declared, 2000m is in force"}},
      {"HostConfig", "NanoCpus", 0, {"cpu: 500m is declared, no limit is in force"}},
      {"HostConfig", "PidsLimit", 100, {"pids: 50 is declared, 100 is in force"}},
      {"HostConfig", "PidsLimit", Json(), {"pids: 50 is declared, no limit is in force"}},
      {"HostConfig", "PidsLimit", -1, {"pids: 50 is declared, no limit is in force"}},
      {"HostConfig", "Privileged", true, {"privileged: false is declared, true is in force"}},
      {"HostConfig", "ReadonlyRootfs", false, {"readOnly: true is declared, false is in force"}},
      {"HostConfig", "CapAdd", Json(), {"capAdd: [NET_ADMIN] is declared, [] is in force"}},
      {"HostConfig", "CapDrop", strings({"ALL"}), {"capDrop: [CAP_MKNOD] is declared, [ALL] is in force"}},
      {"HostConfig",
       "RestartPolicy",
       Json::object({{"Name", "always"}}),
       {"restart policy: the engine's own is always, but Holdfast restarts it; docker update --restart=no "
        "holdfast-web-0"}},
      {"HostConfig",
       "PortBindings",
       binding("127.0.0.1", "8081"),
       {R"(ports: 127.0.0.1:8080:80 is declared, [{"HostIp":"127.0.0.1","HostPort":"8081"}] is in force)"}},
      {"HostConfig",
       "PortBindings",
       binding("0.0.0.0", "8080"),
       {R"(ports: 127.0.0.1:8080:80 is declared, [{"HostIp":"0.0.0.0","HostPort":"8080"}] is in force)"}},
      {"HostConfig", "PortBindings", binding("127.0.0.1", "8080"), {}},  // every address, spelled out
      {"HostConfig",
       "PortBindings",
       Json(),
       {"ports: 127.0.0.1:8080:80 is declared, no port is in force",
        "ports: 9000-9001:9000-9001/udp is declared, no port is in force",
        "ports: 9000-9001:9000-9001/udp is declared, no port is in force"}},
      {"",
       "Mounts",
       Json(),
       {"volumes: /srv/data:/data:ro is declared, no mount at /data is in force",
        "volumes: cache-vol:/var/cache is declared, no mount at /var/cache is in force",
        "volumes: /scratch is declared, no mount at /scratch is in force"}},
  };
  for (const auto& change : changes)
    EXPECT_EQ(drift(inspected_spec(), changed(change)), change.told) << change.key;
}

TEST(Drift, OfMountsTellsWhatIsThere) {
  const std::vector<std::tuple<size_t, const char*, Json, const char*>> changes = {
      {0, "Source", "/other", "volumes: /srv/data:/data:ro is declared, /other:/data:ro is in force"},
      {0, "RW", true, "volumes: /srv/data:/data:ro is declared, /srv/data:/data is in force"},
      {1, "Name", "old", "volumes: cache-vol:/var/cache is declared, old:/var/cache is in force"},
      {1, "RW", false, "volumes: cache-vol:/var/cache is declared, cache-vol:/var/cache:ro is in force"},
  };
  for (const auto& [index, key, value, told] : changes) {
    auto document = inspected();
    document.find("Mounts")->items()[index].set(key, value);
    EXPECT_THAT(drift(inspected_spec(), document), ElementsAre(told));
  }
}

TEST(Drift, NeverTellsAValueOfTheEnvironment) {
  auto spec = inspected_spec();
  spec.env["TOKEN"] = "the-new-one";
  spec.env["OTHER"] = "also-secret";
  const auto told = drift(spec, inspected());
  EXPECT_THAT(told, ElementsAre("env OTHER: the declared value is not in force",
                                "env TOKEN: the declared value is not in force"));
  for (const auto& text : told) {
    for (const auto* value : {"the-new-one", "also-secret", "very-secret"})
      EXPECT_THAT(text, testing::Not(HasSubstr(value)));
  }
}

TEST(Drift, CapabilitiesHaveTwoFormsAndNoOrder) {
  auto spec = inspected_spec();
  spec.docker.cap_add = {"CAP_SYS_TIME", "NET_ADMIN"};
  auto document = inspected();
  document.find("HostConfig")->set("CapAdd", strings({"CAP_NET_ADMIN", "SYS_TIME"}));
  EXPECT_THAT(drift(spec, document), IsEmpty());
  document.find("HostConfig")->set("CapAdd", strings({"CAP_NET_ADMIN", "CAP_NET_RAW"}));
  EXPECT_THAT(drift(spec, document), ElementsAre(HasSubstr("capAdd: ")));
}

TEST(Drift, ReadsSharesOfTheCoresAsQuotaAndPeriod) {
  const std::vector<std::tuple<std::int64_t, std::int64_t, Drift>> cases = {
      {50'000, 100'000, {}},
      {25'000, 50'000, {}},
      {50'000, 0, {}},  // the engine's own period
      {100'000, 100'000, {"cpu: 500m is declared, 1000m is in force"}},
      {0, 100'000, {"cpu: 500m is declared, no limit is in force"}},
      {-1, 100'000, {"cpu: 500m is declared, no limit is in force"}},
  };
  for (const auto& [quota, period, told] : cases) {
    auto document = inspected();
    auto& host = *document.find("HostConfig");
    host.set("NanoCpus", 0);
    host.set("CpuQuota", quota);
    host.set("CpuPeriod", period);
    EXPECT_EQ(drift(inspected_spec(), document), told) << quota << "/" << period;
  }
}

TEST(Drift, AnEntrypointOfOneEmptyWordIsNone) {
  auto spec = inspected_spec();
  spec.docker.entrypoint.emplace();
  auto document = inspected();
  for (const auto& none : {strings({""}), Json(), Json::array()}) {
    document.find("Config")->set("Entrypoint", none);
    EXPECT_THAT(drift(spec, document), IsEmpty());
  }
}

TEST(Drift, PortsOfTheEnginesChoiceMatchAnyPort) {
  auto spec = inspected_spec();
  spec.docker.ports = {"127.0.0.1::80"};
  EXPECT_THAT(drift(spec, inspected()), IsEmpty());
  spec.docker.ports = {"80"};
  EXPECT_THAT(drift(spec, inspected()), ElementsAre(HasSubstr("ports: 80 is declared")));
}

TEST(Drift, OfWhatHoldfastMadeIsAlsoALimitOrPrivilegeTooMany) {
  auto spec = inspected_spec();
  spec.resources = {};
  spec.docker.read_only = false;
  EXPECT_THAT(drift(spec, inspected()), ElementsAre("memory: no limit is declared, 64Mi is in force",
                                                    "cpu: no limit is declared, 500m is in force",
                                                    "readOnly: false is declared, true is in force"));
}

TEST(Drift, OfAnAdoptedContainerIsOnlyWhatIsDeclared) {
  auto document = inspected();
  document.find("HostConfig")->set("Privileged", true);
  EXPECT_THAT(drift(adopted(), document), IsEmpty());
  auto spec = adopted();
  spec.resources.memory_bytes = 512 << 20;
  spec.docker.init = true;
  EXPECT_THAT(drift(spec, document), ElementsAre("memory: 512Mi is declared, 64Mi is in force"));
}

TEST(Drift, OfAnAdoptedContainerIsItsOwnRestartPolicy) {
  auto document = inspected();
  document.find("HostConfig")->set("RestartPolicy", Json::object({{"Name", "unless-stopped"}}));
  EXPECT_THAT(drift(adopted(), document), ElementsAre(HasSubstr("the engine's own is unless-stopped")));
}

}  // namespace
}  // namespace holdfast::docker
