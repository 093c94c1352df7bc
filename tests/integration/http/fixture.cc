#include "tests/integration/http/fixture.h"

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "controller/base/json.h"
#include "tests/integration/http/certificate.h"

namespace holdfast::http::test {

using holdfast::test::wait_until;

namespace {

Response query_response(const Request& request) {
  auto body = Json::object();
  for (const auto& [key, value] : request.query) body.set(key, value);
  return json_response(body);
}

Response throwing(const Request& request) {
  if (request.params.at("what") == "int") throw 42;
  throw std::runtime_error("the secret is 1234");
}

// State letters of the server's threads.
std::string thread_states() {
  std::string states;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(task.path() / "stat");
    std::string line;
    std::getline(file, line);
    const auto open = line.find('('), close = line.rfind(')');
    if (open == std::string::npos) continue;
    const auto name = line.substr(open + 1, close - open - 1);
    if (name != "http" && name != "http-accept") continue;
    states += line[close + 2];
  }
  return states;
}

}  // namespace

void ServerTest::TearDown() {
  {
    const std::lock_guard lock(mutex_);
    responders_.clear();
    streams_.clear();
  }
  if (server_) server_->stop(std::chrono::milliseconds{0});
}

std::vector<Route> ServerTest::routes() {
  const auto hello = Handler([](const Request&) { return text_response("hello\n"); });
  const auto echo = Handler([](const Request& request) { return text_response(request.body); });
  const auto size =
      Handler([](const Request& request) { return text_response(std::to_string(request.body.size())); });
  const auto item = Handler([](const Request& request) { return text_response(request.params.at("name")); });
  std::vector<Route> out{
      {Method::kGet, "/hello", Role::kNone, hello},
      {Method::kPost, "/echo", Role::kNone, echo},
      {Method::kPost, "/tiny", Role::kNone, echo, 16},
      {Method::kPost, "/upload", Role::kNone, size, 64u << 20},
      {Method::kGet, "/item/:name", Role::kNone, item},
      {Method::kPut, "/item/:name", Role::kNone, item},
      {Method::kDelete, "/item/:name", Role::kNone,
       Handler([](const Request&) { return Response{.status = 204}; })},
      {Method::kGet, "/query", Role::kNone, Handler(query_response)},
      {Method::kGet, "/throw/:what", Role::kNone, Handler(throwing)},
      {Method::kGet, "/viewer", Role::kViewer, hello},
      {Method::kPost, "/operator", Role::kOperator, hello},
      {Method::kPost, "/hit", Role::kNone, Handler([this](const Request&) {
         ++hits_;
         return text_response("hit\n");
       })},
      {Method::kGet, "/big/:n", Role::kNone, Handler([](const Request& request) {
         return text_response(std::string(std::stoul(request.params.at("n")), 'x'));
       })},
  };
  add_late_routes(out);
  return out;
}

void ServerTest::add_late_routes(std::vector<Route>& routes) {
  const auto later = DeferredHandler([this](const Request&, std::shared_ptr<Responder> responder) {
    const std::lock_guard lock(mutex_);
    responders_.push_back(std::move(responder));
  });
  routes.push_back({Method::kGet, "/later", Role::kNone, later});
  routes.push_back({Method::kPost, "/later", Role::kNone, later});
  routes.push_back({Method::kGet, "/dropped", Role::kNone,
                    DeferredHandler([](const Request&, const std::shared_ptr<Responder>&) {})});
  routes.push_back({Method::kGet, "/events", Role::kNone,
                    StreamHandler([this](const Request& request, std::shared_ptr<EventStream> stream,
                                         std::function<void()>& on_close) -> std::optional<Response> {
                      if (request.query_value("refuse")) return text_response("no", 409);
                      if (!stream_opening_.empty()) stream->send(stream_opening_);
                      on_close = [this] { ++streams_closed_; };
                      if (request.query_value("throw")) throw std::runtime_error("the secret is 1234");
                      const std::lock_guard lock(mutex_);
                      streams_.push_back(std::move(stream));
                      return std::nullopt;
                    })});
}

void ServerTest::start() {
  if (options_.listen == Options{}.listen) options_.listen = "127.0.0.1:0";
  options_.audit = [this](const Request& request, const Response& response) {
    const std::lock_guard lock(mutex_);
    audits_.push_back(std::string(to_string(request.method)) + ' ' + request.path + ' ' +
                      std::to_string(response.status) + ' ' + request.identity.name);
  };
  auto server = Server::start(options_, routes());
  ASSERT_TRUE(server) << server.error().message;
  server_ = std::move(*server);
}

void ServerTest::start_tls() {
  options_.tls = TlsFiles{dir_ / "cert.pem", dir_ / "key.pem"};
  write_certificate("first", options_.tls->cert_file, options_.tls->key_file);
  tls_ = Client::Tls::kYes;
  start();
}

Client ServerTest::connect(int receive_buffer) const {
  return Client(server_->address(), tls_, receive_buffer);
}

Answer ServerTest::fetch(const std::string& request) {
  auto client = connect();
  client.send(request);
  auto answer = client.read_answer(request.starts_with("HEAD "));
  EXPECT_TRUE(answer) << "no answer to " << request.substr(0, 200);
  return answer.value_or(Answer{});
}

Answer ServerTest::get(const std::string& path) {
  return fetch("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

void ServerTest::expect_serving() {
  for (unsigned i = 0; i < 2 * options_.threads; ++i) EXPECT_EQ(get("/hello").body, "hello\n");
}

void ServerTest::expect_resting() {
  int resting = 0;
  EXPECT_TRUE(wait_until([&] {
    const auto states = thread_states();
    const bool asleep = !states.empty() && states.find_first_not_of('S') == std::string::npos;
    resting = asleep ? resting + 1 : 0;
    return resting == 10;
  })) << "threads of the server run though there is nothing to do: "
      << thread_states();
}

std::shared_ptr<Responder> ServerTest::take_responder() {
  std::shared_ptr<Responder> out;
  EXPECT_TRUE(wait_until([&] {
    const std::lock_guard lock(mutex_);
    if (responders_.empty()) return false;
    out = std::move(responders_.front());
    responders_.erase(responders_.begin());
    return true;
  }));
  return out;
}

std::shared_ptr<EventStream> ServerTest::take_stream() {
  std::shared_ptr<EventStream> out;
  EXPECT_TRUE(wait_until([&] {
    const std::lock_guard lock(mutex_);
    if (streams_.empty()) return false;
    out = std::move(streams_.front());
    streams_.erase(streams_.begin());
    return true;
  }));
  return out;
}

std::string wire_name(const testing::TestParamInfo<bool>& info) {
  return info.param ? "Tls" : "Plain";
}

}  // namespace holdfast::http::test
