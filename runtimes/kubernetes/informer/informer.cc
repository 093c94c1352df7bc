#include "runtimes/kubernetes/informer/informer.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <stop_token>
#include <thread>
#include <utility>

#include <malloc.h>

#include "runtimes/kubernetes/informer/course.h"
#include "runtimes/kubernetes/informer/object_table.h"

namespace holdfast::kubernetes {

namespace {

constexpr Duration kLongestWait = std::chrono::hours{1};  // a sum with the time of day must not overflow

// Something that the watch has told.
struct News {
  enum class Kind { kOpen, kEvent, kEnd };
  Kind kind = Kind::kOpen;
  WatchEvent event{};
  std::optional<Error> error{};
  long status = 0;
};

// Its thread decides and tells; the watch's handlers only queue.
class WatchingInformer final : public Informer {
 public:
  WatchingInformer(Client& client, const Clock& clock, InformerOptions options, InformerHandlers handlers)
      : client_(client),
        clock_(clock),
        options_(std::move(options)),
        handlers_(std::move(handlers)),
        course_({options_.watch_time, options_.retry_initial, options_.retry_max},
                [this] { return std::uniform_real_distribution<>(0, 1)(random_); }),
        table_(options_.trim),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

  [[nodiscard]] bool synced() const override {
    const std::lock_guard lock(mutex_);
    return synced_;
  }
  [[nodiscard]] std::optional<Error> error() const override {
    const std::lock_guard lock(mutex_);
    return error_;
  }
  [[nodiscard]] ObjectPtr get(const std::string& namespace_, const std::string& name) const override {
    const std::lock_guard lock(mutex_);
    return table_.get(namespace_, name);
  }
  [[nodiscard]] std::vector<ObjectPtr> all() const override {
    const std::lock_guard lock(mutex_);
    return table_.all();
  }
  [[nodiscard]] size_t size() const override {
    const std::lock_guard lock(mutex_);
    return table_.size();
  }
  [[nodiscard]] Stats stats() const override {
    const std::lock_guard lock(mutex_);
    return stats_;
  }

 private:
  void run(const std::stop_token& stop);
  void list(const std::stop_token& stop);
  void watch();
  void wait(const std::stop_token& stop);
  void take(News news);
  void queue(News news);
  void end_watch();
  void change(const std::function<std::vector<Change>()>& changing);
  void publish();

  Client& client_;
  const Clock& clock_;
  const InformerOptions options_;
  const InformerHandlers handlers_;

  // Of the informer's thread alone.
  std::mt19937_64 random_{std::random_device{}()};
  Course course_;
  std::unique_ptr<Watch> watch_;

  mutable std::mutex mutex_;
  ObjectTable table_;  // changed by the informer's thread
  bool synced_ = false;
  std::optional<Error> error_;
  Stats stats_;
  std::condition_variable_any told_;
  std::vector<News> news_;

  std::jthread thread_;  // ends first
};

void WatchingInformer::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    wait(stop);  // what has been told comes before what the time tells
    if (stop.stop_requested()) break;
    const auto step = course_.next(clock_.now());
    publish();
    if (step == Course::Step::kWait) continue;
    end_watch();
    if (step == Course::Step::kList)
      list(stop);
    else
      watch();
    if (!stop.stop_requested()) publish();
  }
  end_watch();
}

void WatchingInformer::list(const std::stop_token& stop) {
  {
    const std::lock_guard lock(mutex_);
    ++stats_.lists;
    table_.begin_list();
  }
  // Only this thread changes the table, and what is being listed doesn't show yet.
  const auto version = client_.list(
      options_.resource, options_.selection, [this](Json object) { table_.add_listed(std::move(object)); },
      [this] { table_.begin_list(); }, stop);
  if (stop.stop_requested()) return;
  if (!version) return course_.list_failed(clock_.now(), version.error());
  course_.listed(clock_.now(), *version);
  change([this] { return table_.finish_list(); });
  malloc_trim(0);  // the pages were several times as large as what is kept of them
}

void WatchingInformer::watch() {
  {
    const std::lock_guard lock(mutex_);
    ++stats_.watches;
  }
  watch_ = client_.watch(
      options_.resource, options_.selection, course_.version(), course_.watch_time(),
      {.on_open = [this] { queue({.kind = News::Kind::kOpen}); },
       .on_event =
           [this](WatchEvent event) { queue({.kind = News::Kind::kEvent, .event = std::move(event)}); },
       .on_end =
           [this](std::optional<Error> error, long status) {
             queue({.kind = News::Kind::kEnd, .error = std::move(error), .status = status});
           }});
}

// What it told last and nobody took will be told again from the version on that was taken.
void WatchingInformer::end_watch() {
  watch_.reset();
  const std::lock_guard lock(mutex_);
  news_.clear();
}

void WatchingInformer::queue(News news) {
  const std::lock_guard lock(mutex_);
  news_.push_back(std::move(news));
  told_.notify_one();
}

void WatchingInformer::wait(const std::stop_token& stop) {
  std::vector<News> news;
  {
    std::unique_lock lock(mutex_);
    const auto left = std::min(course_.wake_at() - clock_.now(), kLongestWait);
    told_.wait_for(lock, stop, left, [this] { return !news_.empty(); });
    news.swap(news_);
  }
  for (auto& item : news) {
    if (stop.stop_requested()) return;
    take(std::move(item));
  }
}

void WatchingInformer::take(News news) {
  const auto now = clock_.now();
  if (news.kind == News::Kind::kOpen) return course_.opened(now);
  if (news.kind == News::Kind::kEnd) return course_.ended(now, std::move(news.error), news.status);
  auto& [type, object] = news.event;
  course_.heard(now, resource_version_of(object));
  if (type == WatchEvent::Type::kBookmark) return;
  {
    const std::lock_guard lock(mutex_);
    ++stats_.events;
  }
  change([&, gone = type == WatchEvent::Type::kDeleted] {
    return gone ? table_.erase(object) : table_.put(std::move(object));
  });
}

// Changes the table, and tells what has changed.
void WatchingInformer::change(const std::function<std::vector<Change>()>& changing) {
  std::vector<Change> changes;
  {
    const std::lock_guard lock(mutex_);
    changes = changing();
  }
  if (!handlers_.on_change) return;
  for (const auto& [before, after] : changes) handlers_.on_change(before, after);
}

void WatchingInformer::publish() {
  {
    const std::lock_guard lock(mutex_);
    stats_.stalls = course_.stalls();
    if (synced_ == course_.synced() && error_ == course_.error()) return;
    synced_ = course_.synced();
    error_ = course_.error();
  }
  if (handlers_.on_state) handlers_.on_state();
}

}  // namespace

std::unique_ptr<Informer> make_informer(Client& client, const Clock& clock, InformerOptions options,
                                        InformerHandlers handlers) {
  return std::make_unique<WatchingInformer>(client, clock, std::move(options), std::move(handlers));
}

}  // namespace holdfast::kubernetes
