#include "runtimes/docker/cli/cli_client.h"

#include <algorithm>
#include <utility>

#include "controller/base/json.h"
#include "runtimes/docker/cli/answers.h"
#include "runtimes/docker/cli/create_arguments.h"
#include "runtimes/docker/cli/docker.h"
#include "runtimes/docker/cli/event_stream.h"
#include "runtimes/docker/cli/exec.h"
#include "runtimes/docker/cli/failure.h"
#include "runtimes/docker/cli/lines.h"
#include "runtimes/docker/cli/log_text.h"
#include "runtimes/docker/cli/upload.h"

namespace holdfast::docker {

namespace {

constexpr size_t kIdsPerCommand = 200;

class CliClient final : public Client {
 public:
  CliClient(CliOptions options, const Clock& clock) : docker_(std::move(options), clock) {}

  Result<EngineInfo> ping(Duration timeout) override {
    const auto text = docker_.ask({"version", "--format={{json .}}"}, timeout);
    return text ? parse_version(*text) : fail(text.error());
  }

  Result<std::string> identity() override {
    const auto text = docker_.ask({"info", "--format={{json .ID}}"}, docker_.options().question);
    if (!text) return fail(text.error());
    const auto id = parse_json(*text);
    return id && id->is_string() ? id->as_string() : std::string();
  }
  Result<std::vector<ContainerRow>> list(const std::string& label) override;
  Result<std::optional<Container>> inspect(const std::string& container) override;
  Result<std::string> create(const std::string& name, const CreateSpec& spec) override;

  Status start(const std::string& container) override {
    return act(container, {"start"}, docker_.options().work);
  }
  Status signal(const std::string& container, int signal) override {
    auto done = act(container, {"kill", "--signal=" + std::to_string(signal)});
    return done || !says_not_running(done.error()) ? done : Status{};
  }
  Status unpause(const std::string& container) override {
    auto done = act(container, {"unpause"});
    if (!done && (says_not_running(done.error()) || says_not_paused(done.error()))) return {};
    return done;
  }
  Status remove(const std::string& container) override {
    auto done = act(container, {"rm", "--volumes"}, docker_.options().work);
    if (!done && (done.error().code == ErrorCode::kNotFound || says_being_removed(done.error()))) return {};
    return done;
  }

  Result<std::optional<Image>> image(const std::string& reference) override;
  Status pull(const std::string& reference, const std::function<void(const PullProgress&)>& progress,
              const std::stop_token& stop) override;
  Status upload(const std::string& container, const std::string& directory, const std::string& tar) override;
  Result<std::vector<LogLine>> logs(const std::string& container, bool tty, const LogQuery& query) override;
  Result<ExecResult> exec(const std::string& container, const std::vector<std::string>& argv,
                          Duration timeout) override {
    if (const auto name = check_name(container); !name) return fail(name.error());
    return exec_in(docker_, container, argv, timeout, [&] { return runs(container); });
  }
  std::unique_ptr<Subscription> events(std::int64_t since_ns, EventHandlers handlers) override {
    return follow_events(docker_, since_ns, std::move(handlers));
  }
  std::vector<ResourceUsage> stats(const std::vector<std::string>& containers) override;

 private:
  Status act(const std::string& container, std::vector<std::string> arguments) {
    return act(container, std::move(arguments), docker_.options().question);
  }
  Status act(const std::string& container, std::vector<std::string> arguments, Duration timeout) {
    if (const auto name = check_name(container); !name) return name;
    arguments.insert(arguments.end(), {"--", container});
    const auto done = docker_.ask(arguments, timeout);
    if (!done) return fail(done.error());
    return {};
  }
  Status runs(const std::string& container);
  Status rows_of(const std::vector<std::string>& ids, std::vector<ContainerRow>& rows);
  Result<std::vector<LogLine>> newest_logs(const std::string& container, bool tty, const LogQuery& query,
                                           const std::string& tail);

