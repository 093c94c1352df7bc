#include <cstdio>
#include <cstring>

#include "examples/common/stop_signal.h"
#include "examples/streaming-converter/run.h"
#include "examples/streaming-converter/subprocess.h"

using namespace holdfast;

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], examples::kJoinCommand) == 0) {
    return examples::run_join_command({argv, argv + argc});
  }
  const auto parsed = examples::parse_options(argc, argv);
  if (const auto* early = std::get_if<examples::EarlyExit>(&parsed)) {
    std::fputs(early->text.c_str(), early->code == 0 ? stdout : stderr);
    return early->code;
  }
  const auto& options = std::get<examples::Options>(parsed);
  log::configure(examples::log_level_of(options), log::Format::kText);
  const examples::StopSignal stop;
  if (const auto done = examples::run_converter(options, stop.fd()); !done) {
    log::error(done.error().message);
    return 1;
  }
  return 0;
}
