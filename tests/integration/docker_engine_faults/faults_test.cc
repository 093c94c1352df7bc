// What a real engine can't be made to do: hang, lie, cut its answers.
#include <atomic>
#include <thread>

#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "controller/base/unique_fd.h"
#include "runtimes/docker/engine/engine_client.h"
#include "tests/support/support.h"
#include "tests/support/tiny_server.h"

namespace holdfast::docker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::TinyServer;
using ::testing::HasSubstr;
using ::testing::Not;

std::string version(const std::string& api) {
  return TinyServer::reply("200 OK",
                           R"({"Version":"1","ApiVersion":")" + api + R"(","MinAPIVersion":"1.12"})");
}

std::string chunked(const std::string& data) {
  std::array<char, 16> size{};
  static_cast<void>(std::snprintf(size.data(), size.size(), "%zx", data.size()));
  return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(size.data()) + "\r\n" + data +
         "\r\n";
}

Endpoint at_port(int port) {
  const auto address = "127.0.0.1:" + std::to_string(port);
  return {.where = "tcp://" + address, .base_url = "http://" + address};
}

Endpoint at_socket(const std::string& path) {
  return {.where = "unix://" + path, .socket_path = path, .base_url = "http://localhost"};
}

class Faults : public ::testing::Test {
 protected:
  // An engine that tells its version, and answers anything else like this.
  void serve(TinyServer::Handler rest) {
    server_.emplace([this, rest = std::move(rest)](const std::string& head) {
      {
        const std::lock_guard lock(mutex_);
        heads_.push_back(head.substr(0, head.find('\r')));
      }
      if (head.starts_with("GET /version")) return std::optional<std::string>(version("1.41"));
      return rest(head);
    });
    client_ = make_engine_client(at_port(server_->port()), clock_, timeouts_);
  }
  std::vector<std::string> heads() {
    const std::lock_guard lock(mutex_);
    return heads_;
  }
  Error inspect_error() {
    const auto found = client_->inspect("web");
    EXPECT_FALSE(found);
    return found ? Error{} : found.error();
  }

  SystemClock clock_;
  EngineTimeouts timeouts_{.query = seconds{10}, .pull_stall = milliseconds{300}};
  std::mutex mutex_;
  std::vector<std::string> heads_;
  std::optional<TinyServer> server_;
  std::unique_ptr<Client> client_;
};

TEST_F(Faults, AnEngineThatHangsIsATimeout) {
  timeouts_.query = seconds{1};
  serve([](const std::string&) { return std::nullopt; });
  const auto ping = client_->ping(milliseconds{200});
  ASSERT_FALSE(ping);
  EXPECT_EQ(ping.error().code, ErrorCode::kTimeout);
  EXPECT_THAT(ping.error().message, HasSubstr("within 0.2 s"));
  const auto error = inspect_error();
  EXPECT_EQ(error.code, ErrorCode::kTimeout);
  EXPECT_THAT(error.message,
              ::testing::AllOf(HasSubstr("inspecting container 'web'"), HasSubstr("within 1 s")));
}

TEST_F(Faults, NobodyThereIsUnavailable) {
  const test::TempDir dir;
  const test::DeafPort deaf;
  for (const auto& endpoint : {at_socket(dir / "missing.sock"), at_port(deaf.port())}) {
    client_ = make_engine_client(endpoint, clock_);
    for (const auto& error : {client_->ping(seconds{10}).error(), inspect_error(),
                              client_->start("web").error(), client_->pull("app", {}, {}).error()}) {
      EXPECT_EQ(error.code, ErrorCode::kUnavailable);
      EXPECT_THAT(error.message, HasSubstr("Docker can't be reached at " + endpoint.where));
      EXPECT_THAT(error.hint, HasSubstr("Is the engine running"));
    }
    EXPECT_EQ(client_->stats({"web"}).size(), 1u);
  }
  client_ = make_engine_client(at_socket(dir / "missing.sock"), clock_);
  EXPECT_THAT(inspect_error().message, HasSubstr("No such file or directory"));
}

