#include "api/v1/stream.h"

#include <array>
#include <charconv>
#include <set>
#include <string_view>
#include <utility>

#include "api/v1/request.h"
#include "api/v1/serialize.h"
#include "controller/base/json.h"

namespace holdfast::api {
namespace {

std::string frame(const std::string& id, std::string_view event, const Json& data) {
  std::string text;
  if (!id.empty()) text += "id: " + id + "\n";
  text += "event: ";
  text += event;
  text += "\ndata: " + dump_json(data) + "\n\n";  // dump_json writes one line
  return text;
}

}  // namespace

// A live update goes to every stream in the same words, so they are made once. Asks the control plane
// nothing: it may hold its own lock while it publishes.
class StreamFrames {
 public:
  StreamFrames(const Clock& clock, std::string epoch) : clock_(clock), epoch_(std::move(epoch)) {}

  [[nodiscard]] std::string id(std::uint64_t sequence) const {
    return epoch_ + "." + std::to_string(sequence);
  }

  [[nodiscard]] std::string of(const Update& update, bool with_id) const {
    const std::string name = with_id ? id(update.sequence) : std::string();
    if (update.kind == "service" && update.status)
      return frame(name, update.kind, to_json(*update.status, clock_.now()));
    if (update.kind == "event" && update.event) return frame(name, update.kind, to_json(*update.event));
    if (update.kind == "config") return frame(name, update.kind, Json::object());
    return frame(name, update.kind, Json::object({{"name", update.service}}));
  }

  // For a live update: sequences are unique, so the newest frame serves every stream that asks for it.
  std::string live(const Update& update) {
    {
      const std::scoped_lock lock(mutex_);
      if (newest_sequence_ == update.sequence) return newest_;
    }
    std::string text = of(update, true);
    const std::scoped_lock lock(mutex_);
    newest_sequence_ = update.sequence;
    newest_ = text;
    return text;
  }

 private:
  const Clock& clock_;
  const std::string epoch_;
  std::mutex mutex_;
  std::uint64_t newest_sequence_ = 0;
  std::string newest_;
};

namespace {

// One client. Updates come in order, but the first live ones may arrive while the snapshot is still being
// told.
class Client {
 public:
  Client(std::shared_ptr<http::EventStream> stream, std::shared_ptr<StreamFrames> frames, StreamFilter filter,
         bool snapshot)
      : stream_(std::move(stream)),
        frames_(std::move(frames)),
        filter_(std::move(filter)),
        snapshot_(snapshot) {}

  void tell(const Update& update) {
    const std::scoped_lock lock(mutex_);
    if (snapshot_ && in_snapshot(update)) {
      sequence_ = update.sequence;
      if (!wanted(update)) return;
      names_.insert(update.service);
      // Without an id: who leaves in the middle of a snapshot has to begin anew.
      stream_->send(frames_->of(update, false));
      return;
    }
    finish_snapshot();
    if (wanted(update)) stream_->send(frames_->live(update));
  }

  void end_snapshot() {
    const std::scoped_lock lock(mutex_);
    finish_snapshot();
  }

 private:
  [[nodiscard]] bool in_snapshot(const Update& update) const {
    return update.kind == "service" && (!sequence_ || *sequence_ == update.sequence);
  }
  [[nodiscard]] bool wanted(const Update& update) const {
    if (update.kind == "event" || update.kind == "config")
      if (!filter_.events) return false;
    return !filter_.service || update.kind == "config" || update.service == *filter_.service;
  }
  void finish_snapshot() {
    if (!snapshot_) return;
    snapshot_ = false;
    Json::Array names(names_.begin(), names_.end());
    names_.clear();
    stream_->send(frame(sequence_ ? frames_->id(*sequence_) : std::string(), "snapshot-end",
                        Json::object({{"services", std::move(names)}})));
  }

  std::mutex mutex_;
  const std::shared_ptr<http::EventStream> stream_;
  const std::shared_ptr<StreamFrames> frames_;
  const StreamFilter filter_;
  bool snapshot_;
  std::optional<std::uint64_t> sequence_;  // of the snapshot
  std::set<std::string> names_;
};

}  // namespace

Streams::Streams(ControlPlane& plane, const Clock& clock) : plane_(plane) {
  std::array<char, 17> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(),
                                          static_cast<std::uint64_t>(to_unix_ms(clock.wall())), 16);
  epoch_.assign(text.data(), end);
  frames_ = std::make_shared<StreamFrames>(clock, epoch_);
}

std::uint64_t Streams::resume_point(const http::Request& request) const {
  auto text = request.header("last-event-id");
  if (!text) text = request.query_value("since");
  if (!text || !text->starts_with(epoch_ + ".")) return 0;
  const char* begin = text->data() + epoch_.size() + 1;
  const char* const end = text->data() + text->size();
  std::uint64_t sequence = 0;
  const auto [stop, error] = std::from_chars(begin, end, sequence);
  return error == std::errc{} && stop == end ? sequence : 0;
}

std::function<void()> Streams::open(const http::Request& request,
                                    const std::shared_ptr<http::EventStream>& stream,
                                    const StreamFilter& filter) {
  const auto subscribe = [&](std::uint64_t after) {
    auto client = std::make_shared<Client>(stream, frames_, filter, after == 0);
    const auto id = plane_.subscribe(after, [client](const Update& update) { client->tell(update); });
    if (id && after == 0) client->end_snapshot();
    return id;
  };
  stream->send("retry: 2000\n\n");
  const std::uint64_t after = resume_point(request);
  auto subscription = after > 0 ? subscribe(after) : std::nullopt;
  if (!subscription) subscription = subscribe(0);
  if (!subscription) {  // the control plane is shutting down
    stream->close();
    return [] {};
  }
  return [&plane = plane_, id = *subscription] { plane.unsubscribe(id); };
}

}  // namespace holdfast::api
