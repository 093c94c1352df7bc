// What a bench-service writes to the fifo once per start: fits PIPE_BUF, so that reports never mix.
#pragma once

#include <cstdint>

namespace holdfast::bench {

struct Report {
  std::int64_t started_ns = 0;  // CLOCK_MONOTONIC at the beginning of main()
  std::int32_t pid = 0;
  char name[20] = {};
};

}  // namespace holdfast::bench
