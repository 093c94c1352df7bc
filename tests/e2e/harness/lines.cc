#include "tests/e2e/harness/lines.h"

#include <filesystem>
#include <map>
#include <sstream>

#include "controller/base/file.h"

namespace holdfast::test {

std::string line_service() {
  return std::string(HOLDFAST_BINARY_DIR) + "/tests/line-service";
}

std::vector<std::string> log_lines(const Controller& controller, const std::string& service) {
  std::map<int, std::string, std::greater<>> files;  // the highest number is the oldest
  const auto dir = controller.state_dir() + "/run/" + service + "/0";
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    const auto name = entry.path().filename().string();
    if (!name.starts_with("stdout.log") || name.ends_with(".tmp")) continue;
    files[name == "stdout.log" ? 0 : std::stoi(name.substr(11))] =
        read_file(entry.path(), 64u << 20).value_or("");
  }
  std::vector<std::string> lines;
  for (const auto& [number, text] : files) {
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line.substr(line.find(' ') + 1));
  }
  return lines;
}

Runs check_lines(const Controller& controller, const std::string& service) {
  std::map<long, long> next;  // pid -> number of its next line
  Runs runs;
  for (const auto& line : log_lines(controller, service)) {
    std::istringstream stream(line);
    long pid = 0, number = 0;
    std::string word;
    stream >> pid >> word;
    const bool last = word == "end";
    if (last)
      stream >> number;
    else
      number = std::atol(word.c_str());
    EXPECT_EQ(next[pid], number) << service << ": " << line;
    if (next[pid] != number) return runs;
    if (number == 0) ++runs.seen;
    if (last) ++runs.ended;
    next[pid] = last ? 0 : number + 1;
  }
  return runs;
}

}  // namespace holdfast::test
