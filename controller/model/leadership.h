// Which of several controllers that share their services may act. Where there is only one, there is none of
// this.
#pragma once

#include <functional>
#include <string>

namespace holdfast {

struct Leader {
  std::string identity{};  // empty: nobody, as far as is known
  std::string address{};   // of its API, "http://10.1.2.3:8010"; empty: not told
};

// Thread-safe.
class Leadership {
 public:
  virtual ~Leadership() = default;
  // Asked before each action. True only while no other controller can have become the leader, by this
  // controller's own clock. Never blocks.
  [[nodiscard]] virtual bool leads() const = 0;
  [[nodiscard]] virtual Leader leader() const = 0;
  // Called from any thread when leads() or leader() has changed; set once.
  virtual void on_change(std::function<void()> sink) = 0;
};

}  // namespace holdfast