// A socket that somebody listens on.
class Listener {
 public:
  explicit Listener(const std::string& path) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    good_ = bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
            listen(fd_.get(), 8) == 0;
  }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] UniqueFd next() const { return UniqueFd(accept(fd_.get(), nullptr, nullptr)); }
  void leave() { fd_.reset(); }

 private:
  UniqueFd fd_;
  bool good_ = false;
};

TEST_F(Faults, ASocketThatNobodyListensOnIsUnavailable) {
  const test::TempDir dir;
  Listener listener(dir / "d.sock");
  ASSERT_TRUE(listener.good());
  listener.leave();
  client_ = make_engine_client(at_socket(dir / "d.sock"), clock_);
  const auto error = inspect_error();
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(error.message, HasSubstr("Connection refused"));
}

TEST_F(Faults, AnEngineThatGoesWhileAKeptConnectionIsUsedIsUnavailable) {
  const test::TempDir dir;
  Listener listener(dir / "d.sock");
  ASSERT_TRUE(listener.good());
  std::thread engine([&] {
    const auto connection = listener.next();
    std::array<char, 4096> request{};
    static_cast<void>(!read(connection.get(), request.data(), request.size()));
    const std::string json = R"({"Version":"1","ApiVersion":"1.41","MinAPIVersion":"1.12"})";
    const auto answer =
        "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(json.size()) + "\r\n\r\n" + json;
    static_cast<void>(!write(connection.get(), answer.data(), answer.size()));
    static_cast<void>(!read(connection.get(), request.data(), request.size()));
    listener.leave();
  });
  client_ = make_engine_client(at_socket(dir / "d.sock"), clock_);
  const auto error = inspect_error();  // asks on the first connection, and then on a new one
  engine.join();
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(error.message, HasSubstr("Docker can't be reached at unix://" + dir.path()));
}

TEST_F(Faults, ASocketOfOthersIsAMatterOfPermission) {
  const test::TempDir dir;
  const Listener listener(dir / "d.sock");
  ASSERT_TRUE(listener.good());
  chmod(dir.path().c_str(), 0755);
  chmod((dir / "d.sock").c_str(), 0600);
  setfsuid(65534);  // of this thread, and of those that it starts
  if (setfsuid(static_cast<uid_t>(-1)) != 65534) GTEST_SKIP() << "another user already";
  client_ = make_engine_client(at_socket(dir / "d.sock"), clock_);
  const auto error = inspect_error();
  setfsuid(0);
  EXPECT_EQ(error.code, ErrorCode::kPermission);
  EXPECT_THAT(error.message, ::testing::AllOf(HasSubstr(dir / "d.sock"), HasSubstr("group 'root'")));
  EXPECT_THAT(error.hint, HasSubstr("DOCKER_HOST=unix:///run/user/"));
}

TEST_F(Faults, ACutAnswerIsUnavailable) {
  for (const auto* answer :
       {"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"Id\":",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"Id\"", "HTTP/1.1 200", ""}) {
    serve([&](const std::string&) { return std::optional<std::string>(answer); });
    const auto error = inspect_error();
    EXPECT_EQ(error.code, ErrorCode::kUnavailable) << answer << ": " << error.message;
    EXPECT_THAT(error.message, HasSubstr("inspecting container 'web'"));
  }
}

TEST_F(Faults, WhatIsNoEngineIsTold) {
  serve([](const std::string&) { return std::optional<std::string>("SSH-2.0-OpenSSH_9.2\r\n\r\n"); });
  EXPECT_EQ(inspect_error().code, ErrorCode::kUnavailable);
  serve([](const std::string&) { return std::optional(TinyServer::reply("200 OK", "<html>hello</html>")); });
  EXPECT_EQ(inspect_error().code, ErrorCode::kInternal);
  EXPECT_THAT(inspect_error().message, HasSubstr("can't be understood"));
  serve([](const std::string&) { return std::optional(TinyServer::reply("200 OK", "[]")); });
  EXPECT_EQ(inspect_error().code, ErrorCode::kInternal);
}

