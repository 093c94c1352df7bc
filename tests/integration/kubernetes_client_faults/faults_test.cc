// What a real API server can't be made to do on demand: hang, lie, cut its answers, ask for patience.
#include <atomic>
#include <condition_variable>
#include <thread>

#include "controller/base/file.h"
#include "runtimes/kubernetes/client/access.h"
#include "tests/support/support.h"
#include "tests/support/tiny_server.h"

namespace holdfast::kubernetes {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::TinyServer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string status_reply(const std::string& line, const std::string& message,
                         const std::string& headers = {}) {
  return TinyServer::reply(line, R"({"kind":"Status","message":")" + message + "\"}", headers);
}

std::string chunk(const std::string& data) {
  std::array<char, 16> size{};
  static_cast<void>(std::snprintf(size.data(), size.size(), "%zx", data.size()));
  return std::string(size.data()) + "\r\n" + data + "\r\n";
}
const std::string kStreamHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string kEvent = R"({"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"5"}}})"
                           "\n";

class Faults : public ::testing::Test {
 protected:
  void serve(TinyServer::Handler handler, Material token = {.text = "secret"}) {
    server_.emplace([this, handler = std::move(handler)](const std::string& head) {
      {
        const std::lock_guard lock(mutex_);
        targets_.push_back(head.substr(0, head.find(" HTTP/")));
      }
      return handler(head);
    });
    connect(server_->port(), std::move(token));
  }
  void connect(int port, Material token) {
    client_ = make_client({.where = "the test",
                           .server = "http://127.0.0.1:" + std::to_string(port),
                           .token = std::move(token)},
                          clock_, timeouts_);
  }
  std::vector<std::string> targets() {
    const std::lock_guard lock(mutex_);
    return targets_;
  }
  Result<std::optional<Json>> get() { return client_->get(kPods, "default", "web"); }
  Error get_error() {
    const auto found = get();
    EXPECT_FALSE(found);
    return found ? Error{} : found.error();
  }

  // What a watch told, until its end.
  struct Told {
    int opened = 0;
    std::vector<std::string> names{};
    std::optional<Error> error{};
    long status = -1;
  };
  Told watch() {
    struct Ear {
      std::mutex mutex;
      std::condition_variable over;
      Told told;
      bool done = false;
    };
    const auto ear = std::make_shared<Ear>();
    const auto open =
        client_->watch(kPods, {.namespace_ = "default", .label_selector = "a=b"}, "4", milliseconds{1500},
                       {.on_open = [ear] { ++ear->told.opened; },
                        .on_event =
                            [ear](const WatchEvent& event) {
                              ear->told.names.push_back(event.object.at("metadata").at("name").as_string());
                            },
                        .on_end =
                            [ear](std::optional<Error> error, long status) {
                              const std::lock_guard lock(ear->mutex);
                              ear->told.error = std::move(error);
                              ear->told.status = status;
                              ear->done = true;
                              ear->over.notify_one();
                            }});
    std::unique_lock lock(ear->mutex);
    EXPECT_TRUE(ear->over.wait_for(lock, seconds{60}, [&] { return ear->done; }));
    return ear->told;
  }

  SystemClock clock_;
  ClientTimeouts timeouts_{.call = seconds{20}};
  std::mutex mutex_;
  std::vector<std::string> targets_;
  std::optional<TinyServer> server_;
  std::unique_ptr<Client> client_;
};

TEST_F(Faults, WaitsAsLongAsTheServerAsks) {
  std::atomic<int> asked{0};
  serve([&](const std::string&) -> std::optional<std::string> {
    switch (asked++) {
      case 0:
        return status_reply("429 Too Many Requests", "slow down", "Retry-After: 1\r\n");
      case 1:
        return status_reply("503 Service Unavailable", "starting", "Retry-After: 1\r\n");
      default:
        return TinyServer::reply("200 OK", R"({"metadata":{"name":"web"}})");
    }
  });
  const auto before = clock_.now();
  const auto found = get();
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(asked, 3);
  EXPECT_GE(clock_.now() - before, seconds{2});
}

TEST_F(Faults, DoesNotWaitBeyondItsDeadline) {
  serve([&](const std::string&) {
    return status_reply("429 Too Many Requests", "slow down", "Retry-After: 3600\r\n");
  });
  const auto error = get_error();
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(error.message, HasSubstr("slow down"));
  EXPECT_EQ(server_->requests(), 1);
}

TEST_F(Faults, ReadsTheTokenAgainWhenItIsRefused) {
  const test::TempDir dir;
  ASSERT_TRUE(write_file_atomically(dir / "token", "old"));
  serve(
      [&](const std::string& head) {
        return head.find("Authorization: Bearer new\r\n") == std::string::npos
                   ? status_reply("401 Unauthorized", "Unauthorized")
                   : TinyServer::reply("200 OK", R"({"metadata":{"name":"web"}})");
      },
      {.path = dir / "token"});
  const auto error = get_error();
  EXPECT_EQ(error.code, ErrorCode::kPermission);
  EXPECT_THAT(error.message, HasSubstr("doesn't accept the credentials"));
  EXPECT_EQ(server_->requests(), 1);  // the same token would be refused again
  ASSERT_TRUE(write_file_atomically(dir / "token", "new"));
  EXPECT_TRUE(get());
  EXPECT_EQ(server_->requests(), 3);
}

TEST_F(Faults, AServerThatHangsIsATimeout) {
  timeouts_.call = milliseconds{300};
  serve([](const std::string&) { return std::nullopt; });
  const auto error = get_error();
  EXPECT_EQ(error.code, ErrorCode::kTimeout);
  EXPECT_THAT(error.message, HasSubstr(R"(reading pods "web" in namespace "default")"));
}

