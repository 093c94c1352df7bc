#include "controller/config/nearest.h"

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace holdfast::config {

namespace {

constexpr size_t kLongestName = 64;
constexpr size_t kLongestList = 24;

bool same_letter(char a, char b) {
  return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
}

// Optimal string alignment distance.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = d[i - 1][j - 1] + (same_letter(a[i - 1], b[j - 1]) ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) && same_letter(a[i - 2], b[j - 1]))
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::optional<std::string_view> nearest(std::string_view name, const std::vector<std::string_view>& known) {
  if (name.empty() || name.size() > kLongestName) return std::nullopt;
  const size_t reach = name.size() <= 2 ? 1 : name.size() <= 5 ? 2 : name.size() / 3 + 1;
  std::optional<std::string_view> best;
  size_t best_distance = reach + 1;
  for (const auto candidate : known) {
    const size_t gap = std::max(candidate.size(), name.size()) - std::min(candidate.size(), name.size());
    if (candidate.empty() || gap >= best_distance) continue;
    const size_t found = distance(name, candidate);
    if (found < best_distance && found < std::max(name.size(), candidate.size())) {
      best = candidate;
      best_distance = found;
    }
  }
  return best;
}

std::string suggestion(std::string_view name, const std::vector<std::string_view>& known) {
  if (const auto best = nearest(name, known)) return "; did you mean '" + std::string(*best) + "'?";
  if (known.empty() || known.size() > kLongestList) return {};
  std::string text = "; known are ";
  for (size_t i = 0; i < known.size(); ++i) text += (i == 0 ? "" : ", ") + std::string(known[i]);
  return text;
}

}  // namespace holdfast::config
