// The docker: block: what is put in, what is refused and where, and what its hash is made of.
#include "controller/config/config.h"
#include "tests/unit/config/common.h"

namespace holdfast::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

TEST(Docker, ParametersArePutIn) {
  const auto spec =
      web("{runtime: docker, parameters: {tag: \"1.4\", port: 80, dir: /data, db: 10.0.0.5}, docker: {"
          "image: \"app:${tag}\", volumes: [\"${dir}:/d:ro\"], ports: [\"8080:${port}\"], "
          "extraHosts: [\"db:${db}\"], tmpfs: [\"${dir}/tmp\"], devices: [\"/dev/x:${dir}/x\"], "
          "entrypoint: [\"/run-${tag}\", \"$${x}\"]}}");
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->docker.image, "app:1.4");
  EXPECT_THAT(spec->docker.volumes, ElementsAre("/data:/d:ro"));
  EXPECT_THAT(spec->docker.ports, ElementsAre("8080:80"));
  EXPECT_THAT(spec->docker.extra_hosts, ElementsAre("db:10.0.0.5"));
  EXPECT_THAT(spec->docker.tmpfs, ElementsAre("/data/tmp"));
  EXPECT_THAT(spec->docker.devices, ElementsAre("/dev/x:/data/x"));
  EXPECT_THAT(*spec->docker.entrypoint, ElementsAre("/run-1.4", "${x}"));
}

TEST(Docker, NoEntrypointIsNotTheImagesOwn) {
  EXPECT_FALSE(web("{runtime: docker, docker: {image: a}}")->docker.entrypoint);
  const auto none = web("{runtime: docker, docker: {image: a, entrypoint: []}}")->docker.entrypoint;
  ASSERT_TRUE(none);
  EXPECT_THAT(*none, IsEmpty());
}

TEST(Docker, CapabilitiesHaveOneForm) {
  const auto spec =
      web("{runtime: docker, docker: {image: a, capAdd: [CAP_NET_ADMIN, net_raw, cap_sys_time], capDrop: "
          "[all]}}");
  ASSERT_TRUE(spec);
  EXPECT_THAT(spec->docker.cap_add, ElementsAre("NET_ADMIN", "NET_RAW", "SYS_TIME"));
  EXPECT_THAT(spec->docker.cap_drop, ElementsAre("ALL"));
}

TEST(Docker, WhatIsWrittenRightIsTaken) {
  for (const std::string options :
       {"devices: [\"/dev/a\", \"/dev/a:/dev/b\", \"/dev/a:/dev/b:r\"]", "tmpfs: [/run, \"/run:size=1m\"]",
        "extraHosts: [\"a:10.0.0.1\", \"b:::1\", \"c:[::1]\", \"d:host-gateway\"]",
        "ports: [\"80\", \"1-2:3-4\"]", "shmSize: 67108864", "groupAdd: [0, video]",
        "securityOpt: [\"seccomp=unconfined\"]",
        // Both say something about a container that exists: they are compared with it.
        "container: x, readOnly: true"})
    EXPECT_TRUE(web("{runtime: docker, docker: {image: a, " + options + "}}")) << options;
}

struct Wrong {
  std::string options;  // of the docker block, after image
  std::string path;     // below services.web.docker
  std::string message;
};

TEST(Docker, WhatIsWrittenWrongIsNamed) {
  const std::vector<Wrong> cases = {
      {"ports: [\"80\", \"0:80\"]", ".ports.1: ", "'0:80' is not a port to publish; write container, host:"},
      {"ports: [80]", ".ports.0: ", "put the value in quotes"},
      {"volumes: [\"./a:/a\"]", ".volumes.0: ", "neither an absolute path nor the name of a volume; write "},
      {"volumes: [\"/a:b\"]", ".volumes.0: ", "the target is not an absolute path"},
      {"tmpfs: [run]", ".tmpfs.0: ", "the target is not an absolute path; write target or target:options"},
      {"tmpfs: /run", ".tmpfs: ", "expected a list of strings"},
      {"devices: [sda]", ".devices.0: ", "not a device; write host, host:container"},
      {"devices: [\"/dev/a:/dev/b:x\"]", ".devices.0: ", "not a device"},
      {"devices: [\"/dev/a:\"]", ".devices.0: ", "not a device"},
      {"extraHosts: [db]", ".extraHosts.0: ", "not a host and its address; write name:address"},
      {"extraHosts: [\":1.2.3.4\"]", ".extraHosts.0: ", "not a host and its address"},
      {"extraHosts: [\"db:other\"]", ".extraHosts.0: ", "not a host and its address"},
      {"capAdd: [\"NET ADMIN\"]", ".capAdd.0: ", "not a capability; write a name of capabilities(7)"},
      {"capDrop: [\"\"]", ".capDrop.0: ", "not a capability"},
      {"groupAdd: [-1]", ".groupAdd.0: ", "expected the name or number of a group"},
      {"groupAdd: video", ".groupAdd: ", "expected a list of groups"},
      {"entrypoint: tini", ".entrypoint: ", "expected a list"},
      {"entrypoint: [\"\"]", ".entrypoint: ", "or [] for none"},
      {"hostname: \"\"", ".hostname: ", "expected a string that isn't empty"},
      {"readOnly: 1", ".readOnly: ", "expected true or false"},
      {"shmSize: 0", ".shmSize: ", "expected a size of at least 1 bytes"},
      {"shmSize: 64MB", ".shmSize: ", "not a size"},
      {"ports: [\"${p}:80\"]", ".ports.0: ", "unknown parameter 'p'"},
      {"read_only: true", ".read_only: ", "did you mean 'readOnly'?"},
  };
  for (const auto& [options, path, message] : cases) {
    const auto found = faults_of("{runtime: docker, docker: {image: a, " + options + "}}");
    ASSERT_THAT(found, SizeIs(1)) << options << testing::PrintToString(found);
    EXPECT_THAT(found[0], HasSubstr(": services.web.docker" + path)) << options;
    EXPECT_THAT(found[0], HasSubstr(message)) << options;
  }
}

