// The two files of the first system, in the state directory:
//
//   streaming_config.json  the 16 fields, indented JSON. Written when the configuration changes; an edit by
//                          hand is picked up like a call of the API. An edit that is not valid changes
//                          nothing and is reported in the log and the audit; when the next change has to be
//                          written over it, it is kept as streaming_config.json.rejected.
//   streaming.pid          the pid, while the service runs. Output only: it is never read.
//
// .streaming_config.written remembers what was written last, so that an edit made while no controller ran is
// told from a file that is merely old.
#pragma once

#include <optional>
#include <string>

#include "controller/base/event_loop.h"
#include "controller/base/json.h"
#include "controller/base/result.h"
#include "controller/base/unique_fd.h"
#include "controller/model/control_plane.h"

namespace holdfast::streaming {

// Every method runs on the thread of `loop`.
class FacadeFiles {
 public:
  FacadeFiles(ControlPlane& control, EventLoop& loop, std::string state_dir, Json defaults);
  ~FacadeFiles();
  FacadeFiles(const FacadeFiles&) = delete;
  FacadeFiles& operator=(const FacadeFiles&) = delete;

  void on_config(const std::string& service);  // the configuration may have changed
  void on_status(const StatusPtr& status);     // null: no such service

 private:
  void watch_directory();
  void on_directory_event();
  void take_edit();
  void apply(const std::string& text);
  void doubt(const std::string& text);
  void look_again();
  void reject(const std::string& text, const Error& error);
  void report_once(const std::string& problem);
  void write_config();
  void remember(const std::string& text);

  ControlPlane& control_;
  EventLoop& loop_;
  const std::string directory_, config_path_, pid_path_, written_path_;
  const Json defaults_;
  std::string service_;
  UniqueFd inotify_;
  EventLoop::WatchId watch_ = 0;
  std::string written_;                 // the text that was written or accepted last
  std::optional<std::string> doubted_;  // a text that is not valid, perhaps because it is being written now
  bool resting_ = false;                // it may still change
  EventLoop::TimerId rest_timer_ = 0;
  std::optional<std::string> rejected_;  // the text of an edit that is not valid and still stands
  Json rejected_against_;                // what was in force when it was rejected
  std::string reported_;
  std::optional<std::int64_t> shown_pid_;  // in streaming.pid
};

}  // namespace holdfast::streaming
