#include "tests/integration/openapi/http_client.h"

#include <cctype>
#include <memory>

#include <curl/curl.h>

namespace holdfast::test {
namespace {

struct Exchange {
  const HttpRequest& request;
  HttpAnswer answer;
};

size_t take_body(char* data, size_t, size_t size, void* exchange_pointer) {
  auto& exchange = *static_cast<Exchange*>(exchange_pointer);
  exchange.answer.body.append(data, size);
  const bool end = exchange.request.enough && exchange.request.enough(exchange.answer.body);
  return end ? 0 : size;
}

size_t take_header(char* data, size_t, size_t size, void* exchange_pointer) {
  const std::string line(data, size);
  const size_t colon = line.find(": ");
  if (colon == std::string::npos) return size;
  std::string name = line.substr(0, colon);
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  static_cast<Exchange*>(exchange_pointer)->answer.headers[name] =
      line.substr(colon + 2, line.find('\r') - colon - 2);
  return size;
}

}  // namespace

std::string HttpAnswer::content_type() const {
  const auto found = headers.find("content-type");
  return found == headers.end() ? std::string() : found->second.substr(0, found->second.find(';'));
}

HttpAnswer send(const HttpRequest& request) {
  constexpr long kMinute = 60;
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), &curl_easy_cleanup);
  curl_slist* list = nullptr;
  for (const auto& header : request.headers) list = curl_slist_append(list, header.c_str());
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(list, &curl_slist_free_all);
  Exchange exchange{request, {}};
  curl_easy_setopt(curl.get(), CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, kMinute);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &take_body);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(curl.get(), CURLOPT_HEADERFUNCTION, &take_header);
  curl_easy_setopt(curl.get(), CURLOPT_HEADERDATA, &exchange);
  if (request.method != "GET") {
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, request.body.data());
  }
  curl_easy_perform(curl.get());
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  exchange.answer.status = static_cast<int>(status);
  return std::move(exchange.answer);
}

}  // namespace holdfast::test