TEST(Docker, AnImageWithoutANameIsNone) {
  EXPECT_THAT(faults_of("{runtime: docker, docker: {container: a, image: \"\"}}"),
              ElementsAre(HasSubstr("services.web.docker.image: expected a string that isn't empty")));
  EXPECT_THAT(faults_of("{runtime: docker, parameters: {i: \"\"}, docker: {container: a, image: \"${i}\"}}"),
              ElementsAre(HasSubstr("services.web.docker.image: expected a string that isn't empty")));
}

TEST(Docker, OneContainerIsNotTwo) {
  EXPECT_THAT(
      faults_of("{runtime: docker, replicas: 2, docker: {container: old}}"),
      ElementsAre(StartsWith("base base.yaml:2:59: services.web.docker.container: replicas is 2, but one "
                             "container can't be more than one")));
  EXPECT_TRUE(web("{runtime: docker, replicas: 1, docker: {container: old}}"));
  EXPECT_TRUE(web("{runtime: process, command: [x], replicas: 2, docker: {container: old}}"));
}

TEST(Docker, AFixedPortIsHadOnce) {
  EXPECT_THAT(
      faults_of("{runtime: docker, replicas: 3, docker: {image: a, ports: [\"80\", \"8080:81\"]}}"),
      ElementsAre(HasSubstr("services.web.docker.ports.1: replicas is 3, but only one container can have "
                            "a fixed port of the host")));
  EXPECT_TRUE(web("{runtime: docker, replicas: 3, docker: {image: a, ports: [\"80\", \"127.0.0.1::81\"]}}"));
  EXPECT_TRUE(web("{runtime: docker, replicas: 0, docker: {image: a, ports: [\"80:80\"]}}"));
}

// What stands in defaults: lacks the service's own parameters; it is judged with each service.
TEST(Docker, DefaultsAreJudgedWithTheService) {
  const std::string defaults =
      "defaults: {docker: {image: \"${registry}/app\", volumes: [\"${dir}:/d\"], ports: [\"${p}:80\"]}}";
  const auto spec = web("{runtime: docker, parameters: {registry: r, dir: /x, p: 8080}}", defaults);
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->docker.image, "r/app");
  EXPECT_THAT(spec->docker.volumes, ElementsAre("/x:/d"));
  EXPECT_THAT(reports(load({yaml("services:\n  web: {runtime: docker, parameters: {registry: r, dir: x/y, p: "
                                 "8080}}\n" +
                                 defaults + "\n")})),
              ElementsAre(HasSubstr("services.web.docker.volumes.0: 'x/y:/d' is not a mount")));
}

TEST(Docker, EveryOptionCountsInTheHash) {
  std::set<std::string> hashes = {web("{runtime: docker, docker: {image: a}}")->spec_hash};
  for (const std::string options :
       {"entrypoint: []", "entrypoint: [x]", "capAdd: [A]", "capDrop: [A]", "securityOpt: [a]",
        "groupAdd: [a]", "tmpfs: [/a]", "devices: [/a]", "extraHosts: [\"a:1.1.1.1\"]", "hostname: a",
        "readOnly: true", "init: true", "tty: true", "privileged: true", "shmSize: 1", "network: a",
        "volumes: [/a]", "ports: [\"1\"]", "container: a"})
    EXPECT_TRUE(
        hashes.insert(web("{runtime: docker, docker: {image: a, " + options + "}}")->spec_hash).second)
        << options;
}

// An option at its default is one that isn't there: see SpecHash.StaysTheSameAcrossReleases.
TEST(Docker, DefaultsDontCountInTheHash) {
  EXPECT_EQ(
      web("{runtime: docker, docker: {image: a}}")->spec_hash,
      web("{runtime: docker, docker: {image: a, capAdd: [], tmpfs: [], readOnly: false, init: false, tty: "
          "false, privileged: false}}")
          ->spec_hash);
}

}  // namespace
}  // namespace holdfast::config
