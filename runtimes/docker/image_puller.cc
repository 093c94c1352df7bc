#include "runtimes/docker/image_puller.h"

namespace holdfast::docker {

namespace {

constexpr Duration kTellEvery = std::chrono::seconds{5};  // of a pull's progress

std::string key_of(const ServiceSpec& spec, std::uint64_t restart_nonce) {
  return spec.docker.image + " " + spec.spec_hash + " " + std::to_string(restart_nonce);
}

tl::unexpected<Error> missing(const ServiceSpec& spec) {
  return fail(ErrorCode::kNotFound,
              "the image " + spec.docker.image + " is not on this machine, and docker.pullPolicy is never",
              "build or load it there, or declare docker.pullPolicy: ifNotPresent");
}

}  // namespace

ImagePuller::~ImagePuller() {
  std::map<std::string, std::unique_ptr<Pull>> pulls;
  {
    const std::lock_guard lock(mutex_);
    pulls.swap(pulls_);
  }
  for (auto& [reference, pull] : pulls) pull->thread.request_stop();
}

void ImagePuller::on_note(Note sink) {
  const std::lock_guard lock(mutex_);
  note_ = std::move(sink);
}

void ImagePuller::on_change(Change sink) {
  const std::lock_guard lock(mutex_);
  change_ = std::move(sink);
}

Result<Preparation> ImagePuller::prepare(const ServiceSpec& spec, std::uint64_t restart_nonce) {
  const auto image = link_.call([&](Client& client) { return client.image(spec.docker.image); });
  if (!image) return fail(image.error());
  const bool local = image->has_value();
  const auto& policy = spec.docker.pull_policy;
  if (policy == "never") return local ? Result<Preparation>(Preparation{}) : missing(spec);
  const auto key = key_of(spec, restart_nonce);
  if (policy == "always" || !local) return join(spec, local, key);
  const std::lock_guard lock(mutex_);
  take_result(spec, local, key);  // what came of the pull is here: not to be told of once it is gone again
  return Preparation{};
}

void ImagePuller::count_as_pulled(const ServiceSpec& spec, std::uint64_t restart_nonce) {
  const std::lock_guard lock(mutex_);
  pulled_.try_emplace(spec.name, key_of(spec, restart_nonce));
}

// Of a pull that has ended; nullopt: none has. With the lock held.
std::optional<Result<Preparation>> ImagePuller::take_result(const ServiceSpec& spec, bool local,
                                                            const std::string& key) {
  const auto found = pulls_.find(spec.docker.image);
  if (found == pulls_.end() || !found->second->result || !found->second->services.contains(spec.name))
    return std::nullopt;
  Pull& pull = *found->second;
  auto result = *pull.result;
  pull.services.erase(spec.name);
  if (pull.services.empty()) {
    pull.thread.join();  // it has told its result, and does nothing afterwards
    pulls_.erase(found);
  }
  if (!result && !local) return fail(result.error());
  pulled_[spec.name] = key;
  return Preparation{};
}

Result<Preparation> ImagePuller::join(const ServiceSpec& spec, bool local, const std::string& key) {
  const std::string& reference = spec.docker.image;
  {
    const std::lock_guard lock(mutex_);
    if (const auto past = pulled_.find(spec.name); local && past != pulled_.end() && past->second == key)
      return Preparation{};
    if (auto ended = take_result(spec, local, key)) return std::move(*ended);
    auto& pull = pulls_[reference];
    if (pull && !pull->result) {
      pull->services.insert(spec.name);
      return Preparation{"the image " + reference + ": " + pull->progress};
    }
    if (pull) pull->thread.join();  // nobody is left who waits for that one
    pull = std::make_unique<Pull>();
    pull->services.insert(spec.name);
    pull->progress = "pulling";
    pull->told = clock_.now();
    pull->thread = std::jthread([this, reference, service = spec.name](const std::stop_token& stop) {
      note({service}, "Pulling", "info", "pulling the image " + reference);  // before any note of its end
      run(reference, stop);
    });
  }
  return Preparation{"the image " + reference + ": pulling"};
}

void ImagePuller::run(const std::string& reference, const std::stop_token& stop) {
  auto result = link_.call([&](Client& client) {
    return client.pull(
        reference, [&](const PullProgress& progress) { progressed(reference, progress); }, stop);
  });
  if (!stop.stop_requested()) finish(reference, std::move(result));
}

void ImagePuller::progressed(const std::string& reference, const PullProgress& progress) {
  std::set<std::string> services;
  Change change;
  std::string text = progress.message;
  if (progress.fraction) text += " (" + std::to_string(static_cast<int>(*progress.fraction * 100)) + " %)";
  {
    const std::lock_guard lock(mutex_);
    const auto found = pulls_.find(reference);
    if (found == pulls_.end() || found->second->progress == text) return;
    Pull& pull = *found->second;
    pull.progress = text;
    if (clock_.now() < pull.told + kTellEvery) return;
    pull.told = clock_.now();
    services = pull.services;
    change = change_;
  }
  note(services, "PullProgress", "info", "pulling the image " + reference + ": " + text);
  if (!change) return;
  for (const auto& service : services) change(service);
}

void ImagePuller::finish(const std::string& reference, Status result) {
  std::set<std::string> services;
  Change change;
  {
    const std::lock_guard lock(mutex_);
    const auto found = pulls_.find(reference);
    if (found == pulls_.end()) return;
    services = found->second->services;
    change = change_;
  }
  if (result) {
    note(services, "Pulled", "info", "the image " + reference + " was pulled");
  } else {
    const auto& error = result.error();
    note(services, "PullFailed", "warning",
         "the image " + reference + " could not be pulled: " + error.message +
             (error.hint.empty() ? "" : " (" + error.hint + ")"));
  }
  {
    const std::lock_guard lock(mutex_);
    const auto found = pulls_.find(reference);
    if (found == pulls_.end()) return;
    found->second->result = std::move(result);
    services = found->second->services;  // who came meanwhile waits too
  }
  if (!change) return;
  for (const auto& service : services) change(service);
}

void ImagePuller::note(const std::set<std::string>& services, const char* type, const char* severity,
                       const std::string& message) {
  Note sink;
  {
    const std::lock_guard lock(mutex_);
    sink = note_;
  }
  if (!sink) return;
  for (const auto& service : services) sink({service, type, severity, message});
}

}  // namespace holdfast::docker
