#include "runtimes/http/transport.h"

#include <condition_variable>
#include <exception>
#include <thread>
#include <unordered_map>
#include <utility>

#include "controller/base/curl_multi.h"
#include "controller/base/event_loop.h"
#include "runtimes/http/transfer.h"

namespace holdfast::http_client {

namespace {

using TransferPtr = std::shared_ptr<Transfer>;

}  // namespace

// The thread and what lives on it.
class Transport::Core {
 public:
  explicit Core(long idle_connections)
      : idle_connections_(idle_connections), thread_([this] { loop_.run(); }), thread_id_(thread_.get_id()) {}

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

  const long idle_connections_;
  EventLoop loop_;
  std::unordered_map<Transfer*, TransferPtr> live_;
  std::unique_ptr<CurlMulti> multi_;
  std::thread thread_;
  const std::thread::id thread_id_;  // also once it is joined
};

void Transport::Core::start(const TransferPtr& transfer) {
  if (!multi_) multi_ = std::make_unique<CurlMulti>(loop_, idle_connections_);
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
    stalled->finish({.kind = Fault::Kind::kTimeout, .after = stalled->request().stall});
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
    for (const auto& [raw, transfer] : open) transfer->finish({.kind = Fault::Kind::kClosed});
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

Transport::Transport(Endpoint endpoint, Words words, Duration connect_timeout, long idle_connections)
    : words_(std::move(words)),
      connect_timeout_(connect_timeout),
      idle_connections_(idle_connections),
      endpoint_(std::make_shared<const Endpoint>(std::move(endpoint))) {}

Transport::~Transport() {
  if (core_) core_->close();
}

void Transport::use(Endpoint endpoint) {
  auto next = std::make_shared<const Endpoint>(std::move(endpoint));
  const std::lock_guard lock(mutex_);
  endpoint_ = std::move(next);
}

std::shared_ptr<Transport::Core> Transport::core() {
  const std::lock_guard lock(mutex_);
  try {
    if (!core_) core_ = std::make_shared<Core>(idle_connections_);
    return core_;
  } catch (const std::exception&) {
    return nullptr;  // out of descriptors, memory or threads
  }
}

std::unique_ptr<Stream> Transport::open(Request request, StreamHandlers handlers) {
  auto shared = core();
  if (!shared) {
    if (handlers.on_end)
      handlers.on_end(fail(words_({.kind = Fault::Kind::kNoThread, .what = request.what})));
    return nullptr;
  }
  std::shared_ptr<const Endpoint> endpoint;
  {
    const std::lock_guard lock(mutex_);
    endpoint = endpoint_;
  }
  auto transfer = std::make_shared<Transfer>(std::move(endpoint), words_, connect_timeout_,
                                             std::move(request), std::move(handlers));
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
  if (!running) return fail(words_({.kind = Fault::Kind::kNoThread, .what = request.what}));
  if (running->on_own_thread()) return fail(words_({.kind = Fault::Kind::kMisuse, .what = request.what}));
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
    return fail(words_({.kind = Fault::Kind::kStopped, .what = what}));
  return std::move(*answer->result);
}

}  // namespace holdfast::http_client
