#include "controller/base/base64.h"
#include "controller/base/text.h"
#include "runtimes/docker/engine/pull_progress.h"
#include "runtimes/docker/engine/registry_auth.h"
#include "runtimes/docker/engine/tar.h"
#include "runtimes/docker/engine/url.h"

namespace holdfast::docker {
namespace {

using ::testing::HasSubstr;

TEST(ImageReference, IsTakenApart) {
  struct Case {
    std::string text, name, tag, digest, registry;
  };
  for (const auto& [text, name, tag, digest, registry] : std::vector<Case>{
           {"busybox", "busybox", "latest", "", "docker.io"},
           {"busybox:1.36", "busybox", "1.36", "", "docker.io"},
           {"team/app", "team/app", "latest", "", "docker.io"},
           {"registry:5000/a/b:tag", "registry:5000/a/b", "tag", "", "registry:5000"},
           {"registry:5000/a/b", "registry:5000/a/b", "latest", "", "registry:5000"},
           {"localhost/a", "localhost/a", "latest", "", "localhost"},
           {"a@sha256:00", "a", "", "sha256:00", "docker.io"},
           {"quay.io/a:1@sha256:00", "quay.io/a", "1", "sha256:00", "quay.io"},
           {"index.docker.io/library/a", "index.docker.io/library/a", "latest", "", "docker.io"}}) {
    const auto reference = parse_image_reference(text);
    EXPECT_EQ(reference.name, name) << text;
    EXPECT_EQ(reference.tag, tag) << text;
    EXPECT_EQ(reference.digest, digest) << text;
    EXPECT_EQ(reference.registry(), registry) << text;
  }
}

TEST(Url, EncodesWhatHasAMeaning) {
  EXPECT_EQ(percent_encode("a/b?c=d&e#f g%\xc3\xa9"), "a%2Fb%3Fc%3Dd%26e%23f%20g%25%C3%A9");
  EXPECT_EQ(percent_encode("r:5000/a@sha256:0", "/:@"), "r:5000/a@sha256:0");
  EXPECT_EQ(percent_encode("Az09-._~"), "Az09-._~");
}

std::string line(const std::string& status, const std::string& id, int current = 0, int total = 0) {
  auto json = Json::object({{"status", status}, {"id", id}, {"progressDetail", Json::object()}});
  if (total > 0) json.set("progressDetail", Json::object({{"current", current}, {"total", total}}));
  return dump_json(json) + "\r\n";
}

TEST(Pull, AddsUpLayers) {
  PullReader reader("app:1");
  EXPECT_FALSE(reader.progress().fraction);
  const int mib = 1 << 20;
  ASSERT_TRUE(reader.feed(line("Pulling from team/app", "1") + line("Pulling fs layer", "a") +
                          line("Pulling fs layer", "b") + line("Already exists", "c")));
  EXPECT_EQ(reader.progress().message, "downloading, 1 of 3 layers");
  ASSERT_TRUE(reader.feed(line("Downloading", "a", 10 * mib, 60 * mib) +
                          line("Downloading", "b", 2 * mib, 20 * mib)));
  EXPECT_EQ(reader.progress().message, "downloading, 12 of 80 MiB");
  EXPECT_DOUBLE_EQ(reader.progress().fraction.value_or(0), 12.0 / 80);
  ASSERT_TRUE(reader.feed(line("Download complete", "a") + line("Downloading", "b", 20 * mib, 20 * mib)));
  EXPECT_EQ(reader.progress().message, "downloading, 80 of 80 MiB");
  ASSERT_TRUE(reader.feed(line("Verifying Checksum", "b") + line("Extracting", "a", 1, 60 * mib)));
  EXPECT_EQ(reader.progress().message, "unpacking, 1 of 3 layers");
  ASSERT_TRUE(reader.feed(line("Pull complete", "a") + line("Pull complete", "b") +
                          R"({"status":"Status: Downloaded newer image for app:1"})" + "\r\n"));
  EXPECT_EQ(reader.progress().message, "done");
  EXPECT_FALSE(reader.error());
}

TEST(Pull, AnErrorWithinTheStreamIsOne) {
  PullReader reader("r:5000/app:1");
  EXPECT_FALSE(reader.feed(
      R"({"errorDetail":{"message":"manifest for r:5000/app:1 not found: manifest unknown"},"error":"x"})"
      "\n"));
  ASSERT_TRUE(reader.error());
  EXPECT_EQ(reader.error()->code, ErrorCode::kNotFound);
  PullReader podman("app");
  EXPECT_FALSE(podman.feed("{\"progressDetail\":{},\"error\":\"unauthorized: nobody\"}\n"));
  EXPECT_EQ(podman.error()->code, ErrorCode::kPermission);
  EXPECT_THAT(podman.error()->hint, HasSubstr("docker login docker.io"));
  PullReader garbage("app");
  EXPECT_FALSE(garbage.feed("hello\n"));
  EXPECT_EQ(garbage.error()->code, ErrorCode::kInternal);
}

// As dockerd 20.10, Podman 4.3 and registries word them.
TEST(Pull, KnowsWhyItFailed) {
  const std::vector<std::pair<std::string, ErrorCode>> cases{
      {"pull access denied for a, repository does not exist or may require 'docker login': denied: requested "
       "access",
       ErrorCode::kPermission},
      {"Get \"https://r/v2/\": dial tcp: lookup r on 10.0.0.1:53: no such host", ErrorCode::kUnavailable},
      {"Get \"http://127.0.0.1:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused",
       ErrorCode::kUnavailable},
      {"Get \"https://r/v2/\": http: server gave HTTP response to HTTPS client", ErrorCode::kUnavailable},
      {"Get \"https://r/v2/\": x509: certificate signed by unknown authority", ErrorCode::kUnavailable},
      {"Get \"https://r/v2/\": net/http: request canceled (Client.Timeout exceeded while awaiting headers)",
       ErrorCode::kUnavailable},
      {"toomanyrequests: You have reached your pull rate limit", ErrorCode::kUnavailable},
      {"manifest for a:1 not found: manifest unknown: manifest unknown", ErrorCode::kNotFound},
      {"no matching manifest for linux/arm64/v8 in the manifest list entries", ErrorCode::kNotFound},
      {"failed to register layer: no space left on device", ErrorCode::kInternal}};
  for (const auto& [words, code] : cases) {
    const auto error = pull_error("r:5000/a", words);
    EXPECT_EQ(error.code, code) << words;
    EXPECT_THAT(error.message, HasSubstr(words));
  }
}

TEST(RegistryAuth, ReadsPlainCredentials) {
  const std::string config =
      R"({"auths":{"https://index.docker.io/v1/":{"auth":"Ym9iOmE6Yg=="},"r:5000":{"auth":"YWRtaW46c2VjcmV0"},
          "https://ghcr.io/v2/":{"identitytoken":"tok"},"empty.io":{},"odd.io":{"auth":"?"}},"credsStore":"pass"})";
  const auto decoded = [&](const std::string& registry) {
    auto text = registry_auth(config, registry);
    std::replace(text.begin(), text.end(), '-', '+');
    std::replace(text.begin(), text.end(), '_', '/');
    return base64_decode(text).value_or("?");
  };
  EXPECT_EQ(decoded("docker.io"),
            R"({"username":"bob","password":"a:b","serveraddress":"https://index.docker.io/v1/"})");
  EXPECT_EQ(decoded("r:5000"), R"({"username":"admin","password":"secret","serveraddress":"r:5000"})");
  EXPECT_EQ(decoded("ghcr.io"), R"({"identitytoken":"tok","serveraddress":"ghcr.io"})");
  for (const auto* none : {"empty.io", "odd.io", "quay.io", "r"}) EXPECT_EQ(registry_auth(config, none), "");
  EXPECT_EQ(registry_auth("not json", "docker.io"), "");
}

