// The functions of libcurl that Holdfast calls; the library itself is loaded with the first call. It brings
// thirty other libraries, four megabytes of a controller's memory, which only http probes, scrapes and the
// command line need.
//
// Thread-safe, as far as libcurl is. Where the library can't be loaded, every call fails with an error code
// of libcurl's own.
#define CURL_DISABLE_TYPECHECK  // its macros would stand in the way of the definitions
#include <cstdarg>

#include <curl/curl.h>
#include <dlfcn.h>

#undef curl_easy_getinfo
#undef curl_easy_setopt
#undef curl_multi_setopt

namespace {

template <typename Function>
Function* find(Function* /*for its type*/, const char* name) {
  static void* const library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  return library ? reinterpret_cast<Function*>(dlsym(library, name)) : nullptr;
}

// The one argument behind an option or info is a pointer, or as wide as one.
static_assert(sizeof(curl_off_t) == sizeof(void*) && sizeof(long) == sizeof(void*));

}  // namespace

#pragma GCC diagnostic ignored "-Wvarargs"  // libcurl declares an enumeration as the last named parameter

// NOLINTBEGIN(bugprone-macro-parentheses,readability-inconsistent-declaration-parameter-name)
#define REAL(name) static auto* const real = find(&(name), #name)

extern "C" {

CURLcode curl_global_init(long flags) {
  REAL(curl_global_init);
  return real ? real(flags) : CURLE_FAILED_INIT;
}

CURL* curl_easy_init() {
  REAL(curl_easy_init);
  return real ? real() : nullptr;
}

void curl_easy_cleanup(CURL* easy) {
  REAL(curl_easy_cleanup);
  if (real) real(easy);
}

void curl_easy_reset(CURL* easy) {
  REAL(curl_easy_reset);
  if (real) real(easy);
}

CURLcode curl_easy_perform(CURL* easy) {
  REAL(curl_easy_perform);
  return real ? real(easy) : CURLE_FAILED_INIT;
}

const char* curl_easy_strerror(CURLcode code) {
  REAL(curl_easy_strerror);
  return real ? real(code) : "libcurl can't be loaded";
}

CURLcode curl_easy_setopt(CURL* easy, CURLoption option, ...) {
  REAL(curl_easy_setopt);
  va_list arguments;
  va_start(arguments, option);
  void* value = va_arg(arguments, void*);
  va_end(arguments);
  return real ? real(easy, option, value) : CURLE_FAILED_INIT;
}

CURLcode curl_easy_getinfo(CURL* easy, CURLINFO info, ...) {
  REAL(curl_easy_getinfo);
  va_list arguments;
  va_start(arguments, info);
  void* value = va_arg(arguments, void*);
  va_end(arguments);
  return real ? real(easy, info, value) : CURLE_FAILED_INIT;
}

CURLM* curl_multi_init() {
  REAL(curl_multi_init);
  return real ? real() : nullptr;
}

CURLMcode curl_multi_cleanup(CURLM* multi) {
  REAL(curl_multi_cleanup);
  return real ? real(multi) : CURLM_BAD_HANDLE;
}

CURLMcode curl_multi_setopt(CURLM* multi, CURLMoption option, ...) {
  REAL(curl_multi_setopt);
  va_list arguments;
  va_start(arguments, option);
  void* value = va_arg(arguments, void*);
  va_end(arguments);
  return real ? real(multi, option, value) : CURLM_BAD_HANDLE;
}

CURLMcode curl_multi_add_handle(CURLM* multi, CURL* easy) {
  REAL(curl_multi_add_handle);
  return real ? real(multi, easy) : CURLM_BAD_HANDLE;
}

CURLMcode curl_multi_remove_handle(CURLM* multi, CURL* easy) {
  REAL(curl_multi_remove_handle);
  return real ? real(multi, easy) : CURLM_BAD_HANDLE;
}

CURLMcode curl_multi_perform(CURLM* multi, int* running) {
  REAL(curl_multi_perform);
  return real ? real(multi, running) : CURLM_BAD_HANDLE;
}

CURLMcode curl_multi_poll(CURLM* multi, curl_waitfd* more, unsigned int count, int timeout_ms, int* ready) {
  REAL(curl_multi_poll);
  return real ? real(multi, more, count, timeout_ms, ready) : CURLM_BAD_HANDLE;
}

CURLMcode curl_multi_socket_action(CURLM* multi, curl_socket_t socket, int events, int* running) {
  REAL(curl_multi_socket_action);
  return real ? real(multi, socket, events, running) : CURLM_BAD_HANDLE;
}

CURLMsg* curl_multi_info_read(CURLM* multi, int* left) {
  REAL(curl_multi_info_read);
  return real ? real(multi, left) : nullptr;
}

curl_slist* curl_slist_append(curl_slist* list, const char* text) {
  REAL(curl_slist_append);
  return real ? real(list, text) : nullptr;
}

void curl_slist_free_all(curl_slist* list) {
  REAL(curl_slist_free_all);
  if (real) real(list);
}

}  // extern "C"

// NOLINTEND(bugprone-macro-parentheses,readability-inconsistent-declaration-parameter-name)
