#include "runtimes/docker/cli/upload.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <numeric>

namespace holdfast::docker {

namespace {

constexpr size_t kBlock = 512, kNameMax = 100, kPrefixMax = 155;

}  // namespace

Status copy_into(const Docker& docker, const std::string& container, const std::string& directory,
                 const std::string& tar) {
  auto command = docker.command({"cp", "--", "-", container + ":" + directory});
  command.input = tar;
  const auto copied = docker.ask(command, docker.options().work);
  if (!copied) return fail(copied.error());
  return {};
}

Result<std::string> directory_archive(const std::string& directory) {
  const auto begin = directory.find_first_not_of('/');
  if (!directory.starts_with('/') || begin == std::string::npos)
    return fail_terminal(ErrorCode::kInvalid,
                         "'" + directory + "' is no absolute path of a directory to make");
  std::string name = directory.substr(begin), prefix;
  while (name.ends_with('/')) name.pop_back();
  name += '/';
  if (name.size() > kNameMax) {
    const auto cut = name.rfind('/', std::min(kPrefixMax, name.size() - 2));
    if (cut > kPrefixMax || name.size() - cut - 1 > kNameMax)
      return fail_terminal(ErrorCode::kInvalid, "the path '" + directory + "' is too long");
    prefix = name.substr(0, cut);
    name.erase(0, cut + 1);
  }
  std::string header(kBlock, '\0');
  const auto put = [&](size_t at, const std::string& text) { header.replace(at, text.size(), text); };
  put(0, name);
  put(100, "0000755");      // mode
  put(108, "0000000");      // user
  put(116, "0000000");      // group
  put(124, "00000000000");  // size
  put(136, "00000000000");  // modified
  put(148, "        ");     // the sum is taken over blanks
  put(156, "5");            // a directory
  put(257, std::string("ustar\00000", 8));
  put(345, prefix);
  const unsigned sum = std::accumulate(header.begin(), header.end(), 0U,
                                       [](unsigned s, char c) { return s + static_cast<unsigned char>(c); });
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "%06o", sum);
  put(148, std::string(text.data(), 7) + " ");
  return header + std::string(2 * kBlock, '\0');
}

}  // namespace holdfast::docker
