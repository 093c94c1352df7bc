#include "tests/e2e/docker_image/image.h"

#include <cstdlib>

namespace holdfast::test {

void EngineWithImage::SetUp() {
  const char* cache = std::getenv("HOLDFAST_CACHE");
  std::map<std::string, std::string> env;
  if (cache != nullptr) env["HOLDFAST_CACHE"] = cache;
  const auto built =
      run_program({"sh", "-euc", "archive=$(\"$0\" holdfast); docker --host \"$1\" load -qi \"$archive\"",
                   HOLDFAST_CONTROLLER_IMAGE, engine_.engine().host()},
                  env);
  ASSERT_EQ(built.status, 0) << built.output;
}

}  // namespace holdfast::test
