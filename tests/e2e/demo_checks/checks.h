// What must be true of the demo in the end, wherever its programs run.
#pragma once

#include <string>

#include "tests/e2e/harness/controller.h"

namespace holdfast::test {

struct DemoWorld {
  const Controller& controller;
  std::string streaming, feeder;              // the services' names
  std::string queue_db, products, scratch{};  // where the converter keeps them
  int groups = 0, subbands = 0;
};

pid_t pid_of(const Json& service);  // of its first instance; -1: there is none

// The pid of a run of the converter that is up and is not `before`; -1, and the test fails: there is none.
pid_t running_again(const DemoWorld& demo, pid_t before);
bool feeder_has_ended(const DemoWorld& demo);

// Waits until all are done.
void expect_every_group_done_once(const DemoWorld& demo);

// Each of `kills` crashes, and one restart by an operator, wherever someone would look.
void expect_restarts_told(const DemoWorld& demo, int kills);

// The facade reads the service's own queue.
void expect_facade_tells_queue(const DemoWorld& demo);

}  // namespace holdfast::test
