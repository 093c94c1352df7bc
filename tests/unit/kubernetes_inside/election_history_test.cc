// Random histories of candidates with slow, lossy and cut networks, clocks that run at different speeds and
// jump, and processes that die and begin anew: never do two lead at one instant.
#include <queue>

#include <gtest/gtest.h>

#include "runtimes/kubernetes/inside/election.h"
#include "tests/support/random.h"

namespace holdfast::kubernetes {
namespace {

using holdfast::test::Random;
using std::chrono::milliseconds;
using std::chrono::seconds;

// One history; time is that of an onlooker whose clock is right.
class History {
 public:
  History(std::uint64_t seed, int candidates, bool deletes)
      : random_(seed), deletes_(deletes), immortal_(deletes) {
    for (int i = 0; i < candidates; ++i) begin(nodes_.emplace_back(std::make_unique<Node>()).get());
  }

  void run(Duration time) {
    const auto end = now_ + time;
    while (!events_.empty() && events_.top().at <= end) {
      auto event = events_.top();
      events_.pop();
      now_ = event.at;
      event.run();
      const int acting = leaders();
      most_ = std::max(most_, acting);
      if (acting > 0) ++led_;
    }
    now_ = end;
  }
  void trouble(bool on) { trouble_ = on; }

  [[nodiscard]] int leaders() const {
    int count = 0;
    for (const auto& node : nodes_) count += node->election && node->election->leads(clock(*node)) ? 1 : 0;
    return count;
  }
  [[nodiscard]] int most() const { return most_; }
  [[nodiscard]] std::uint64_t led() const { return led_; }
  [[nodiscard]] std::uint64_t takeovers() const { return takeovers_; }

 private:
  struct Node {
    std::optional<Election> election;
    int life = 0, rounds = 0;
    double speed = 1;
    Duration offset{}, wall_offset{};
    MonoTime cut_until{};
    std::uint64_t call = 0;  // the one whose answer is awaited
    bool saw_lease = false;
  };
  struct Event {
    MonoTime at;
    std::uint64_t order;
    std::function<void()> run;
    bool operator<(const Event& other) const {
      return std::pair(at, order) > std::pair(other.at, other.order);
    }
  };
  struct Answer {
    std::optional<Json> lease{};
    bool refused = false;
  };

  void later(Duration delay, std::function<void()> run) {
    events_.push({now_ + delay, ++order_, std::move(run)});
  }
  MonoTime clock(const Node& node) const {
    const auto since = static_cast<double>(now_.time_since_epoch().count()) * node.speed;
    return MonoTime{Duration{static_cast<Duration::rep>(since)} + node.offset};
  }
  WallTime wall(const Node& node) const {
    return WallTime{seconds{1767225600} + now_.time_since_epoch() + node.wall_offset};
  }

  void begin(Node* node) {
    const auto name = "n" + std::to_string(++names_);
    node->election.emplace(Candidate{.lease = "l", .identity = name, .address = "http://" + name},
                           ElectionTimes{});
    ++node->life;
    node->call = 0;
    node->saw_lease = false;
    node->speed = 1 + 0.02 * random_.between(-5, 5);
    node->offset = seconds{random_.between(0, 10000)};
    wait(node, milliseconds{random_.between(0, 3000)});
  }

  void wait(Node* node, Duration pause) {
    later(pause, [this, node, life = node->life] {
      if (node->life != life) return;
      if (trouble_) mishap(node);
      if (node->life != life) return;
      node->rounds = 0;
      attempt(node);
    });
  }

  void mishap(Node* node) {
    if (random_.one_in(40)) node->cut_until = now_ + random_.span(milliseconds{100}, seconds{60});
    if (random_.one_in(30)) node->wall_offset = seconds{random_.between(-4000, 4000)};
    if (deletes_) {
      bool all_know = true;
      for (const auto& other : nodes_) all_know = all_know && other->saw_lease;
      if (all_know && random_.one_in(100)) {
        lease_.reset();
        deletes_ = false;
      }
    } else if (immortal_) {
      return;
    } else if (random_.one_in(80)) {
      begin(node);  // it died, and another begins in its place
    } else if (random_.one_in(80)) {
      if (const auto release = node->election->resigned(wall(*node)); release.has_value()) {
        ++node->life;  // waits for no answer
        send(node, release, [](const Answer&) {});
        later(seconds{3}, [this, node] { begin(node); });
      } else {
        begin(node);
      }
    }
  }

