#include "api/http/server_state.h"

#include <sys/random.h>

#include "api/http/admission.h"
#include "controller/base/log.h"

namespace holdfast::http {

namespace {
void append_hex(std::string& out, std::uint32_t number) {
  for (int shift = 28; shift >= 0; shift -= 4) out += "0123456789abcdef"[(number >> shift) & 15];
}
}  // namespace

ServerState::ServerState(Options given_options, std::vector<Route> given_routes)
    : options(std::move(given_options)), routes(std::move(given_routes)) {
  std::uint32_t run = 0;
  if (::getrandom(&run, sizeof run, 0) != sizeof run) run = static_cast<std::uint32_t>(::getpid());
  append_hex(run_, run);
}

void ServerState::connection_closed() {
  if (open_.fetch_sub(1) != 1) return;
  const std::lock_guard lock(mutex_);
  closed_.notify_all();
}

bool ServerState::wait_until_closed(std::chrono::milliseconds grace) {
  std::unique_lock lock(mutex_);
  return closed_.wait_for(lock, grace, [&] { return open_.load() == 0; });
}

std::string ServerState::next_request_id() {
  std::string id = run_;
  id += '-';
  append_hex(id, next_id_.fetch_add(1, std::memory_order_relaxed) + 1);
  return id;
}

void ServerState::audit(const Request& request, const Response& response) const {
  if (!options.audit || is_safe(request.method)) return;
  try {
    options.audit(request, response);
  } catch (const std::exception& error) {
    log::error("the audit of a request failed", {{"request_id", request.id}, {"error", error.what()}});
  } catch (...) {
    log::error("the audit of a request failed", {{"request_id", request.id}});
  }
}

}  // namespace holdfast::http
