#include "controller/model/docker_text.h"

namespace holdfast {

// For what a failed comparison prints.
static void PrintTo(const PortMapping& port, std::ostream* out) {
  *out << port.host_ip << "|" << port.host_port << "|" << port.container_port << "/" << port.protocol;
}
static void PrintTo(const VolumeMount& mount, std::ostream* out) {
  *out << mount.source << "|" << mount.target << "|" << testing::PrintToString(mount.options);
}

namespace {

using testing::HasSubstr;

PortMapping port(const std::string& ip, int host, int container, const std::string& protocol = "tcp") {
  return {.host_ip = ip,
          .host_port = static_cast<std::uint16_t>(host),
          .container_port = static_cast<std::uint16_t>(container),
          .protocol = protocol};
}

TEST(PortMapping, IsReadInEveryForm) {
  const std::vector<std::pair<std::string, std::vector<PortMapping>>> cases = {
      {"80", {port("", 0, 80)}},
      {"80/udp", {port("", 0, 80, "udp")}},
      {"80/sctp", {port("", 0, 80, "sctp")}},
      {"8080:80", {port("", 8080, 80)}},
      {"65535:1/tcp", {port("", 65535, 1)}},
      {"127.0.0.1:8080:80", {port("127.0.0.1", 8080, 80)}},
      {"127.0.0.1:8080:80/udp", {port("127.0.0.1", 8080, 80, "udp")}},
      {"127.0.0.1::80", {port("127.0.0.1", 0, 80)}},
      {"[::1]:8080:80", {port("::1", 8080, 80)}},
      {"[::]::53/udp", {port("::", 0, 53, "udp")}},
      {"[fe80::1:2]:8080:80", {port("fe80::1:2", 8080, 80)}},
      {"7000-7002", {port("", 0, 7000), port("", 0, 7001), port("", 0, 7002)}},
      {"7000-7000", {port("", 0, 7000)}},
      {"8000-8001:9000-9001", {port("", 8000, 9000), port("", 8001, 9001)}},
      {"10.0.0.1:8000-8001:9000-9001/udp",
       {port("10.0.0.1", 8000, 9000, "udp"), port("10.0.0.1", 8001, 9001, "udp")}},
      {"65534-65535:1-2", {port("", 65534, 1), port("", 65535, 2)}},
  };
  for (const auto& [text, expected] : cases) {
    const auto ports = parse_port_mapping(text);
    ASSERT_TRUE(ports) << text << ": " << ports.error().message;
    EXPECT_EQ(*ports, expected) << text;
  }
}

TEST(PortMapping, RefusesAnythingElseAndSaysWhatIsExpected) {
  for (const std::string text : {"",
                                 "/",
                                 ":",
                                 "0",
                                 "65536",
                                 "-1",
                                 "80-",
                                 "-80",
                                 "81-80",
                                 "80/",
                                 "80/TCP",
                                 "80/icmp",
                                 "80/tcp/udp",
                                 "http",
                                 "8080:",
                                 ":80x",
                                 "0:80",
                                 "8080:0",
                                 "x:80",
                                 "8000-8002:9000-9001",
                                 "8000:9000-9001",
                                 "80 ",
                                 " 80",
                                 "+80",
                                 "host:8080:80",
                                 "localhost:8080:80",
                                 "127.0.0.1:8080:80:90g"}) {
    const auto ports = parse_port_mapping(text);
    ASSERT_FALSE(ports) << text;
    EXPECT_EQ(ports.error().code, ErrorCode::kInvalid) << text;
    EXPECT_TRUE(ports.error().terminal) << text;
    EXPECT_THAT(ports.error().message, HasSubstr("'" + text + "'"));
    EXPECT_THAT(ports.error().hint, HasSubstr("127.0.0.1:8080:80/udp"));
  }
}

TEST(VolumeMount, IsReadInEveryForm) {
  const std::vector<std::pair<std::string, VolumeMount>> cases = {
      {"/scratch", {.target = "/scratch"}},
      {"/data:/srv", {.source = "/data", .target = "/srv"}},
      {"/data:/srv:ro", {.source = "/data", .target = "/srv", .options = {"ro"}}},
      {"/data:/srv:ro,z,rslave", {.source = "/data", .target = "/srv", .options = {"ro", "z", "rslave"}}},
      {"cache:/var/cache", {.source = "cache", .target = "/var/cache"}},
      {"my_cache-1.2:/c:rw", {.source = "my_cache-1.2", .target = "/c", .options = {"rw"}}},
      {"/:/host:ro", {.source = "/", .target = "/host", .options = {"ro"}}},
      {"/with space:/x y", {.source = "/with space", .target = "/x y"}},
  };
  for (const auto& [text, expected] : cases) {
    const auto mount = parse_volume_mount(text);
    ASSERT_TRUE(mount) << text << ": " << mount.error().message;
    EXPECT_EQ(*mount, expected) << text;
  }
}

TEST(VolumeMount, KnowsWhatItIs) {
  EXPECT_TRUE(parse_volume_mount("/data:/srv:z,ro")->read_only());
  EXPECT_FALSE(parse_volume_mount("/data:/srv:rw")->read_only());
  EXPECT_FALSE(parse_volume_mount("/data:/srv")->read_only());
  EXPECT_TRUE(parse_volume_mount("/data:/srv")->is_bind());
  EXPECT_FALSE(parse_volume_mount("data:/srv")->is_bind());
  EXPECT_FALSE(parse_volume_mount("/srv")->is_bind());
}

TEST(VolumeMount, RefusesAnythingElseAndSaysWhatIsExpected) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "target is not an absolute path"},
      {"data", "target is not an absolute path"},
      {"/data:srv", "target is not an absolute path"},
      {"/data:", "target is not an absolute path"},
      {"./data:/srv", "neither an absolute path nor the name of a volume"},
      {"../data:/srv", "neither an absolute path nor the name of a volume"},
      {"~/data:/srv", "neither an absolute path nor the name of a volume"},
      {"a/b:/srv", "neither an absolute path nor the name of a volume"},
      {":/srv", "neither an absolute path nor the name of a volume"},
      {"x:/srv", "neither an absolute path nor the name of a volume"},  // the engine wants two letters
      {"/data:/srv:ro:z", "more than three parts"},
      {"/data:/srv:", "an option is empty"},
      {"/data:/srv:ro,", "an option is empty"},
      {"/data:/srv:,ro", "an option is empty"},
  };
  for (const auto& [text, message] : cases) {
    const auto mount = parse_volume_mount(text);
    ASSERT_FALSE(mount) << text;
    EXPECT_EQ(mount.error().code, ErrorCode::kInvalid) << text;
    EXPECT_TRUE(mount.error().terminal) << text;
    EXPECT_THAT(mount.error().message, HasSubstr(message)) << text;
    EXPECT_FALSE(mount.error().hint.empty());
  }
}

}  // namespace
}  // namespace holdfast