TEST_F(Faults, OnlyTheEnginesOwnWordMakesAContainerAbsent) {
  serve([](const std::string&) {
    return std::optional(TinyServer::reply("404 Not Found", "404 page not found"));
  });
  EXPECT_EQ(inspect_error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(client_->remove("web"));
  EXPECT_FALSE(client_->signal("web", 9));
  serve([](const std::string&) {
    return std::optional(TinyServer::reply("404 Not Found", R"({"message":"No such container: web"})"));
  });
  EXPECT_FALSE(client_->inspect("web").value());
  EXPECT_TRUE(client_->remove("web"));
}

TEST_F(Faults, ASignalToWhatIsPausedDidNotArrive) {
  std::string words;
  serve([&](const std::string&) {
    return std::optional(TinyServer::reply("409 Conflict", dump_json(Json::object({{"message", words}}))));
  });
  words = "Cannot kill container: web: Container 1 is not running";
  EXPECT_TRUE(client_->signal("web", 15));
  words =
      "Cannot kill container: web: Container 1 is paused. Unpause the container before stopping or killing";
  const auto paused = client_->signal("web", 15);
  ASSERT_FALSE(paused);
  EXPECT_EQ(paused.error().code, ErrorCode::kConflict);
}

TEST_F(Faults, AnAnswerWithoutEndTakesNoMemory) {
  serve([](const std::string&) {
    return std::optional(TinyServer::reply("200 OK", std::string(40u << 20, 'x')));
  });
  const auto error = inspect_error();
  EXPECT_EQ(error.code, ErrorCode::kInternal);
  EXPECT_THAT(error.message, HasSubstr("larger than"));
}

TEST_F(Faults, AFloodOfALogKeepsItsNewestLines) {
  const std::string line = "2026-11-25T13:25:33Z " + std::string(1003, 'x') + "\n";
  std::string frame("\1\0\0\0\0\0\4\1", 8);
  ASSERT_EQ(line.size(), 1025u);
  std::string body;
  for (int i = 0; i < 60000; ++i) body += frame + line;
  serve([&](const std::string&) { return std::optional(TinyServer::reply("200 OK", body)); });
  LogQuery query;
  query.tail = 1000000;
  const auto lines = client_->logs("web", false, query);
  ASSERT_TRUE(lines) << lines.error().message;
  EXPECT_LT(lines->size(), 33000u);
  EXPECT_GT(lines->size(), 25000u);
  EXPECT_FALSE(client_->logs("web", false, query)->empty());
  serve([](const std::string&) { return std::optional(TinyServer::reply("200 OK", "a terminal's text\n")); });
  EXPECT_EQ(client_->logs("web", false, {}).error().code, ErrorCode::kInternal);
}

TEST_F(Faults, TheVersionIsAskedAgainAfterTheEngineWasGone) {
  std::atomic<bool> gone{false};
  serve([&](const std::string&) {
    return std::optional<std::string>(gone ? "" : TinyServer::reply("200 OK", "[]"));
  });
  ASSERT_TRUE(client_->list("a=b"));
  ASSERT_TRUE(client_->list("a=b"));
  EXPECT_THAT(heads(),
              ::testing::ElementsAre(HasSubstr("GET /version"), HasSubstr("GET /v1.41/containers/json?all"),
                                     HasSubstr("GET /v1.41/containers/json?all")));
  gone = true;
  ASSERT_FALSE(client_->list("a=b"));
  gone = false;
  ASSERT_TRUE(client_->list("a=b"));
  const auto all = heads();
  EXPECT_EQ(std::count_if(all.begin(), all.end(),
                          [](const auto& head) { return head.starts_with("GET /version"); }),
            2);
}

struct Told {
  std::mutex mutex;
  std::vector<std::string> said;
  EventHandlers handlers() {
    const auto say = [this](const std::string& what) {
      const std::lock_guard lock(mutex);
      said.push_back(what);
    };
    return {.on_open = [say] { say("open"); },
            .on_event = [say](const ContainerEvent& event) { say(event.action); },
            .on_end = [say](const Error& error) { say("end: " + error.message); }};
  }
  bool ended() {
    const std::lock_guard lock(mutex);
    return !said.empty() && said.back().starts_with("end");
  }
  std::string all() {
    const std::lock_guard lock(mutex);
    std::string out;
    for (const auto& what : said) out += what + "; ";
    return out;
  }
};

constexpr const char* kEvent = R"({"Type":"container","Action":"die","Actor":{"ID":"1"}})";

TEST_F(Faults, AStreamOfEventsTellsItsEnd) {
  const auto told_of = [&](const std::string& answer) {
    serve([&](const std::string&) { return std::optional(answer); });
    Told told;
    const auto subscription = client_->events(0, told.handlers());
    EXPECT_TRUE(test::wait_until([&] { return told.ended(); }));
    return told.all();
  };
  EXPECT_THAT(told_of(chunked(std::string(kEvent) + "\n" + kEvent + "\n") + "0\r\n\r\n"),
              ::testing::MatchesRegex("open; die; die; end: .*the engine ended the stream; "));
  EXPECT_THAT(told_of(chunked(std::string(kEvent) + "\n")),
              ::testing::MatchesRegex("open; die; end: .* was cut.*"));
  EXPECT_THAT(told_of(chunked("garbage\n")), ::testing::MatchesRegex("open; end: .*isn't an event; "));
  EXPECT_THAT(told_of(chunked(std::string(2u << 20, '{'))), ::testing::StartsWith("open; end: "));
  EXPECT_THAT(told_of(TinyServer::reply("500 Oops", R"({"message":"no events today"})")),
              ::testing::MatchesRegex("end: .*no events today; "));
}

TEST_F(Faults, ASubscriptionThatEndsIsSilent) {
  serve([](const std::string&) {
    return std::optional(TinyServer::then_silence(chunked(std::string(kEvent) + "\n")));
  });
  for (int i = 0; i < 50; ++i) {
    auto told = std::make_unique<Told>();
    auto subscription = client_->events(0, told->handlers());
    EXPECT_TRUE(i % 2 == 0 || test::wait_until([&] { return told->all() == "open; die; "; }));
    subscription.reset();
    told.reset();  // a callback that ran now would use what is gone
  }
}

TEST_F(Faults, APullWithoutAWordIsGivenUp) {
  serve([](const std::string&) {
    return std::optional(TinyServer::then_silence(
        chunked(R"({"status":"Downloading","id":"a","progressDetail":{"current":1048576,"total":8388608}})"
                "\n")));
  });
  std::vector<std::string> progress;
  const auto caller = std::this_thread::get_id();
  const auto pulled = client_->pull("app:1",
                                    [&](const PullProgress& now) {
                                      EXPECT_EQ(std::this_thread::get_id(), caller);
                                      progress.push_back(now.message);
                                    },
                                    {});
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code, ErrorCode::kTimeout) << pulled.error().message;
  EXPECT_THAT(progress, ::testing::ElementsAre("downloading, 1 of 8 MiB"));
}