  Docker docker_;
};

// In two steps, because `docker ps` prints labels as one text, in which a comma may be anything.
Result<std::vector<ContainerRow>> CliClient::list(const std::string& label) {
  const auto text = docker_.ask({"ps", "--all", "--quiet", "--no-trunc", "--filter=label=" + label},
                                docker_.options().question);
  if (!text) return fail(text.error());
  const auto ids = lines_of(*text);
  std::vector<ContainerRow> rows;
  for (size_t i = 0; i < ids.size(); i += kIdsPerCommand) {
    const auto first = ids.begin() + static_cast<std::ptrdiff_t>(i);
    const auto last = first + static_cast<std::ptrdiff_t>(std::min(kIdsPerCommand, ids.size() - i));
    if (const auto read = rows_of({first, last}, rows); !read) return fail(read.error());
  }
  return rows;
}

Status CliClient::rows_of(const std::vector<std::string>& ids, std::vector<ContainerRow>& rows) {
  std::vector<std::string> arguments{"container", "inspect", "--format=" + std::string(kRowFormat), "--"};
  arguments.insert(arguments.end(), ids.begin(), ids.end());
  std::string text;
  // One that was removed between the two steps makes the command fail, but not hide the others.
  const auto done = docker_.ask(arguments, docker_.options().question, &text);
  if (!done && done.error().code != ErrorCode::kNotFound) return fail(done.error());
  for (const auto& line : lines_of(text)) {
    auto row = parse_row(line);
    if (!row) return fail(ErrorCode::kInternal, "docker's list of containers can't be understood");
    rows.push_back(std::move(*row));
  }
  return {};
}

Result<std::optional<Container>> CliClient::inspect(const std::string& container) {
  if (const auto name = check_name(container); !name) return fail(name.error());
  const auto text = docker_.ask({"container", "inspect", "--", container}, docker_.options().question);
  if (!text) {
    if (text.error().code == ErrorCode::kNotFound) return std::nullopt;
    return fail(text.error());
  }
  auto documents = parse_json(*text);
  if (!documents) return fail(documents.error());
  auto& items = documents->items();
  auto parsed = parse_container(items.empty() ? Json() : std::move(items.front()));
  if (!parsed) return fail(parsed.error());
  return std::optional(std::move(*parsed));
}

Result<std::string> CliClient::create(const std::string& name, const CreateSpec& spec) {
  if (const auto legal = check_name(name); !legal) return fail(legal.error());
  auto made = create_arguments(name, spec);
  if (!made) return fail(made.error());
  const auto run = [&] {
    Command command = docker_.command({"create"});
    command.argv.insert(command.argv.end(), made->arguments.begin(), made->arguments.end());
    // In front: of a name that is there twice, docker takes the first.
    command.environment.insert(command.environment.begin(), made->environment.begin(),
                               made->environment.end());
    command.input = made->input;
    return docker_.ask(command, docker_.options().work);
  };
  auto text = run();
  if (!text && says_unknown_flag(text.error(), "--pull")) {
    // Older than 20.10: it would pull what is missing, so there must be nothing missing.
    const auto there = image(spec.image);
    if (!there) return fail(there.error());
    if (!*there) return fail(ErrorCode::kNotFound, "there is no image " + spec.image);
    std::erase(made->arguments, "--pull=never");
    text = run();
  }
  if (!text) return fail(text.error());
  const auto lines = lines_of(*text);
  if (lines.empty()) return fail(ErrorCode::kInternal, "docker create " + name + " tells no id");
  return lines.back();
}

Result<std::optional<Image>> CliClient::image(const std::string& reference) {
  const auto text = docker_.ask({"image", "inspect", "--", reference}, docker_.options().question);
  if (!text) {
    if (text.error().code == ErrorCode::kNotFound) return std::nullopt;
    return fail(text.error());
  }
  const auto parsed = parse_image(*text);
  if (!parsed) return fail(parsed.error());
  return std::optional(*parsed);
}

Status CliClient::pull(const std::string& reference, const std::function<void(const PullProgress&)>& progress,
                       const std::stop_token& stop) {
  PullLines lines;
  const auto command = docker_.command({"pull", "--", reference});
  const auto output = run_lines(command, docker_.clock(),
                                {.total = {}, .silence = docker_.options().pull_silence, .stop = stop},
                                [&](std::string_view line) {
                                  if (const auto news = lines.add(line); news && progress) progress(*news);
                                });
  if (!output) return fail(output.error());
  if (output->exit_code != 0) return fail(failure_of(summary_of(command), output->err));
  return {};
}

Status CliClient::upload(const std::string& container, const std::string& directory, const std::string& tar) {
  if (const auto name = check_name(container); !name) return name;
  auto copied = copy_into(docker_, container, directory, tar);
  if (copied || !says_not_a_directory(copied.error())) return copied;
  // So it says of a directory that is missing, of a file, and of a container that is gone.
  const auto there = inspect(container);
  if (!there) return fail(there.error());
  if (!*there) return fail(ErrorCode::kNotFound, "there is no container " + container);
  const auto archive = directory_archive(directory);
  if (!archive) return fail(archive.error());
  if (const auto made = copy_into(docker_, container, "/", *archive); !made) return made;
  return copy_into(docker_, container, directory, tar);
}

Result<std::vector<LogLine>> CliClient::newest_logs(const std::string& container, bool tty,
                                                    const LogQuery& query, const std::string& tail) {
  std::vector<std::string> arguments{"logs", "--timestamps", "--tail=" + tail};
  if (query.since) arguments.push_back("--since=" + seconds_text(query.since->time_since_epoch().count()));
  arguments.insert(arguments.end(), {"--", container});
  const auto command = docker_.command(arguments);
  const OutputLimits limits{.out = OutputLimits{}.out, .err = OutputLimits{}.out};  // stderr is log as well
  const auto output = run_command(command, docker_.clock(),
                                  {.total = docker_.options().work, .silence = {}, .stop = {}}, limits);
  if (!output) return fail(output.error());
  if (output->exit_code != 0) return fail(failure_of(summary_of(command), output->err));
  if (!output->complete)
    return fail(ErrorCode::kInvalid, "the log of " + container + " is too long", "ask for fewer lines");
  return merge_logs(parse_log_text(output->out, "stdout", tty), parse_log_text(output->err, "stderr", tty));
}

Result<std::vector<LogLine>> CliClient::logs(const std::string& container, bool tty, const LogQuery& query) {
  if (const auto name = check_name(container); !name) return fail(name.error());
  // docker counts the lines of both streams together. If only one is wanted, more are asked for until there
  // are enough of that, or no more at all.
  for (size_t tail = query.tail;; tail *= 8) {
    auto lines = newest_logs(container, tty, query, std::to_string(tail));
    if (!lines) return lines;
    const bool all = lines->size() < tail;
    if (query.stream)
      std::erase_if(*lines, [&](const LogLine& line) { return line.stream != *query.stream; });
    if (!all && lines->size() < query.tail) continue;
    if (lines->size() > query.tail)
      lines->erase(lines->begin(), lines->end() - static_cast<std::ptrdiff_t>(query.tail));
    return lines;
  }
}

Status CliClient::runs(const std::string& container) {
  const auto there = inspect(container);
  if (!there) return fail(there.error());
  if (!*there) return fail(ErrorCode::kNotFound, "there is no container " + container);
  if ((*there)->status != "running")
    return fail(ErrorCode::kConflict, "the container " + container + " is " + (*there)->status);
  return {};
}

std::vector<ResourceUsage> CliClient::stats(const std::vector<std::string>& containers) {
  std::vector<ResourceUsage> usage(containers.size());
  std::vector<std::string> wanted;
  std::copy_if(containers.begin(), containers.end(), std::back_inserter(wanted),
               [](const auto& name) { return check_name(name).has_value(); });
  // A container that is gone makes the command fail as a whole, so it is taken off the list.
  while (!wanted.empty()) {
    std::vector<std::string> arguments{"stats", "--no-stream", "--no-trunc", "--format={{json .}}", "--"};
    arguments.insert(arguments.end(), wanted.begin(), wanted.end());
    const auto text = docker_.ask(arguments, docker_.options().question);
    if (text) {
      for (const auto& line : lines_of(*text)) {
        const auto row = parse_stats(line);
        if (!row) continue;
        for (size_t i = 0; i < containers.size(); ++i) {
          if (containers[i] == row->first) usage[i] = row->second;
        }
      }
      return usage;
    }
    if (text.error().code != ErrorCode::kNotFound) return usage;
    const auto gone = std::erase_if(
        wanted, [&](const auto& name) { return text.error().message.ends_with("container: " + name); });
    if (gone == 0) return usage;
  }
  return usage;
}

}  // namespace

std::unique_ptr<Client> make_cli_client(CliOptions options, const Clock& clock) {
  return std::make_unique<CliClient>(std::move(options), clock);
}

}  // namespace holdfast::docker
