#include "api/http/worker.h"

#include <exception>

#include <sys/timerfd.h>

#include "controller/base/log.h"

namespace holdfast::http {

namespace {

using Pistache::Polling::NotifyOn;
using Pistache::Polling::Tag;

constexpr std::uint64_t kInboxTag = 1;
constexpr std::uint64_t kTimerTag = 2;
constexpr ConnectionId kFirstConnection = 16;

NotifyOn interest_of(const Connection& connection) {
  auto interest = connection.wants_read() ? NotifyOn::Read : NotifyOn::None;
  if (connection.wants_write()) interest = interest | NotifyOn::Write;
  return interest;
}

}  // namespace

Worker::Worker(std::shared_ptr<ServerState> state)
    : state_(std::move(state)),
      inbox_(std::make_shared<Inbox>()),
      services_(std::make_unique<WorkerServices>(state_, inbox_)),
      timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)),
      next_id_(kFirstConnection) {
  if (!timer_) throw std::runtime_error("out of file descriptors");
}

Worker::~Worker() {
  inbox_->close();
}

std::shared_ptr<Pistache::Aio::Handler> Worker::clone() const {
  return std::make_shared<Worker>(state_);
}

void Worker::registerPoller(Pistache::Polling::Epoll& poller) {
  poller.addFd(inbox_->fd(), Pistache::Flags<NotifyOn>(NotifyOn::Read), Tag(kInboxTag));
  poller.addFd(timer_.get(), Pistache::Flags<NotifyOn>(NotifyOn::Read), Tag(kTimerTag));
}

// An exception that left this would end the process.
void Worker::onReady(const Pistache::Aio::FdSet& fds) {
  for (const auto& event : fds) {
    try {
      on_event(event);
    } catch (const std::exception& error) {
      log::error("a connection failed", {{"error", error.what()}});
      remove(event.getTag().value());
    } catch (...) {
      log::error("a connection failed");
      remove(event.getTag().value());
    }
  }
  arm_timer();
}

void Worker::on_event(const Pistache::Aio::FdSet::Entry& event) {
  const auto tag = event.getTag().value();
  if (tag == kInboxTag) return on_messages();
  if (tag == kTimerTag) return run_deadlines();
  // The reactor doesn't report EPOLLERR: neither readable nor writable means broken, and no set of interests
  // would silence it.
  if (event.isHangup() || (!event.isReadable() && !event.isWritable())) return remove(tag);
  with_connection(tag, [](Connection& connection) { connection.on_ready(); });
}

void Worker::on_messages() {
  for (auto& message : inbox_->take()) {
    try {
      on_message(std::move(message));
    } catch (const std::exception& error) {
      log::error("a connection failed", {{"error", error.what()}});
    }
  }
}

void Worker::on_message(Message message) {
  if (auto* accepted = std::get_if<NewConnection>(&message)) {
    adopt(std::move(*accepted));
  } else if (auto* late = std::get_if<LateAnswer>(&message)) {
    if (std::exchange(late->exchange->answered, true)) return;
    state_->audit(late->exchange->request, late->response);  // also if the client has left: it was done
    with_connection(late->connection, [&](Connection& connection) { connection.answer(std::move(*late)); });
  } else if (auto* active = std::get_if<StreamActive>(&message)) {
    with_connection(active->connection, [](Connection& connection) { connection.on_stream_active(); });
  } else {
    drain_all();
  }
}

void Worker::adopt(NewConnection accepted) {
  const auto id = next_id_++;
  auto connection = std::make_unique<Connection>(id, std::move(accepted), *services_);
  reactor()->registerFd(key(), connection->fd(), NotifyOn::Read, Tag(id));
  const auto due = connection->deadline();
  deadlines_.add(due, id);
  auto& slot = connections_[id] = Slot{std::move(connection), due, NotifyOn::Read};
  if (!state_->draining.load()) return;
  slot.connection->drain();
  settle(id, slot);
}

void Worker::drain_all() {
  std::vector<ConnectionId> ids;
  for (const auto& [id, slot] : connections_) ids.push_back(id);
  for (const auto id : ids) {
    with_connection(id, [](Connection& connection) { connection.drain(); });
  }
}

template <typename Action>
void Worker::with_connection(ConnectionId id, Action action) {
  const auto it = connections_.find(id);
  if (it == connections_.end()) return;  // gone: ids are not used again
  try {
    action(*it->second.connection);
  } catch (...) {
    remove(id);
    throw;
  }
  settle(id, it->second);
}

void Worker::settle(ConnectionId id, Slot& slot) {
  const auto& connection = *slot.connection;
  if (connection.dead()) return remove(id);
  if (const auto interest = interest_of(connection); interest != slot.armed) {
    reactor()->modifyFd(key(), connection.fd(), interest, Tag(id));
    slot.armed = interest;
  }
  if (connection.deadline() < slot.scheduled) {
    deadlines_.remove(slot.scheduled, id);
    slot.scheduled = connection.deadline();
    deadlines_.add(slot.scheduled, id);
  }
}

void Worker::remove(ConnectionId id) {
  auto node = connections_.extract(id);
  if (node.empty()) return;
  deadlines_.remove(node.mapped().scheduled, id);
  // Explicitly: closing is not enough while a child process still has a copy of the socket.
  reactor()->removeFd(key(), node.mapped().connection->fd());
}

void Worker::run_deadlines() {
  std::uint64_t expirations = 0;
  [[maybe_unused]] const auto ignored = ::read(timer_.get(), &expirations, sizeof expirations);
  timer_due_.reset();
  const auto now = services_->clock.now();
  while (const auto id = deadlines_.take_due(now)) {
    const auto it = connections_.find(*id);
    if (it == connections_.end()) continue;
    auto& connection = *it->second.connection;
    const bool due = connection.deadline() <= now;
    it->second.scheduled = due ? MonoTime::max() : connection.deadline();
    deadlines_.add(it->second.scheduled, *id);
    if (due) with_connection(*id, [](Connection& late) { late.on_deadline(); });
  }
}

// The timer runs only while there is a connection: an idle server doesn't wake up.
void Worker::arm_timer() {
  const auto due = deadlines_.earliest();
  if (!due || *due == MonoTime::max() || (timer_due_ && *timer_due_ <= *due)) return;
  const auto since_boot = due->time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_boot);
  itimerspec spec{};
  spec.it_value.tv_sec = seconds.count();
  spec.it_value.tv_nsec = (since_boot - seconds).count();
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
  timer_due_ = due;
}

}  // namespace holdfast::http
