// The prober against real sockets and a real event loop.
#include "controller/health/prober.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "tests/support/support.h"
#include "tests/support/tiny_server.h"

namespace holdfast::health {
namespace {

using namespace std::chrono_literals;
using holdfast::test::DeafPort;
using holdfast::test::TinyServer;
using holdfast::test::wait_until;
using ::testing::HasSubstr;

class ProberTest : public ::testing::Test {
 protected:
  ProberTest() { make_prober({}); }
  ~ProberTest() override { stop(); }
  void make_prober(ExecFunction exec) {
    stop();
    loop_ = std::make_unique<EventLoop>();
    prober_ = Prober::create(*loop_, clock_, std::move(exec));
    prober_->on_change([this](const std::string& service) {
      const std::lock_guard lock(mutex_);
      changed_.insert(service);
    });
    thread_ = std::thread([this] { loop_->run(); });
  }
  void stop() {
    if (!loop_) return;
    loop_->stop();
    thread_.join();
    prober_.reset();
    loop_.reset();
  }
  template <typename Check>
  static Probe probe(Check check) {
    Probe result;
    result.check = std::move(check);
    result.interval = 20ms;
    result.timeout = 5s;
    return result;
  }
  void track(const std::string& name, const HealthSpec& health) {
    auto spec = std::make_shared<ServiceSpec>();
    spec->name = name;
    spec->health = health;
    ObservedInstance instance;
    instance.id = {name, 0};
    instance.incarnation = 1;
    instance.phase = Phase::kRunning;
    instance.started_at = clock_.now();
    prober_->track(spec, {instance});
  }
  void track_readiness(const Probe& readiness) {
    track("web", {.startup = {}, .readiness = readiness, .liveness = {}});
  }
  InstanceHealth health(const std::string& name = "web") const {
    const auto view = prober_->view(name);
    const auto it = view.find({0, 1});
    return it == view.end() ? InstanceHealth{} : it->second;
  }
  bool becomes(HealthState state) {
    return wait_until([&] { return health().state == state; });
  }
  // The message once the instance is unhealthy.
  std::string failure() {
    EXPECT_TRUE(becomes(HealthState::kUnhealthy)) << health().message;
    return health().message;
  }
  std::string http_failure(TinyServer::Handler handler, const std::string& path = "/healthz") {
    const TinyServer server(std::move(handler));
    track_readiness(probe(HttpProbe{.port = server.port(), .path = path}));
    return failure();
  }
  bool told(const std::string& service) {
    const std::lock_guard lock(mutex_);
    return changed_.contains(service);
  }

