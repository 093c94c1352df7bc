#include "tests/unit/api_v1/fixture.h"

#include <utility>

namespace holdfast::api {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (size_t begin = 0;;) {
    const size_t end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end - begin));
    if (end == std::string::npos) return parts;
    begin = end + 1;
  }
}

bool matches(const std::string& pattern, const std::string& path,
             std::map<std::string, std::string>& params) {
  const auto wanted = split(pattern, '/'), given = split(path, '/');
  if (wanted.size() != given.size()) return false;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].starts_with(':'))
      params[wanted[i].substr(1)] = given[i];
    else if (wanted[i] != given[i])
      return false;
  }
  return true;
}

}  // namespace

std::vector<Stream::Message> Stream::messages() const {
  std::vector<Message> messages;
  Message message;
  for (const std::string& line : split(text_, '\n')) {
    if (line.starts_with("id: ")) message.id = line.substr(4);
    if (line.starts_with("event: ")) message.event = line.substr(7);
    if (line.starts_with("data: ")) message.data = parse_json(line.substr(6)).value();
    if (!line.empty()) continue;
    if (!message.event.empty()) messages.push_back(message);
    message = {};
  }
  return messages;
}

std::vector<std::string> Stream::events() const {
  std::vector<std::string> names;
  for (const Message& message : messages()) {
    const std::string& name = message.data.at("name").as_string();
    names.push_back(message.event + (name.empty() ? "" : " " + name));
  }
  return names;
}

http::Request ApiTest::request(http::Method method, const std::string& target, const std::string& body,
                               const Call& options, const http::Route*& route) const {
  http::Request request;
  const size_t query = target.find('?');
  request.method = method;
  request.path = target.substr(0, query);
  request.headers = options.headers;
  request.body = body;
  request.peer = "127.0.0.1:5000";
  request.id = "req-1";
  request.identity = {"tester", options.role};
  if (query != std::string::npos)
    for (const auto& item : split(target.substr(query + 1), '&')) {
      const size_t equals = item.find('=');
      request.query.emplace(item.substr(0, equals),
                            equals == std::string::npos ? "" : item.substr(equals + 1));
    }
  route = nullptr;
  for (const auto& candidate : routes_) {
    std::map<std::string, std::string> params;
    if (candidate.method != method || !matches(candidate.path, request.path, params)) continue;
    route = &candidate;
    request.params = params;
    if (candidate.path.find(':') == std::string::npos) break;  // a fixed path goes before a pattern
  }
  return request;
}

http::Response ApiTest::call(http::Method method, const std::string& target, const std::string& body,
                             const Call& options) {
  const http::Route* route = nullptr;
  const http::Request made = request(method, target, body, options, route);
  if (route == nullptr) {
    ADD_FAILURE() << "no route for " << target;
    return {};
  }
  if (const auto* handler = std::get_if<http::Handler>(&route->handler)) return (*handler)(made);
  if (const auto* deferred = std::get_if<http::DeferredHandler>(&route->handler)) {
    const auto answer = std::make_shared<Answer>();
    (*deferred)(made, answer);
    EXPECT_TRUE(answer->response()) << target << " is not answered yet";
    return answer->response().value_or(http::Response{});
  }
  std::function<void()> on_close;
  const auto refusal =
      std::get<http::StreamHandler>(route->handler)(made, std::make_shared<Stream>(), on_close);
  EXPECT_TRUE(refusal) << target << " opened a stream";
  return refusal.value_or(http::Response{});
}

std::shared_ptr<Answer> ApiTest::begin(http::Method method, const std::string& target) {
  const http::Route* route = nullptr;
  const http::Request made = request(method, target, {}, {}, route);
  auto answer = std::make_shared<Answer>();
  std::get<http::DeferredHandler>(route->handler)(made, answer);
  return answer;
}

ApiTest::Opened ApiTest::open(const std::string& target, const http::Headers& headers) {
  const http::Route* route = nullptr;
  const http::Request made = request(http::Method::kGet, target, {}, {headers}, route);
  Opened opened;
  opened.stream = std::make_shared<Stream>();
  opened.refusal = std::get<http::StreamHandler>(route->handler)(made, opened.stream, opened.on_close);
  return opened;
}

Json ApiTest::json(const http::Response& response) {
  auto parsed = parse_json(response.body);
  EXPECT_TRUE(parsed) << response.body;
  return parsed.value_or(Json());
}

std::string ApiTest::header(const http::Response& response, const std::string& name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return {};
}

}  // namespace holdfast::api
