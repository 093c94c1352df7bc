// POST /containers/{id}/exec, POST /exec/{id}/start, GET /exec/{id}/json
#include <algorithm>
#include <memory>
#include <thread>

#include "controller/base/text.h"
#include "runtimes/docker/engine/client_impl.h"
#include "runtimes/docker/engine/exec_tree.h"
#include "runtimes/docker/engine/failure.h"
#include "runtimes/docker/engine/log_demux.h"

namespace holdfast::docker {

namespace {

constexpr size_t kMaxOutput = 4096;
constexpr Duration kKillQuery = std::chrono::seconds{3};
constexpr Duration kExitPause = std::chrono::milliseconds{10};

struct Output {
  LogDemux demux{};
  std::string text{};
  bool framed = true;

  bool take(std::string_view bytes) {
    framed = demux.feed(bytes, [this](auto /*source*/, std::string_view data) {
      text.append(data.substr(0, kMaxOutput - std::min(kMaxOutput, text.size())));
    });
    return framed;
  }
};

Json start_body() {
  return Json::object({{"Detach", false}, {"Tty", false}});
}

}  // namespace

Result<std::string> EngineClient::create_exec(const std::string& container,
                                              const std::vector<std::string>& argv, const std::string& what,
                                              Duration timeout) {
  auto words = Json::array();
  for (const auto& word : argv) words.push_back(word);
  const auto body = Json::object({{"AttachStdout", true}, {"AttachStderr", true}, {"Cmd", std::move(words)}});
  const auto made = session_.call_json({.method = "POST",
                                        .target = "/containers/" + percent_encode(container) + "/exec",
                                        .what = what,
                                        .content_type = "application/json",
                                        .body = dump_json(body),
                                        .timeout = timeout});
  if (!made) return fail(made.error());
  const auto& id = made->at("Id").as_string();
  if (id.empty()) return fail(ErrorCode::kInternal, what + ": the engine told no id");
  return id;
}

void EngineClient::kill_exec(const std::string& id) {
  const auto state = session_.call_json({.target = "/exec/" + percent_encode(id) + "/json",
                                         .what = "looking for the command",
                                         .timeout = kKillQuery});
  if (state && state->at("Running").as_bool())
    kill_exec_tree(static_cast<pid_t>(state->at("Pid").as_int()), state->at("ContainerID").as_string());
}

// The output ends a moment before the engine knows the exit code.
Result<int> EngineClient::exec_exit_code(const std::string& id, const std::string& what, MonoTime deadline) {
  for (;;) {
    const auto state = query("/exec/" + percent_encode(id) + "/json", what);
    if (!state) return fail(state.error());
    if (!state->at("Running").as_bool()) return static_cast<int>(state->at("ExitCode").as_int());
    if (clock_.now() >= deadline) return fail(ErrorCode::kTimeout, what);
    std::this_thread::sleep_for(kExitPause);
  }
}

Result<ExecResult> EngineClient::exec(const std::string& container, const std::vector<std::string>& argv,
                                      Duration timeout) {
  const auto what =
      "running '" + (argv.empty() ? std::string() : argv.front()) + "' in container '" + container + "'";
  const auto deadline = clock_.now() + timeout;
  const auto left = [&] { return std::max<Duration>(deadline - clock_.now(), std::chrono::milliseconds{1}); };
  const auto id = create_exec(container, argv, what, std::min(left(), timeouts_.query));
  if (!id) return fail(id.error());

  const auto output = std::make_shared<Output>();
  const auto ran = session_.call({.method = "POST",
                                  .target = "/exec/" + percent_encode(*id) + "/start",
                                  .what = what,
                                  .content_type = "application/json",
                                  .body = dump_json(start_body()),
                                  .timeout = left(),
                                  .max_bytes = 0},
                                 [output](std::string_view bytes) { return output->take(bytes); });
  if (!ran && ran.error().code != ErrorCode::kTimeout) return fail(ran.error());
  if (ran && !output->framed)
    return fail(ErrorCode::kInternal, what + ": the engine's answer can't be understood");
  if (ran) {
    const auto code = exec_exit_code(*id, what, deadline);
    if (code) return ExecResult{*code, std::move(output->text)};
    if (code.error().code != ErrorCode::kTimeout) return fail(code.error());
  }
  kill_exec(*id);
  return fail(Error{ErrorCode::kTimeout, what + ": not done within " + seconds_of(timeout), {}});
}

}  // namespace holdfast::docker
