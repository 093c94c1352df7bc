#include "controller/health/prober.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

#include "controller/health/http_check.h"
#include "controller/health/probe_book.h"
#include "controller/health/tcp_check.h"
#include "controller/health/worker_pool.h"

namespace holdfast::health {

namespace {

constexpr size_t kChecksPerRound = 16;  // others get the loop in between
constexpr size_t kSockets = 200;        // checks with one of their own under way
constexpr size_t kThreads = 4;

bool needs_socket(const ProbeRunPtr& run) {
  return !std::holds_alternative<ExecProbe>(run->probe.check);
}

CheckResult run_exec(const ExecFunction& exec, const ProbeRun& run) {
  const auto& argv = std::get<ExecProbe>(run.probe.check).command;
  const std::string what = "exec " + (argv.empty() ? std::string() : argv.front()) + ": ";
  if (!exec) return {Verdict::kUnknown, what + "this runtime can't run commands"};
  const auto code = exec(*run.spec, run.id, argv, run.probe.timeout);
  if (!code && code.error().code == ErrorCode::kTimeout) return {Verdict::kFail, what + "no answer in time"};
  if (!code) return {Verdict::kUnknown, what + code.error().message};
  if (*code == 0) return {Verdict::kPass, {}};
  return {Verdict::kFail, what + "exit code " + std::to_string(*code)};
}

}  // namespace

class LoopProber final : public Prober {
 public:
  LoopProber(EventLoop& loop, const Clock& clock, ExecFunction exec)
      : loop_(loop), clock_(clock), exec_(std::move(exec)), pool_(kThreads), http_(loop), tcp_(loop, pool_) {}
  ~LoopProber() override;

  void track(const SpecPtr& spec, const std::vector<ObservedInstance>& instances) override;
  void forget(const std::string& service) override;
  void heartbeat(const std::string& service) override;
  [[nodiscard]] HealthView view(const std::string& service) const override;
  [[nodiscard]] std::optional<WallTime> last_heartbeat(const std::string& service) const override;
  void on_change(std::function<void(const std::string&)> sink) override { sink_ = std::move(sink); }

 private:
  void arm();  // with mutex_ held
  void round();
  void start(const ProbeRunPtr& run);
  void finish(const ProbeRunPtr& run, const CheckResult& result);

  EventLoop& loop_;
  const Clock& clock_;
  const ExecFunction exec_;
  std::function<void(const std::string&)> sink_;

  mutable std::mutex mutex_;
  ProbeBook book_;
  size_t sockets_ = 0;
  std::optional<EventLoop::TimerId> timer_;
  MonoTime timer_due_;

  WorkerPool pool_;
  HttpChecks http_;  // on the loop's thread only, as tcp_
  TcpChecks tcp_;
};

std::unique_ptr<Prober> Prober::create(EventLoop& loop, const Clock& clock, ExecFunction exec) {
  return std::make_unique<LoopProber>(loop, clock, std::move(exec));
}

LoopProber::~LoopProber() {
  pool_.stop();
  const std::lock_guard lock(mutex_);
  if (timer_) loop_.cancel(*timer_);
}

// One timer for all probes, at the earliest due time; none while no more sockets may be used.
void LoopProber::arm() {
  const auto due = book_.next_due();
  if (!due || sockets_ >= kSockets) return;
  if (timer_ && timer_due_ <= *due) return;
  if (timer_) loop_.cancel(*timer_);
  timer_due_ = *due;
  timer_ = loop_.after(std::max(*due - clock_.now(), Duration::zero()), [this] { round(); });
}

void LoopProber::round() {
  ProbeBook::Due due;
  {
    const std::lock_guard lock(mutex_);
    timer_.reset();
    due = book_.due(clock_.now(), std::min(kChecksPerRound, kSockets - sockets_));
    sockets_ += static_cast<size_t>(std::ranges::count_if(due.checks, needs_socket));
    arm();
  }
  for (const auto& run : due.checks) start(run);
  if (!sink_) return;
  for (const auto& service : due.changed) sink_(service);
}

void LoopProber::start(const ProbeRunPtr& run) {
  const auto done = [this, run](const CheckResult& result) { finish(run, result); };
  const auto& check = run->probe.check;
  if (const auto* http = std::get_if<HttpProbe>(&check))
    http_.start(*http, run->probe.timeout, done);
  else if (const auto* tcp = std::get_if<TcpProbe>(&check))
    tcp_.start(*tcp, run->probe.timeout, done);
  else
    pool_.submit([this, run] { finish(run, run_exec(exec_, *run)); });
}

void LoopProber::finish(const ProbeRunPtr& run, const CheckResult& result) {
  bool changed = false;
  {
    const std::lock_guard lock(mutex_);
    if (needs_socket(run)) --sockets_;
    changed = book_.finish(run, result, clock_.now());
    arm();
  }
  if (changed && sink_) sink_(run->id.service);
}

void LoopProber::track(const SpecPtr& spec, const std::vector<ObservedInstance>& instances) {
  const std::lock_guard lock(mutex_);
  book_.track(spec, instances, clock_.now());
  arm();
}

void LoopProber::forget(const std::string& service) {
  const std::lock_guard lock(mutex_);
  book_.forget(service);
}

void LoopProber::heartbeat(const std::string& service) {
  bool changed = false;
  {
    const std::lock_guard lock(mutex_);
    changed = book_.heartbeat(service, clock_.now(), clock_.wall());
    arm();
  }
  if (changed && sink_) sink_(service);
}

HealthView LoopProber::view(const std::string& service) const {
  const std::lock_guard lock(mutex_);
  return book_.view(service);
}

std::optional<WallTime> LoopProber::last_heartbeat(const std::string& service) const {
  const std::lock_guard lock(mutex_);
  return book_.last_heartbeat(service);
}

}  // namespace holdfast::health