  const SystemClock clock_;
  std::mutex mutex_;
  std::set<std::string> changed_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Prober> prober_;
  std::thread thread_;
};

TEST_F(ProberTest, PassesHttp2xxAnd3xx) {
  for (const auto* status : {"200 OK", "204 No Content", "302 Found", "399 Odd"}) {
    std::string head;
    std::mutex mutex;
    const TinyServer server([&](const std::string& request) {
      const std::lock_guard lock(mutex);
      head = request;
      return TinyServer::reply(status, "", "Location: http://127.0.0.1:1/\r\n");
    });
    track_readiness(probe(HttpProbe{.port = server.port(), .path = "/healthz?deep=1"}));
    EXPECT_TRUE(becomes(HealthState::kHealthy)) << status << " " << health().message;
    EXPECT_TRUE(told("web"));
    const std::lock_guard lock(mutex);
    EXPECT_THAT(head, HasSubstr("GET /healthz?deep=1 HTTP/1.1\r\n"));
    prober_->forget("web");
  }
}

TEST_F(ProberTest, FailsOtherStatuses) {
  const auto message = http_failure([](const auto&) { return TinyServer::reply("503 Service Unavailable"); });
  EXPECT_THAT(message, HasSubstr("readiness: GET http://127.0.0.1:"));
  EXPECT_THAT(message, HasSubstr("/healthz: status 503"));
  EXPECT_FALSE(health().ready);
}

TEST_F(ProberTest, FailsAnswersThatAreNoHttp) {
  http_failure([](const auto&) { return "SSH-2.0-OpenSSH_9.2\r\n"; });
  prober_->forget("web");
  http_failure([](const auto&) { return ""; });
}

TEST_F(ProberTest, ReadsOnlySoMuchOfABody) {
  const TinyServer server([](const auto&) { return TinyServer::reply("200 OK", std::string(5 << 20, 'x')); });
  track_readiness(probe(HttpProbe{.port = server.port()}));
  EXPECT_TRUE(becomes(HealthState::kHealthy)) << health().message;
}

TEST_F(ProberTest, FailsWhenNobodyListens) {
  const DeafPort port;
  track_readiness(probe(HttpProbe{.port = port.port()}));
  EXPECT_THAT(failure(), HasSubstr("connect"));
  prober_->forget("web");
  track_readiness(probe(TcpProbe{.port = port.port()}));
  EXPECT_THAT(failure(), HasSubstr("Connection refused"));
}

TEST_F(ProberTest, FailsWhenNoAnswerComesInTime) {
  const TinyServer server([](const auto&) { return std::nullopt; });
  auto silent = probe(HttpProbe{.port = server.port()});
  silent.timeout = 30ms;
  track_readiness(silent);
  EXPECT_THAT(failure(), HasSubstr("no answer in time"));
}

TEST_F(ProberTest, TakesAnImpossibleUrlAsUnknown) {
  auto odd = probe(HttpProbe{.port = 80, .path = "/a b"});
  odd.failure_threshold = 1;
  track_readiness(odd);
  ASSERT_TRUE(wait_until([&] { return !health().message.empty(); }));
  EXPECT_NE(health().state, HealthState::kUnhealthy);
  EXPECT_FALSE(health().ready);
}

TEST_F(ProberTest, NeverAsksAProxy) {
  const TinyServer proxy([](const auto&) { return TinyServer::reply("200 OK"); });
  const auto url = "http://127.0.0.1:" + std::to_string(proxy.port());
  setenv("http_proxy", url.c_str(), 1);
  const DeafPort port;
  track_readiness(probe(HttpProbe{.port = port.port()}));
  failure();
  unsetenv("http_proxy");
  EXPECT_EQ(proxy.requests(), 0);
}

TEST_F(ProberTest, ConnectsToAddressesAndNames) {
  const TinyServer server([](const auto&) { return TinyServer::reply("200 OK"); });
  for (const auto* host : {"127.0.0.1", "localhost"}) {
    track_readiness(probe(TcpProbe{.host = host, .port = server.port()}));
    EXPECT_TRUE(becomes(HealthState::kHealthy)) << host << ": " << health().message;
    prober_->forget("web");
  }
}

TEST_F(ProberTest, FailsNamesThatDoNotExist) {
  track_readiness(probe(TcpProbe{.host = "no-such-host.invalid", .port = 1}));
  EXPECT_THAT(failure(), HasSubstr("no-such-host.invalid"));
}

TEST_F(ProberTest, NoticesWhenAServiceGoesAndComesBack) {
  std::atomic<bool> good = true;
  const TinyServer server(
      [&](const auto&) { return TinyServer::reply(good ? "200 OK" : "500 Internal Server Error"); });
  track("web", {.startup = {}, .readiness = {}, .liveness = probe(HttpProbe{.port = server.port()})});
  ASSERT_TRUE(becomes(HealthState::kHealthy));
  good = false;
  ASSERT_TRUE(wait_until([&] { return health().liveness_failed; }));
  good = true;
  EXPECT_TRUE(wait_until([&] { return !health().liveness_failed; }));
}

TEST_F(ProberTest, RunsCommandsWithTheirTimeout) {
  std::atomic<int> code = 0;
  make_prober([&](const ServiceSpec& spec, const InstanceId& id, const std::vector<std::string>& argv,
                  Duration timeout) -> Result<int> {
    EXPECT_EQ(spec.name, "web");
    EXPECT_EQ(id, (InstanceId{"web", 0}));
    EXPECT_EQ(argv, (std::vector<std::string>{"check", "it"}));
    EXPECT_EQ(timeout, 5s);
    return code.load();
  });
  track_readiness(probe(ExecProbe{.command = {"check", "it"}}));
  EXPECT_TRUE(becomes(HealthState::kHealthy));
  code = 3;
  EXPECT_EQ(failure(), "readiness: exec check: exit code 3");
}

TEST_F(ProberTest, TellsTimeoutsOfCommandsFromAMissingRuntime) {
  std::atomic<ErrorCode> answer = ErrorCode::kUnavailable;
  make_prober([&](const auto&, const auto&, const auto&, Duration) -> Result<int> {
    return fail(answer.load(), "the runtime can't be reached");
  });
  auto once = probe(ExecProbe{.command = {"check"}});
  once.failure_threshold = 1;
  track_readiness(once);
  ASSERT_TRUE(wait_until([&] { return !health().message.empty(); }));
  EXPECT_EQ(health().message, "readiness: exec check: the runtime can't be reached");
  EXPECT_NE(health().state, HealthState::kUnhealthy);
  answer = ErrorCode::kTimeout;
  EXPECT_EQ(failure(), "readiness: exec check: no answer in time");
}

// A command that hangs holds up neither other probes nor itself: it is not started a second time.
TEST_F(ProberTest, LetsAHungCommandHurtNobodyElse) {
  std::mutex mutex;
  std::condition_variable released;
  bool release = false;
  std::atomic<int> hung = 0;
  make_prober([&](const ServiceSpec& spec, const auto&, const auto&, Duration) -> Result<int> {
    if (spec.name != "hung") return 0;
    ++hung;
    std::unique_lock lock(mutex);
    released.wait(lock, [&] { return release; });
    return 0;
  });
  track("hung", {.startup = {}, .readiness = probe(ExecProbe{.command = {"sleep"}}), .liveness = {}});
  ASSERT_TRUE(wait_until([&] { return hung == 1; }));
  const TinyServer server([](const auto&) { return TinyServer::reply("200 OK"); });
  track("http", {.startup = {}, .readiness = probe(HttpProbe{.port = server.port()}), .liveness = {}});
  track("exec", {.startup = {}, .readiness = probe(ExecProbe{.command = {"true"}}), .liveness = {}});
  EXPECT_TRUE(wait_until([&] { return health("http").ready && health("exec").ready; }));
  EXPECT_TRUE(wait_until([&] { return server.requests() > 10; }));
  EXPECT_EQ(hung, 1);
  {
    const std::lock_guard lock(mutex);
    release = true;
  }
  released.notify_all();
  EXPECT_TRUE(wait_until([&] { return health("hung").ready; }));
}

TEST_F(ProberTest, ProbesAThousandInstances) {
  std::atomic<int> asked = 0;
  const TinyServer server([&](const auto&) {
    ++asked;
    return TinyServer::reply("200 OK");
  });
  for (int i = 0; i < 500; ++i) {
    auto slow = probe(HttpProbe{.port = server.port()});
    slow.interval = 1h;
    track("h" + std::to_string(i), {.startup = {}, .readiness = slow, .liveness = {}});
    slow.check = TcpProbe{.port = server.port()};
    track("t" + std::to_string(i), {.startup = {}, .readiness = slow, .liveness = {}});
  }
  EXPECT_TRUE(wait_until([&] {
    for (int i = 0; i < 500; ++i) {
      if (!health("h" + std::to_string(i)).ready || !health("t" + std::to_string(i)).ready) return false;
    }
    return true;
  }));
}

TEST_F(ProberTest, EndsWithChecksUnderWay) {
  const TinyServer server([](const auto&) { return std::nullopt; });
  for (int i = 0; i < 20; ++i)
    track("s" + std::to_string(i),
          {.startup = {}, .readiness = probe(HttpProbe{.port = server.port()}), .liveness = {}});
  ASSERT_TRUE(wait_until([&] { return server.requests() >= 10; }));
  stop();
}

TEST_F(ProberTest, TellsOfHeartbeats) {
  track("web", {.startup = {}, .readiness = {}, .liveness = probe(HeartbeatProbe{.within = 50ms})});
  prober_->heartbeat("web");
  EXPECT_TRUE(prober_->last_heartbeat("web"));
  EXPECT_TRUE(wait_until([&] { return health().liveness_failed; }));
  EXPECT_TRUE(told("web"));
}

}  // namespace
}  // namespace holdfast::health
