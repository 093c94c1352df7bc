// The functions of libcurl that Holdfast calls; the library itself is loaded with the first call. It brings
// thirty other libraries, four megabytes of a controller's memory, which only http probes, scrapes and the
// command line need.
//
// Thread-safe, as far as libcurl is. Where the library can't be loaded, every call fails with libcurl's own
// error codes.
#define CURL_DISABLE_TYPECHECK
#include <cstdarg>

#include <curl/curl.h>
#include <dlfcn.h>

#undef curl_easy_getinfo
#undef curl_easy_setopt
#undef curl_multi_setopt

namespace {

template <typename Function>
Function* find(Function* /*of the type*/, const char* name) {
  static void* const library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  return library ? reinterpret_cast<Function*>(dlsym(library, name)) : nullptr;
}

}  // namespace

#define FORWARD(type, name, parameters, arguments, otherwise) \
  type name parameters {                                      \
    static auto* const real = find(&name, #name);             \
    return real ? real arguments : otherwise;                 \
  }
#define FORWARD_VOID(name, parameters, arguments) \
  void name parameters {                          \
    static auto* const real = find(&name, #name); \
    if (real) real arguments;                     \
  }
// The one argument behind an option or info is a pointer or as wide as one.
#define FORWARD_OPTION(type, name, handle, option_type, otherwise) \
  type name(handle* of, option_type option, ...) {                 \
    static auto* const real = find(&name, #name);                  \
    va_list list;                                                  \
    va_start(list, option);                                        \
    void* value = va_arg(list, void*);                             \
    va_end(list);                                                  \
    return real ? real(of, option, value) : otherwise;             \
  }
static_assert(sizeof(curl_off_t) == sizeof(void*) && sizeof(long) == sizeof(void*));

extern "C" {

FORWARD(CURLcode, curl_global_init, (long flags), (flags), CURLE_FAILED_INIT)
FORWARD(CURL*, curl_easy_init, (), (), nullptr)
FORWARD_VOID(curl_easy_cleanup, (CURL * easy), (easy))
FORWARD_VOID(curl_easy_reset, (CURL * easy), (easy))
FORWARD(CURLcode, curl_easy_perform, (CURL * easy), (easy), CURLE_FAILED_INIT)
FORWARD(const char*, curl_easy_strerror, (CURLcode code), (code), "libcurl can't be loaded")
FORWARD_OPTION(CURLcode, curl_easy_setopt, CURL, CURLoption, CURLE_FAILED_INIT)
FORWARD_OPTION(CURLcode, curl_easy_getinfo, CURL, CURLINFO, CURLE_FAILED_INIT)

FORWARD(CURLM*, curl_multi_init, (), (), nullptr)
FORWARD(CURLMcode, curl_multi_cleanup, (CURLM * multi), (multi), CURLM_BAD_HANDLE)
FORWARD(CURLMcode, curl_multi_add_handle, (CURLM * multi, CURL* easy), (multi, easy), CURLM_BAD_HANDLE)
FORWARD(CURLMcode, curl_multi_remove_handle, (CURLM * multi, CURL* easy), (multi, easy), CURLM_BAD_HANDLE)
FORWARD(CURLMsg*, curl_multi_info_read, (CURLM * multi, int* left), (multi, left), nullptr)
FORWARD(CURLMcode, curl_multi_perform, (CURLM * multi, int* running), (multi, running), CURLM_BAD_HANDLE)
FORWARD(CURLMcode, curl_multi_poll,
        (CURLM * multi, curl_waitfd* more, unsigned count, int timeout_ms, int* ready),
        (multi, more, count, timeout_ms, ready), CURLM_BAD_HANDLE)
FORWARD(CURLMcode, curl_multi_socket_action, (CURLM * multi, curl_socket_t socket, int events, int* running),
        (multi, socket, events, running), CURLM_BAD_HANDLE)
FORWARD_OPTION(CURLMcode, curl_multi_setopt, CURLM, CURLMoption, CURLM_BAD_HANDLE)

FORWARD(curl_slist*, curl_slist_append, (curl_slist * list, const char* text), (list, text), nullptr)
FORWARD_VOID(curl_slist_free_all, (curl_slist * list), (list))

}  // extern "C"