TEST_F(Faults, NobodyThereIsUnavailable) {
  const test::DeafPort deaf;
  connect(deaf.port(), {});
  const auto error = get_error();
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(error.message, HasSubstr("can't be reached"));
  EXPECT_THAT(error.hint, HasSubstr("Is the cluster up"));
  const auto told = watch();
  EXPECT_EQ(told.opened, 0);
  EXPECT_EQ(told.error->code, ErrorCode::kUnavailable);
}

TEST_F(Faults, WhatIsNoApiServerIsAnError) {
  serve([](const std::string&) { return TinyServer::reply("200 OK", "<html>welcome</html>\n"); });
  EXPECT_EQ(get_error().code, ErrorCode::kInternal);
  EXPECT_EQ(client_->version(seconds{10}).error().code, ErrorCode::kInternal);
  EXPECT_THAT(watch().error->message, HasSubstr("isn't an event"));
  serve([](const std::string&) { return TinyServer::reply("404 Not Found", "<html>nothing</html>"); });
  EXPECT_EQ(get_error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(client_->remove(kPods, "default", "web", {}));
}

TEST_F(Faults, BeginsAnExpiredListAnew) {
  std::atomic<int> expired{0};
  const auto page = [](const std::string& name, const std::string& next) {
    return TinyServer::reply("200 OK", R"({"metadata":{"resourceVersion":"9","continue":")" + next +
                                           R"("},"items":[{"metadata":{"name":")" + name + "\"}}]}");
  };
  serve([&](const std::string& head) -> std::optional<std::string> {
    if (head.find("continue=") == std::string::npos) return page("a", "x/y");
    if (expired++ == 0) return status_reply("410 Gone", "The provided continue parameter is too old");
    return page("b", "");
  });
  std::vector<std::string> names;
  const auto version = client_->list(
      kPods, {}, [&](const Json& object) { names.push_back(object.at("metadata").at("name").as_string()); },
      [&] { names.clear(); });
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ(*version, "9");
  EXPECT_THAT(names, ElementsAre("a", "b"));
  EXPECT_THAT(targets(),
              ElementsAre("GET /api/v1/pods?limit=500", "GET /api/v1/pods?limit=500&continue=x%2Fy",
                          "GET /api/v1/pods?limit=500", "GET /api/v1/pods?limit=500&continue=x%2Fy"));
}

TEST_F(Faults, AListCanBeStopped) {
  serve([](const std::string&) { return std::nullopt; });
  std::stop_source stop;
  std::jthread stopper([&] {
    EXPECT_TRUE(test::wait_until([&] { return server_->requests() == 1; }));
    stop.request_stop();
  });
  const auto listed = client_->list(kPods, {}, [](const Json&) {}, {}, stop.get_token());
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().code, ErrorCode::kUnavailable);
}

TEST_F(Faults, AWatchTellsEventsUntilTheServerEndsIt) {
  serve([](const std::string&) { return kStreamHead + chunk(kEvent) + chunk(""); });
  const auto told = watch();
  EXPECT_EQ(told.opened, 1);
  EXPECT_THAT(told.names, ElementsAre("a"));
  EXPECT_FALSE(told.error) << told.error->message;
  EXPECT_THAT(targets(), ElementsAre("GET /api/v1/namespaces/default/pods?labelSelector=a%3Db&watch=1&"
                                     "allowWatchBookmarks=true&resourceVersion=4&timeoutSeconds=2"));
}

TEST_F(Faults, AWatchThatIsCutBetweenEventsHasLostNothing) {
  serve([](const std::string&) { return kStreamHead + chunk(kEvent); });
  const auto told = watch();
  EXPECT_THAT(told.names, ElementsAre("a"));
  EXPECT_FALSE(told.error);
}

TEST_F(Faults, AWatchThatIsCutWithinAnEventSaysSo) {
  serve([](const std::string&) { return kStreamHead + chunk(kEvent + kEvent.substr(0, 30)); });
  const auto told = watch();
  EXPECT_THAT(told.names, ElementsAre("a"));
  ASSERT_TRUE(told.error);
  EXPECT_EQ(told.error->code, ErrorCode::kUnavailable);
  EXPECT_THAT(told.error->message, HasSubstr("cut within an event"));
}

TEST_F(Faults, AWatchTellsThatItsVersionIsTooOld) {
  serve([](const std::string&) {
    return kStreamHead +
           chunk(R"({"type":"ERROR","object":{"code":410,"message":"too old resource version"}})"
                 "\n");
  });
  EXPECT_EQ(watch().status, 410);
  serve([](const std::string&) { return status_reply("410 Gone", "too old resource version"); });
  const auto told = watch();
  EXPECT_EQ(told.opened, 0);
  EXPECT_EQ(told.status, 410);
  EXPECT_THAT(told.error->message, HasSubstr("too old"));
}

TEST_F(Faults, AWatchWithoutCredentialsEndsWithTheReason) {
  serve([](const std::string&) { return TinyServer::reply("200 OK"); }, {.path = "/no/such/token"});
  const auto told = watch();
  EXPECT_THAT(told.error->message, HasSubstr("/no/such/token"));
  EXPECT_THAT(targets(), IsEmpty());
}

TEST_F(Faults, NoErrorHoldsTheToken) {
  serve([](const std::string&) { return status_reply("500 Internal Server Error", "oops"); });
  const auto error = get_error();
  EXPECT_THAT(error.message + error.hint, Not(HasSubstr("secret")));
  EXPECT_THAT(client_->server(), Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace holdfast::kubernetes
