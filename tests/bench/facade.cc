#include "tests/bench/facade.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include "tests/bench/ask.h"
#include "tests/bench/reports.h"

namespace holdfast::bench {

namespace {

Answer post(int port, const std::string& verb) {
  return ask(port, "POST", "/api/streaming/" + verb, "{}");
}

bool succeeded(const Answer& answer) {
  return answer.text.find("\"success\":true") != std::string::npos;
}

void print(const char* what, std::vector<double> values) {
  std::sort(values.begin(), values.end());
  std::printf("%s %.1f %.1f\n", what, values[values.size() / 2], values.back());
}

}  // namespace

void measure_facade(Reports& reports, int port, int rounds) {
  std::vector<double> starts, restarts;
  for (int i = 0; i < rounds; ++i) {
    if (!succeeded(post(port, "stop"))) throw std::runtime_error("the facade's stop failed");
    for (auto* times : {&starts, &restarts}) {
      const auto began = mono_ns();
      const auto answer = post(port, times == &starts ? "start" : "restart");
      if (!succeeded(answer)) throw std::runtime_error("the facade refused: " + answer.text);
      times->push_back(static_cast<double>(answer.at_ns - reports.collect(1, began)) / 1e6);
    }
  }
  print("start", starts);
  print("restart", restarts);
}

void measure_failure(int port) {
  post(port, "stop");
  const auto began = mono_ns();
  const auto answer = post(port, "start");
  const bool told = answer.text.find("\"success\":false") != std::string::npos &&
                    answer.text.find("the disk is on fire") != std::string::npos;
  std::printf("failure %.1f %s\n", static_cast<double>(answer.at_ns - began) / 1e6, told ? "told" : "untold");
}

}  // namespace holdfast::bench
