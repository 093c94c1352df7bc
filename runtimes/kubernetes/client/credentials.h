// What a client shows of itself, and trusts, at this moment.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "controller/base/clock.h"
#include "controller/base/result.h"
#include "runtimes/kubernetes/client/access.h"

namespace holdfast::kubernetes {

// Secrets; never log one.
struct Grant {
  std::string token{};                     // empty: none
  std::string ca{}, certificate{}, key{};  // PEM; an empty one: the system's authorities, or none
  bool operator==(const Grant&) const = default;
};

// The text of a file, read again when the file was replaced, and once a minute in any case: the times of a
// volume that is swapped by symbolic links may not change. Not thread-safe.
class WatchedFile {
 public:
  // An unreadable file keeps its text for as long as there is one.
  Result<std::string> text(const std::string& path, MonoTime now);
  void forget() { read_at_.reset(); }

 private:
  struct Stamp {
    std::uint64_t device = 0, inode = 0;
    std::int64_t seconds = 0, nanoseconds = 0, size = 0;
    bool operator==(const Stamp&) const = default;
  };
  static std::optional<Stamp> stamp_of(const std::string& path);

  std::string text_;
  std::optional<Stamp> stamp_;
  std::optional<MonoTime> read_at_;
  MonoTime checked_at_{};
};

// Thread-safe.
class Credentials {
 public:
  // `clock` must outlive it; nothing is read yet.
  Credentials(Access access, const Clock& clock, Duration plugin_deadline);

  // Blocks while a plugin runs; one run serves all who wait.
  Result<Grant> get();
  // The server did not take it: files are read anew and the plugin is run again with the next get(), unless
  // that has happened since.
  void refused(const Grant& grant);

 private:
  struct PluginGrant {
    std::string token{}, certificate{}, key{};
    std::optional<WallTime> expires{};
  };
  static Result<std::string> text_of(const Material& material, WatchedFile& file, MonoTime now);
  Status add_plugin(Grant& grant);
  Result<PluginGrant> run_plugin() const;
  Result<PluginGrant> parse_answer(const std::string& out) const;
  [[nodiscard]] std::string plugin_question() const;

  const Access access_;
  const Clock& clock_;
  const Duration plugin_deadline_;
  std::mutex mutex_;
  WatchedFile ca_, certificate_, key_, token_;
  std::optional<PluginGrant> plugin_;
  std::optional<Grant> newest_;
};

}  // namespace holdfast::kubernetes
