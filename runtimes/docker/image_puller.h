// Gets images before they are needed, each pull on a thread of its own, and tells how it goes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "controller/base/clock.h"
#include "runtimes/docker/engine_link.h"
#include "runtimes/runtime.h"

namespace holdfast::docker {

// Thread-safe.
class ImagePuller {
 public:
  using Note = std::function<void(const RuntimeNote&)>;
  using Change = std::function<void(const std::string& service)>;

  ImagePuller(EngineLink& link, const Clock& clock) : link_(link), clock_(clock) {}
  ~ImagePuller();  // ends pulls under way
  ImagePuller(const ImagePuller&) = delete;
  ImagePuller& operator=(const ImagePuller&) = delete;

  void on_note(Note sink);      // before the first prepare()
  void on_change(Change sink);  // progress of a service's image; likewise

  // Asks the engine whether the image is there, and begins to pull it as the policy says. `always` pulls once
  // for each spec and each restart that an operator asks for, not for restarts after a crash: those must not
  // depend on a registry; and if that fails an image that is there is taken, with a warning. A pull that
  // failed is an error once; the next call tries again.
  Result<Preparation> prepare(const ServiceSpec& spec, std::uint64_t restart_nonce);
  // The image of this spec has been pulled for this restart: by an earlier controller, say.
  void count_as_pulled(const ServiceSpec& spec, std::uint64_t restart_nonce);

 private:
  struct Pull {
    std::set<std::string> services;  // who waits for it
    std::string progress;
    MonoTime told{};
    std::optional<Status> result;  // set when it has ended
    std::jthread thread;
  };

  Result<Preparation> join(const ServiceSpec& spec, bool local, const std::string& key);
  std::optional<Result<Preparation>> take_result(const ServiceSpec& spec, bool local, const std::string& key);
  void run(const std::string& reference, const std::stop_token& stop);
  void progressed(const std::string& reference, const PullProgress& progress);
  void finish(const std::string& reference, Status result);
  void note(const std::set<std::string>& services, const char* type, const char* severity,
            const std::string& message);

  EngineLink& link_;
  const Clock& clock_;
  Note note_;
  Change change_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Pull>> pulls_;  // by reference
  std::map<std::string, std::string> pulled_;           // service -> spec hash and restart of its last pull
};

}  // namespace holdfast::docker
