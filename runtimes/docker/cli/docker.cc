#include "runtimes/docker/cli/docker.h"

#include <algorithm>
#include <cctype>

#include "runtimes/docker/cli/failure.h"

namespace holdfast::docker {

Command Docker::command(const std::vector<std::string>& arguments) const {
  Command command{.argv = {options_.program}, .environment = options_.environment};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  return command;
}

Result<std::string> Docker::ask(const std::vector<std::string>& arguments, Duration timeout,
                                std::string* partial) const {
  return ask(command(arguments), timeout, partial);
}

Result<std::string> Docker::ask(const Command& command, Duration timeout, std::string* partial) const {
  auto output = run_command(command, clock_, {.total = timeout, .silence = {}, .stop = {}});
  if (!output) return fail(output.error());
  if (partial != nullptr) *partial = output->out;
  if (output->exit_code != 0) return fail(failure_of(summary_of(command), output->err));
  if (!output->complete)
    return fail(ErrorCode::kInternal, summary_of(command) + " answers more than can be read");
  return std::move(output->out);
}

std::string summary_of(const Command& command) {
  std::string summary = "docker";
  for (size_t i = 1, words = 0; i < command.argv.size() && words < 3; ++i) {
    const auto& word = command.argv[i];
    if (word == "--") continue;
    if (word.starts_with("--name=")) {
      summary += " " + word.substr(7);
      break;
    }
    if (word.starts_with('-')) continue;
    summary += " " + word;
    ++words;
  }
  return summary;
}

Status check_name(const std::string& container) {
  const auto legal = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-'; };
  if (!container.empty() && std::isalnum(static_cast<unsigned char>(container.front())) != 0 &&
      std::all_of(container.begin(), container.end(), legal))
    return {};
  return fail_terminal(ErrorCode::kInvalid, "'" + container + "' can't be the name of a container",
                       "names have letters, digits, '_', '.' and '-', and begin with a letter or digit");
}

}  // namespace holdfast::docker
