#include "tests/integration/openapi/fixture.h"

#include <algorithm>
#include <utility>

#include "api/docs/embedded.h"
#include "api/docs/routes.h"
#include "api/v1/routes.h"

namespace holdfast::test {
namespace {

streaming::FacadeOptions facade_options(const std::string& state_dir) {
  streaming::FacadeOptions options;
  options.state_dir = state_dir;
  options.environment = [](const std::string&) -> std::optional<std::string> { return std::nullopt; };
  options.times.hold = Duration{0};
  return options;
}

}  // namespace

OpenapiTest::OpenapiTest()
    : facade_(plane_, clock_, facade_options(dir_.path())),
      routes_(api::routes(plane_, clock_, {"1.2.3", "abc"})),
      description_(parse_json(docs::kOpenapiJson).value()) {
  for (auto& route : docs::routes()) routes_.push_back(std::move(route));
  for (auto& route : facade_.routes()) routes_.push_back(std::move(route));
}

OpenapiTest::~OpenapiTest() {
  if (server_) server_->stop(std::chrono::seconds(5));
}

void OpenapiTest::serve(http::Options options) {
  options.listen = "127.0.0.1:0";
  auto server = http::Server::start(std::move(options), routes_);
  ASSERT_TRUE(server) << server.error().message;
  server_ = *std::move(server);
}

HttpAnswer OpenapiTest::call(const std::string& method, const std::string& target, const std::string& body,
                             std::vector<std::string> headers) {
  const bool typed = std::any_of(headers.begin(), headers.end(), [](const std::string& header) {
    return header.starts_with("Content-Type");
  });
  if (!typed) headers.emplace_back(body.empty() ? "Content-Type:" : "Content-Type: application/json");
  HttpAnswer answer = send({method, url(target), body, std::move(headers)});
  for (const auto& fault : description_.faults(method, target.substr(0, target.find('?')),
                                               {answer.status, answer.content_type(), answer.body}))
    ADD_FAILURE() << fault << "\n" << answer.body.substr(0, 500);
  return answer;
}

void OpenapiTest::expect(int status, const std::string& method, const std::string& target,
                         const std::string& body, const std::vector<std::string>& headers) {
  const HttpAnswer answer = call(method, target, body, headers);
  EXPECT_EQ(answer.status, status) << method << " " << target << ": " << answer.body;
}

std::string OpenapiTest::stream(const std::string& target, const std::string& until,
                                std::vector<std::string> headers) {
  headers.emplace_back("Accept: text/event-stream");
  HttpRequest request{"GET", url(target), {}, std::move(headers)};
  request.enough = [&until](const std::string& body) { return body.find(until) != std::string::npos; };
  const HttpAnswer answer = send(request);
  for (const auto& fault : description_.faults("GET", target.substr(0, target.find('?')),
                                               {answer.status, answer.content_type(), answer.body}))
    ADD_FAILURE() << fault;
  EXPECT_NE(answer.body.find(until), std::string::npos) << answer.body;
  return answer.body;
}

}  // namespace holdfast::test
