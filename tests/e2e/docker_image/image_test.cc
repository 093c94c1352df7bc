// What the image holds, and what it does not.
#include "tests/e2e/docker_image/image.h"

#include <iostream>

#include "controller/base/json.h"

namespace holdfast::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class ControllerImage : public EngineWithImage {
 protected:
  void expect_small_and_without_rights() const;
  void expect_programs_and_nothing_that_made_them() const;
  // As root, who sees everything.
  [[nodiscard]] std::string shell(const std::string& script) const {
    return docker(
        {"run", "--rm", "--network", "none", "--user", "0", "--entrypoint", "sh", "holdfast", "-c", script});
  }
};

void ControllerImage::expect_small_and_without_rights() const {
  constexpr double kMegabyte = 1e6, kMost = 150;
  const auto image =
      parse_json(docker({"image", "inspect", "--format", "{{json .}}", "holdfast"})).value_or(Json());
  const double size = image.at("Size").as_double() / kMegabyte;
  std::cout << "the image has " << size << " MB\n";
  EXPECT_LT(size, kMost);

  const auto& config = image.at("Config");
  EXPECT_EQ(config.at("User").as_string(), "10001:10001");
  EXPECT_EQ(docker({"run", "--rm", "--network", "none", "--entrypoint", "id", "holdfast"}),
            "uid=10001(holdfast) gid=10001(holdfast) groups=10001(holdfast)");
  EXPECT_EQ(dump_json(config.at("Healthcheck").at("Test")), R"(["CMD","holdfast","ready"])");
  EXPECT_EQ(dump_json(config.at("Volumes")), R"({"/var/lib/holdfast":{}})");
}

void ControllerImage::expect_programs_and_nothing_that_made_them() const {
  EXPECT_THAT(docker({"run", "--rm", "--network", "none", "holdfast", "version"}), HasSubstr("holdfast"));
  EXPECT_THAT(shell("ldd /usr/local/bin/holdfast"), Not(HasSubstr("not found")));
  EXPECT_EQ(shell("for tool in cc c++ gcc g++ cpp clang as ld cmake ninja make ccache git docker; do "
                  "command -v $tool || true; done"),
            "");
  EXPECT_EQ(
      shell("find / -xdev \\( -name '*.cc' -o -name '*.h' -o -name '*.o' -o -name '*.a' -o -name '*.gch' "
            "-o -name CMakeLists.txt -o -name .git -o -path /src \\) -not -path '/proc/*'"),
      "");
  EXPECT_EQ(shell("find / -xdev -path '*holdfast*' | sort"),
            "/etc/holdfast\n/usr/local/bin/holdfast\n/usr/local/bin/holdfast-shim\n/var/lib/holdfast");
}

TEST_F(ControllerImage, HoldsTheProgramsForAUserWithoutRightsAndNothingThatMadeThem) {
  expect_small_and_without_rights();
  expect_programs_and_nothing_that_made_them();
}

}  // namespace
}  // namespace holdfast::test
