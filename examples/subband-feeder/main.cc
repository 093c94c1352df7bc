#include <cstdio>

#include "controller/base/log.h"
#include "examples/common/stop_signal.h"
#include "examples/subband-feeder/feeder.h"

using namespace holdfast;

int main(int argc, char** argv) {
  const auto parsed = examples::parse_feeder_options(argc, argv);
  if (const auto* early = std::get_if<examples::FeederExit>(&parsed)) {
    std::fputs(early->text.c_str(), early->code == 0 ? stdout : stderr);
    return early->code;
  }
  const examples::StopSignal stop;
  if (const auto done = examples::run_feeder(std::get<examples::FeederOptions>(parsed), stop.fd()); !done) {
    log::error(done.error().message);
    return 1;
  }
  return 0;
}