  Duration delay() {
    if (!trouble_ || !random_.one_in(5)) return milliseconds{random_.between(1, 50)};
    return random_.span(milliseconds{50}, seconds{30});
  }
  bool lost(const Node& node) { return trouble_ && (now_ < node.cut_until || random_.one_in(30)); }

  // What is asked arrives some time, whether or not anybody waits for the answer.
  void send(Node* node, const std::optional<Election::Write>& write,
            const std::function<void(const Answer&)>& done) {
    if (lost(*node)) return;
    later(delay(), [this, node, write, done] {
      const auto answer = serve(write);
      if (lost(*node)) return;
      later(delay(), [answer, done] { done(answer); });
    });
  }

  Answer serve(const std::optional<Election::Write>& write) {
    if (!write) return {lease_};
    if (write->create ? lease_.has_value() : !lease_) return {{}, true};
    const auto version = [](const Json& lease) { return lease.at("metadata").at("resourceVersion"); };
    if (!write->create && version(*lease_) != version(write->lease)) return {{}, true};
    auto next = write->lease;
    const auto holder = [](const Json& lease) { return lease.at("spec").at("holderIdentity").as_string(); };
    if (lease_ && holder(*lease_) != holder(next)) ++takeovers_;
    if (!lease_ || next != *lease_) next.find("metadata")->set("resourceVersion", std::to_string(++version_));
    lease_ = next;
    return {lease_};
  }

  void ask(Node* node, const std::optional<Election::Write>& write,
           const std::function<void(const Answer&)>& done) {
    const auto call = ++calls_;
    node->call = call;
    send(node, write, [node, call, done](const Answer& answer) {
      if (node->call != call) return;
      node->call = 0;
      done(answer);
    });
    later(seconds{5}, [this, node, call] {
      if (node->call != call) return;
      node->call = 0;
      node->election->failed();
      rest(node);
    });
  }

  void rest(Node* node) {
    wait(node, node->election->pause(clock(*node), static_cast<double>(random_.between(0, 100)) / 100));
  }

  void attempt(Node* node) {
    if (!node->election->must_read(clock(*node))) return write(node);
    ask(node, std::nullopt, [this, node](const Answer& answer) {
      node->saw_lease = node->saw_lease || answer.lease;
      node->election->saw(answer.lease, clock(*node));
      write(node);
    });
  }

  void write(Node* node) {
    const auto wanted = node->election->wanted(clock(*node), wall(*node));
    if (!wanted) return rest(node);
    ask(node, wanted, [this, node, sent = clock(*node)](const Answer& answer) {
      if (!answer.refused) {
        node->saw_lease = true;
        node->election->wrote(*answer.lease, sent, clock(*node));
        return rest(node);
      }
      node->election->failed();
      if (++node->rounds < 2) return attempt(node);
      rest(node);
    });
  }

  Random random_;
  bool deletes_;         // once, when all have seen the lease
  const bool immortal_;  // nobody begins while it is gone
  bool trouble_ = true;
  MonoTime now_{seconds{1000}};
  std::vector<std::unique_ptr<Node>> nodes_;
  std::priority_queue<Event> events_;
  std::uint64_t order_ = 0, calls_ = 0, names_ = 0, version_ = 0, led_ = 0, takeovers_ = 0;
  std::optional<Json> lease_;
  int most_ = 0;
};

class Histories : public testing::TestWithParam<bool> {};

TEST_P(Histories, NeverHaveTwoLeaders) {
  const auto first = holdfast::test::number_from_env("HOLDFAST_SEED", 1);
  const auto count = holdfast::test::number_from_env("HOLDFAST_HISTORIES", 15);
  std::uint64_t led = 0, takeovers = 0;
  for (auto seed = first; seed < first + count; ++seed) {
    History history(seed, 2 + static_cast<int>(seed % 3), GetParam());
    history.run(std::chrono::minutes{15});
    ASSERT_LE(history.most(), 1) << "HOLDFAST_SEED=" << seed;
    // When all is well again there is one soon.
    history.trouble(false);
    history.run(seconds{80});
    ASSERT_EQ(history.leaders(), 1) << "HOLDFAST_SEED=" << seed;
    ASSERT_LE(history.most(), 1) << "HOLDFAST_SEED=" << seed;
    led += history.led();
    takeovers += history.takeovers();
  }
  EXPECT_GT(led, count * 100);
  EXPECT_GT(takeovers, count);  // they were no quiet ones
}

INSTANTIATE_TEST_SUITE_P(WithProcessesThatDie, Histories, testing::Values(false));
INSTANTIATE_TEST_SUITE_P(WithALeaseThatIsDeleted, Histories, testing::Values(true));

}  // namespace
}  // namespace holdfast::kubernetes
