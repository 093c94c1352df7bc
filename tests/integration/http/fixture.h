// A running server with routes that tests need, and clients for it.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/http/server.h"
#include "tests/integration/http/client.h"
#include "tests/support/support.h"

namespace holdfast::http::test {

// For clients that don't read: what the kernel takes on their behalf is then far less than what tests send.
constexpr int kSmallBuffer = 64 << 10;

// Routes:  GET /hello   POST /echo (1 MiB)   POST /tiny (16 bytes)   POST /upload (64 MiB): size of the body
//   GET /big/:n: n bytes   GET|PUT|DELETE /item/:name   GET /query   GET /throw/:what
//   GET|POST /later: answered by the test   GET /dropped   GET /events   GET /viewer  POST /operator
class ServerTest : public testing::Test {
 protected:
  void TearDown() override;

  void start();  // with options_; fails the test if that can't be done
  void start_tls();
  [[nodiscard]] Client connect(int receive_buffer = 0) const;
  // One request on a connection of its own.
  Answer fetch(const std::string& request);
  Answer get(const std::string& path);
  // Whether somebody else is served, on each of the workers.
  void expect_serving();
  // Waits until no thread of the server runs: it doesn't spin.
  static void expect_resting();
  std::shared_ptr<Responder> take_responder();  // waits for a request to /later
  std::shared_ptr<EventStream> take_stream();   // waits for a request to /events

  holdfast::test::TempDir dir_;
  Options options_;
  std::unique_ptr<Server> server_;
  Client::Tls tls_ = Client::Tls::kNo;
  std::atomic<int> hits_{0};            // calls of /hit
  std::atomic<int> streams_closed_{0};  // calls of on_close
  std::string stream_opening_;          // sent by /events before it returns

  std::mutex mutex_;
  std::vector<std::shared_ptr<Responder>> responders_;
  std::vector<std::shared_ptr<EventStream>> streams_;
  std::vector<std::string> audits_;  // "POST /path 200 name"

 private:
  [[nodiscard]] std::vector<Route> routes();
  void add_late_routes(std::vector<Route>& routes);
};

// The same test over plain TCP and over TLS.
class WireTest : public ServerTest, public testing::WithParamInterface<bool> {
 protected:
  void start_wire() { GetParam() ? start_tls() : start(); }
};
std::string wire_name(const testing::TestParamInfo<bool>& info);

}  // namespace holdfast::http::test
