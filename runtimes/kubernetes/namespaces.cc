#include "runtimes/kubernetes/namespaces.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "controller/base/file.h"
#include "controller/base/log.h"

namespace holdfast::kubernetes {

namespace {

constexpr size_t kMostBytes = 1u << 20;

bool is_name(const std::string& text) {
  return !text.empty() &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
}

}  // namespace

Namespaces::Namespaces(std::string file) : file_(std::move(file)) {
  if (file_.empty()) return;
  std::istringstream lines(read_file(file_, kMostBytes).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    if (is_name(line)) names_.insert(line);
  }
}

void Namespaces::add(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (!names_.insert(name).second || file_.empty()) return;
  std::string text;
  for (const auto& entry : names_) text += entry + "\n";
  if (const auto kept = write_file_atomically(file_, text, 0600); !kept) log::warning(kept.error().message);
}

std::set<std::string> Namespaces::all() const {
  const std::lock_guard lock(mutex_);
  return names_;
}

}  // namespace holdfast::kubernetes