TEST_F(Faults, APullStopsWhenAsked) {
  timeouts_.pull_stall = std::chrono::hours{1};
  serve([](const std::string&) { return std::nullopt; });
  std::stop_source stop;
  std::jthread stopper([&] {
    test::wait_until([&] { return heads().size() > 1; });
    stop.request_stop();
  });
  const auto pulled = client_->pull("app:1", {}, stop.get_token());
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(pulled.error().message, HasSubstr("stopped"));
}

TEST_F(Faults, AnErrorNeverHoldsWhatWasSent) {
  serve([](const std::string&) { return std::nullopt; });
  timeouts_.create = milliseconds{200};
  client_ = make_engine_client(at_port(server_->port()), clock_, timeouts_);
  CreateSpec spec{.image = "app"};
  spec.env["PASSWORD"] = "hunter2";
  const auto made = client_->create("web", spec);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kTimeout);
  EXPECT_THAT(made.error().message + made.error().hint, Not(HasSubstr("hunter2")));
}

TEST_F(Faults, CallsFromWithinACallbackAreRefused) {
  serve([](const std::string&) {
    return std::optional(TinyServer::then_silence(chunked(std::string(kEvent) + "\n")));
  });
  std::atomic<int> code{-1};
  EventHandlers handlers;
  handlers.on_event = [&](const ContainerEvent&) {
    const auto found = client_->inspect("web");
    code = found ? -2 : static_cast<int>(found.error().code);
  };
  const auto subscription = client_->events(0, std::move(handlers));
  EXPECT_TRUE(test::wait_until([&] { return code != -1; }));
  EXPECT_EQ(code, static_cast<int>(ErrorCode::kInternal));
}

}  // namespace
}  // namespace holdfast::docker
