#include "runtimes/docker/engine/transport.h"

#include <condition_variable>
#include <exception>
#include <thread>
#include <unordered_map>
#include <utility>

#include "controller/base/curl_multi.h"
#include "controller/base/event_loop.h"
#include "runtimes/docker/engine/failure.h"
#include "runtimes/docker/engine/transfer.h"

namespace holdfast::docker {

namespace {

constexpr long kIdleConnections = 8;

using TransferPtr = std::shared_ptr<Transfer>;

Error no_thread(const std::string& what) {
  return {
      ErrorCode::kUnavailable, what + ": this machine has no descriptors or threads left to ask Docker", {}};
}

}  // namespace

// The thread and what lives on it.
class Transport::Core {
 public:
  Core() : thread_([this] { loop_.run(); }), thread_id_(thread_.get_id()) {}

  void begin(TransferPtr transfer) {
    loop_.post([this, transfer = std::move(transfer)] { start(transfer); });
  }
  void drop(TransferPtr transfer) {
    loop_.post([this, transfer = std::move(transfer)] { forget(transfer); });
  }
  [[nodiscard]] bool on_own_thread() const { return std::this_thread::get_id() == thread_id_; }
  void close();

 private:
  void start(const TransferPtr& transfer);
  void finish(const TransferPtr& transfer, CURLcode code);
  void watch_stall(const TransferPtr& transfer);
  bool forget(const TransferPtr& transfer);

  EventLoop loop_;
  std::unordered_map<Transfer*, TransferPtr> live_;
  std::unique_ptr<CurlMulti> multi_;
  std::thread thread_;
  const std::thread::id thread_id_;  // also once it is joined
};

void Transport::Core::start(const TransferPtr& transfer) {
  if (!multi_) multi_ = std::make_unique<CurlMulti>(loop_, kIdleConnections);
  live_[transfer.get()] = transfer;
  if (!transfer->easy()) return finish(transfer, CURLE_FAILED_INIT);
  if (transfer->request().stall > Duration::zero()) {
    // The transfer owns the callback: a pointer to it suffices.
    transfer->on_progress([this, raw = transfer.get()] {
      if (const auto found = live_.find(raw); found != live_.end()) watch_stall(found->second);
    });
    watch_stall(transfer);
  }
  multi_->add(transfer->easy(), [this, raw = transfer.get()](CURLcode code) {
    if (const auto found = live_.find(raw); found != live_.end()) finish(TransferPtr(found->second), code);
  });
}

void Transport::Core::watch_stall(const TransferPtr& transfer) {
  if (transfer->stall_timer) loop_.cancel(*transfer->stall_timer);
  transfer->stall_timer = loop_.after(transfer->request().stall, [this, raw = transfer.get()] {
    const auto found = live_.find(raw);
    if (found == live_.end()) return;
    const TransferPtr stalled = found->second;
    stalled->stall_timer.reset();
    forget(stalled);
    stalled->finish(timed_out(stalled->request().what, stalled->request().stall));
  });
}

bool Transport::Core::forget(const TransferPtr& transfer) {
  if (live_.erase(transfer.get()) == 0) return false;
  if (transfer->stall_timer) loop_.cancel(*transfer->stall_timer);
  transfer->stall_timer.reset();
  if (transfer->easy()) multi_->remove(transfer->easy());
  return true;
}

void Transport::Core::finish(const TransferPtr& transfer, CURLcode code) {
  if (forget(transfer)) transfer->finish(code);
}

void Transport::Core::close() {
  loop_.post([this] {
    const auto open = std::exchange(live_, {});
    for (const auto& [raw, transfer] : open) {
      if (transfer->easy()) multi_->remove(transfer->easy());
    }
    for (const auto& [raw, transfer] : open)
      transfer->finish(
          {ErrorCode::kUnavailable, transfer->request().what + ": the client is being closed", {}});
    multi_.reset();
    loop_.stop();
  });
  thread_.join();
}

class Transport::OpenStream final : public Stream {
 public:
  OpenStream(std::shared_ptr<Core> core, TransferPtr transfer)
      : core_(std::move(core)), transfer_(std::move(transfer)) {}
  ~OpenStream() override {
    if (core_->on_own_thread())
      transfer_->cancel_from_within();
    else
      transfer_->cancel();
    if (!transfer_->over()) core_->drop(std::move(transfer_));
  }
  OpenStream(const OpenStream&) = delete;
  OpenStream& operator=(const OpenStream&) = delete;

 private:
  std::shared_ptr<Core> core_;
  TransferPtr transfer_;
};

Transport::Transport(Endpoint endpoint, Duration connect_timeout)
    : endpoint_(std::move(endpoint)), connect_timeout_(connect_timeout) {}

Transport::~Transport() {
  if (core_) core_->close();
}

std::shared_ptr<Transport::Core> Transport::core() {
  const std::lock_guard lock(mutex_);
  try {
    if (!core_) core_ = std::make_shared<Core>();
    return core_;
  } catch (const std::exception&) {
    return nullptr;  // out of descriptors, memory or threads
  }
}

std::unique_ptr<Stream> Transport::open(Request request, StreamHandlers handlers) {
  auto shared = core();
  if (!shared) {
    if (handlers.on_end) handlers.on_end(fail(no_thread(request.what)));
    return nullptr;
  }
  auto transfer =
      std::make_shared<Transfer>(endpoint_, connect_timeout_, std::move(request), std::move(handlers));
  shared->begin(transfer);
  return std::make_unique<OpenStream>(std::move(shared), std::move(transfer));
}

Result<Response> Transport::call(Request request, std::function<bool(std::string_view)> sink,
                                 const std::stop_token& stop) {
  struct Answer {
    std::mutex mutex;
    std::condition_variable_any there;
    std::optional<Result<Response>> result;
  };
  const auto running = core();
  if (!running) return fail(no_thread(request.what));
  if (running->on_own_thread())
    return fail(ErrorCode::kInternal, request.what + ": asked for from within a callback of the client's");
  const auto what = request.what;
  const auto answer = std::make_shared<Answer>();
  const auto stream =
      open(std::move(request), {.on_data = std::move(sink), .on_end = [answer](Result<Response> result) {
                                  const std::lock_guard lock(answer->mutex);
                                  answer->result = std::move(result);
                                  answer->there.notify_one();
                                }});
  std::unique_lock lock(answer->mutex);
  if (!answer->there.wait(lock, stop, [&] { return answer->result.has_value(); }))
    return fail(ErrorCode::kUnavailable, what + ": stopped");
  return std::move(*answer->result);
}

}  // namespace holdfast::docker