TEST(Base64, FollowsTheRfc) {
  const std::vector<std::pair<std::string, std::string>> vectors{{"", ""},
                                                                 {"f", "Zg=="},
                                                                 {"fo", "Zm8="},
                                                                 {"foo", "Zm9v"},
                                                                 {"foob", "Zm9vYg=="},
                                                                 {"fooba", "Zm9vYmE="},
                                                                 {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : vectors) {
    EXPECT_EQ(base64url_encode(plain), coded);
    EXPECT_EQ(base64_decode(coded), plain);
  }
  EXPECT_EQ(base64url_encode("\xff\xfe\xfd"), "__79");
  EXPECT_EQ(base64_decode("a b"), std::nullopt);
}

TEST(Tar, HoldsOneEntryForEachDirectory) {
  const auto short_names = tar_of_directories("etc/holdfast");
  ASSERT_EQ(short_names.size(), 512u * 4);
  EXPECT_STREQ(short_names.c_str(), "etc/");
  EXPECT_STREQ(short_names.c_str() + 512, "etc/holdfast/");
  EXPECT_EQ(short_names[156], '5');
  const auto long_name = tar_of_directories(std::string(150, 'x'));
  EXPECT_EQ(long_name.size(), 512u * 5);
  EXPECT_EQ(long_name[156], 'L');
}

}  // namespace
}  // namespace holdfast::docker
