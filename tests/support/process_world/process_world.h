// A process runtime with an event loop of its own, in a temporary state dir; replaceable, as a controller is.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "controller/base/clock.h"
#include "controller/base/event_loop.h"
#include "runtimes/process/process_runtime.h"
#include "tests/support/support.h"

namespace holdfast::test {

class ProcessWorld {
 public:
  explicit ProcessWorld(bool use_cgroups = true);
  ~ProcessWorld();  // kills what still runs
  ProcessWorld(const ProcessWorld&) = delete;
  ProcessWorld& operator=(const ProcessWorld&) = delete;

  [[nodiscard]] Runtime& runtime() { return *runtime_; }
  [[nodiscard]] EventLoop& loop() { return loop_; }
  [[nodiscard]] const std::string& state_dir() const { return directory_.path(); }
  [[nodiscard]] std::string run_dir(const std::string& service, int ordinal = 0) const;
  void replace_adapter();  // nothing but the state dir and the processes remains
  void drop_adapter() { runtime_.reset(); }

  // A spec that runs holdfast_test_service with these words.
  static ServiceSpec spec(const std::string& name, std::vector<std::string> words);

 private:
  void make_adapter();

  TempDir directory_;
  bool use_cgroups_;
  SystemClock clock_;
  EventLoop loop_;
  std::unique_ptr<Runtime> runtime_;
  std::jthread thread_;
};

}  // namespace holdfast::test
