#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <curl/curl.h>

#include "controller/telemetry/exposition.h"
#include "controller/telemetry/sources.h"

namespace holdfast::telemetry {

namespace {

constexpr size_t kMaxPage = 8 << 20;

struct Page {
  ExpositionParser parser;
  size_t received = 0;
};

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

size_t take_body(char* data, size_t size, size_t count, void* user) {
  auto* page = static_cast<Page*>(user);
  page->received += size * count;
  if (page->received > kMaxPage) return 0;
  page->parser.feed({data, size * count});
  return size * count;
}

std::string url_of(const PrometheusCollector& source) {
  const bool v6 = source.host.find(':') != std::string::npos;
  std::string url =
      "http://" + (v6 ? "[" + source.host + "]" : source.host) + ":" + std::to_string(source.port);
  if (!source.path.starts_with('/')) url += '/';
  return url + source.path;
}

void set_options(CURL* easy, const std::string& url, const curl_slist* headers, Page& page,
                 Duration deadline) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(deadline).count();
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, std::max<long>(1, ms));
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "holdfast");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &page);
}

}  // namespace

Result<Values> scrape(const PrometheusCollector& source, Duration deadline) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::unique_ptr<CURL, EasyDeleter> easy(initialised == CURLE_OK ? curl_easy_init() : nullptr);
  if (!easy) return fail(ErrorCode::kInternal, "libcurl can't be used");
  const std::unique_ptr<curl_slist, ListDeleter> headers(
      curl_slist_append(nullptr, "Accept: text/plain;version=0.0.4"));
  const auto url = url_of(source);
  Page page{ExpositionParser(source.include)};
  set_options(easy.get(), url, headers.get(), page, deadline);
  const CURLcode code = curl_easy_perform(easy.get());
  const std::string what = "GET " + url + ": ";
  if (page.received > kMaxPage) return fail(ErrorCode::kInvalid, what + "the page is larger than 8 MiB");
  if (code == CURLE_OPERATION_TIMEDOUT) return fail(ErrorCode::kTimeout, what + "no answer in time");
  if (code != CURLE_OK) return fail(ErrorCode::kUnavailable, what + curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) return fail(ErrorCode::kUnavailable, what + "status " + std::to_string(status));
  auto values = page.parser.finish();
  if (!values) return fail(ErrorCode::kInvalid, what + values.error().message);
  return values;
}

}  // namespace holdfast::telemetry
