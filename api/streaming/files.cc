#include "api/streaming/files.h"

#include <array>
#include <cerrno>
#include <cstdio>

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "api/streaming/parameters.h"
#include "api/streaming/view.h"
#include "controller/base/file.h"
#include "controller/base/log.h"

namespace holdfast::streaming {
namespace {

constexpr const char* kConfigName = "streaming_config.json";
constexpr size_t kMaxBytes = 1u << 20;
// A file may be looked at while someone writes it in place. An object cut short is never valid JSON, so what
// is not valid has to stay as it is for so long before it is called an edit.
constexpr Duration kRest = std::chrono::milliseconds{200};

// The fields in a text, those that are valid and known; an error names what is wrong.
Result<Json> parse_fields(const std::string& text) {
  auto document = parse_json(text);
  if (!document) return holdfast::fail(std::move(document.error()));
  if (!document->is_object()) {
    return holdfast::fail(ErrorCode::kInvalid, "expected a JSON object of configuration fields");
  }
  auto checked = check_parameters(*document);
  if (!checked) return holdfast::fail(std::move(checked.error()));
  return std::move(checked->values);
}

}  // namespace

FacadeFiles::FacadeFiles(ControlPlane& control, EventLoop& loop, std::string state_dir, Json defaults)
    : control_(control),
      loop_(loop),
      directory_(std::move(state_dir)),
      config_path_(directory_ + "/" + kConfigName),
      pid_path_(directory_ + "/streaming.pid"),
      written_path_(directory_ + "/.streaming_config.written"),
      defaults_(std::move(defaults)) {
  if (auto made = make_directories(directory_); !made) report_once(made.error().message);
  ::unlink(pid_path_.c_str());  // of an earlier controller; what runs is written anew
  if (auto text = read_file(written_path_, kMaxBytes)) written_ = std::move(*text);
  watch_directory();
}

FacadeFiles::~FacadeFiles() {
  if (watch_ != 0) loop_.unwatch(watch_);
  loop_.cancel(rest_timer_);
}

void FacadeFiles::watch_directory() {
  inotify_.reset(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  const auto events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE;
  if (!inotify_ || inotify_add_watch(inotify_.get(), directory_.c_str(), events) < 0) {
    report_once(errno_error("cannot watch " + directory_ + " for edits of " + kConfigName, errno).message);
    return;
  }
  watch_ = loop_.watch(inotify_.get(), EPOLLIN, [this](std::uint32_t) { on_directory_event(); });
}

void FacadeFiles::on_directory_event() {
  alignas(inotify_event) std::array<char, 16384> buffer{};
  bool concerned = false;
  for (;;) {
    const auto size = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (size <= 0) break;
    for (size_t offset = 0; offset < static_cast<size_t>(size);) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + offset);
      // On overflow events were lost: look.
      concerned = concerned || (event->mask & IN_Q_OVERFLOW) != 0 ||
                  (event->len > 0 && std::string_view(event->name) == kConfigName);
      offset += sizeof(inotify_event) + event->len;
    }
  }
  if (!concerned || service_.empty()) return;
  take_edit();
  write_config();
}

void FacadeFiles::on_config(const std::string& service) {
  service_ = service;
  take_edit();  // one made while no controller ran, or whose event is still on its way
  write_config();
}

// Compares by content: our own writes come by here too.
void FacadeFiles::take_edit() {
  const auto text = read_file(config_path_, kMaxBytes);
  if (!text) {
    doubted_.reset();
    if (text.error().code != ErrorCode::kNotFound) report_once(text.error().message);
    return;
  }
  if (*text == written_ || (rejected_ && *text == *rejected_)) {
    doubted_.reset();
    return;
  }
  apply(*text);
}

void FacadeFiles::apply(const std::string& text) {
  const auto view = control_.config();
  if (!is_declared(*view, service_)) return;
  const auto values = parse_fields(text);
  if (!values && doubted_ != text) return doubt(text);
  if (!values && resting_) return;
  doubted_.reset();
  if (!values) return reject(text, values.error());
  // Only what was edited: a field that the API changed since the file was written keeps the API's value.
  const auto base = parse_fields(written_);
  auto changed = changed_parameters(*values, base ? *base : Json::object());
  changed = changed_parameters(changed, effective_parameters(*view, service_, defaults_));
  if (!changed.members().empty()) {
    const auto edit =
        control_.patch_config(parameters_patch(service_, changed), std::nullopt, {kConfigName, config_path_});
    if (!edit) return reject(text, edit.error());
    log::info("took an edit made by hand", {{"file", config_path_}, {"changed", dump_json(changed)}});
  }
  rejected_.reset();
  reported_.clear();
  remember(text);
}

void FacadeFiles::doubt(const std::string& text) {
  doubted_ = text;
  resting_ = true;
  loop_.cancel(rest_timer_);
  rest_timer_ = loop_.after(kRest, [this] { look_again(); });
}

void FacadeFiles::look_again() {
  resting_ = false;
  if (!doubted_) return;
  take_edit();
  write_config();
}

void FacadeFiles::reject(const std::string& text, const Error& error) {
  rejected_ = text;
  rejected_against_ = effective_parameters(*control_.config(), service_, defaults_);
  report_once("the edit of " + config_path_ + " is not valid and changes nothing: " + error.message);
  AuditRecord record;
  record.actor = kConfigName;
  record.from = config_path_;
  record.action = "edit " + config_path_;
  record.target = "services." + service_ + ".parameters";
  record.status = 422;
  record.result = error.message;
  control_.audit(record);
}

void FacadeFiles::report_once(const std::string& problem) {
  if (problem == reported_) return;
  reported_ = problem;
  log::error(problem, {{"file", config_path_}});
}

void FacadeFiles::write_config() {
  const auto view = control_.config();
  if (!is_declared(*view, service_)) return;
  const auto wanted = effective_parameters(*view, service_, defaults_);
  const auto current = read_file(config_path_, kMaxBytes);
  if (!current && current.error().code != ErrorCode::kNotFound) return;  // take_edit() has said why
  if (rejected_ && current && *current == *rejected_) {
    if (rejected_against_ == wanted) return;  // let who edits finish
    std::rename(config_path_.c_str(), (config_path_ + ".rejected").c_str());
    rejected_.reset();
  } else if (current) {
    if (*current != written_) return;  // being edited: its event is on its way
    const auto values = parse_fields(*current);
    if (values && *values == wanted) return;  // as it should be, whatever its layout
  }
  const auto text = dump_json_pretty(wanted);
  if (auto done = write_file_atomically(config_path_, text); !done) return report_once(done.error().message);
  remember(text);
}

void FacadeFiles::remember(const std::string& text) {
  if (text == written_) return;
  written_ = text;
  if (auto done = write_file_atomically(written_path_, text); !done) report_once(done.error().message);
}

void FacadeFiles::on_status(const StatusPtr& status) {
  const auto pid = status ? view_of(*status).pid : std::nullopt;
  if (pid == shown_pid_) return;
  shown_pid_ = pid;
  if (!pid) {
    ::unlink(pid_path_.c_str());
    return;
  }
  if (auto done =
          write_file_atomically(pid_path_, std::to_string(*pid) + "\n", 0644, Durability::kProcessCrash);
      !done) {
    shown_pid_.reset();
    report_once(done.error().message);
  }
}

}  // namespace holdfast::streaming
