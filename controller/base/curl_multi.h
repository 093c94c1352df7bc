// Transfers of libcurl's multi interface, driven by an event loop.
// Source: https://curl.se/libcurl/c/libcurl-multi.html, "multi_socket".
#pragma once

#include <functional>
#include <memory>

#include <curl/curl.h>

#include "controller/base/event_loop.h"

namespace holdfast {

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using CurlEasy = std::unique_ptr<CURL, EasyDeleter>;

// For the loop's thread only. Easy handles are borrowed: they have to live until they are done or removed.
// Nothing of it may be called from within a callback of an easy handle (libcurl forbids it), everything from
// within `done`, its destruction included.
class CurlMulti {
 public:
  using Done = std::function<void(CURLcode)>;

  // Keeps at most that many idle connections for later transfers.
  CurlMulti(EventLoop& loop, long idle_connections);
  ~CurlMulti();  // close()
  CurlMulti(const CurlMulti&) = delete;
  CurlMulti& operator=(const CurlMulti&) = delete;

  // Begins a transfer, which tells `done` once, never from within add(). By then the handle is removed.
  void add(CURL* easy, Done done);
  void remove(CURL* easy);  // ends it without a word; nothing happens if it is done
  void close();             // removes all; nothing can be added any more

 private:
  class Core;
  std::shared_ptr<Core> core_;  // the loop's callbacks may be queued when this is destroyed
};

}  // namespace holdfast
