#include "api/http/server.h"

#include <csignal>
#include <exception>

#include <pistache/reactor.h>

#include "api/http/acceptor.h"
#include "api/http/listener.h"
#include "api/http/router.h"
#include "api/http/server_state.h"
#include "api/http/tls.h"
#include "api/http/worker.h"

namespace holdfast::http {

namespace {

// While it lives, threads started here begin with all signals blocked: signals are the program's business.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_{};
};

class PistacheServer final : public Server {
 public:
  PistacheServer(Options options, std::vector<Route> routes, Listener listener,
                 std::unique_ptr<TlsSource> tls)
      : state_(std::make_shared<ServerState>(std::move(options), std::move(routes))),
        reactor_(Pistache::Aio::Reactor::create()) {
    reactor_->init(Pistache::Aio::AsyncContext(std::max(1u, state_->options.threads), "http"));
    const auto key = reactor_->addHandler(std::make_shared<Worker>(state_));
    std::vector<std::shared_ptr<Inbox>> inboxes;
    for (const auto& handler : reactor_->handlers(key)) {
      workers_.push_back(std::static_pointer_cast<Worker>(handler));
      inboxes.push_back(workers_.back()->inbox());
    }
    const BlockedSignals blocked;
    reactor_->run();
    try {
      acceptor_ = std::make_unique<Acceptor>(state_, std::move(listener), std::move(tls), std::move(inboxes));
    } catch (...) {
      reactor_->shutdown();
      throw;
    }
  }

  ~PistacheServer() override { stop(std::chrono::milliseconds{0}); }
  PistacheServer(const PistacheServer&) = delete;
  PistacheServer& operator=(const PistacheServer&) = delete;

  [[nodiscard]] std::string address() const override { return acceptor_->address(); }

  void stop(std::chrono::milliseconds grace) override {
    const std::lock_guard lock(stopping_);
    if (!reactor_) return;
    state_->draining = true;
    acceptor_->stop();
    for (const auto& worker : workers_) worker->inbox()->post(Drain{});
    state_->wait_until_closed(grace);
    reactor_->shutdown();
    workers_.clear();
    reactor_.reset();
  }

  [[nodiscard]] Stats stats() const override {
    return {.requests = state_->requests.load(),
            .connections_open = state_->open(),
            .connections_accepted = state_->accepted.load(),
            .connections_refused = state_->refused.load(),
            .streams_open = state_->streams.load()};
  }

 private:
  std::mutex stopping_;
  std::shared_ptr<ServerState> state_;
  std::shared_ptr<Pistache::Aio::Reactor> reactor_;
  std::vector<std::shared_ptr<Worker>> workers_;
  std::unique_ptr<Acceptor> acceptor_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(Options options, std::vector<Route> routes) {
  if (auto checked = check_routes(routes); !checked) return fail(checked.error());
  std::unique_ptr<TlsSource> tls;
  if (options.tls) {
    auto source = TlsSource::open(*options.tls);
    if (!source) return fail(source.error());
    tls = std::move(*source);
  }
  auto listener = Listener::open(options.listen);
  if (!listener) return fail(listener.error());
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets that the peer has closed
  try {
    return std::make_unique<PistacheServer>(std::move(options), std::move(routes), std::move(*listener),
                                            std::move(tls));
  } catch (const std::exception& error) {
    return fail(ErrorCode::kUnavailable, std::string("cannot start the HTTP server: ") + error.what(),
                "raise the limit of open files (ulimit -n)");
  }
}

}  // namespace holdfast::http
