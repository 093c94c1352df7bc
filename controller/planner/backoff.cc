#include "controller/planner/backoff.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <string>

namespace holdfast::planner {

Duration backoff_delay(const Backoff& policy, int failures, double share) {
  using Nanoseconds = std::chrono::duration<double, std::nano>;
  Nanoseconds delay = policy.initial;
  if (failures >= 2) {
    const double grown = Nanoseconds(policy.base).count() * std::pow(policy.factor, failures - 2);
    // pow may give infinity: min() brings it back.
    delay = Nanoseconds(std::min(grown, Nanoseconds(policy.max).count()));
    delay = std::max(delay, Nanoseconds(policy.initial));  // an initial above base must not shrink again
  }
  return std::chrono::duration_cast<Duration>(delay * (1 + policy.jitter * share));
}

double jitter_share(const std::string& service, int ordinal, std::uint64_t streak_start) {
  // FNV-1a, then the finaliser of SplitMix64: std::hash may differ from one build to the next.
  std::uint64_t hash = 14695981039346656037ULL;
  const auto mix = [&hash](std::uint64_t byte) { hash = (hash ^ byte) * 1099511628211ULL; };
  for (const char c : service) mix(static_cast<unsigned char>(c));
  mix(0xff);
  for (int shift = 0; shift < 32; shift += 8) mix((static_cast<std::uint32_t>(ordinal) >> shift) & 0xff);
  for (int shift = 0; shift < 64; shift += 8) mix((streak_start >> shift) & 0xff);
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ULL;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebULL;
  hash ^= hash >> 31;
  return static_cast<double>(hash >> 11) * 0x1.0p-53;
}

bool take_from_budget(OrdinalLedger& ledger, const RestartPolicy& policy, MonoTime now, MonoTime at) {
  if (policy.budget_attempts <= 0) return true;
  auto& recent = ledger.recent_restarts;
  while (!recent.empty() && recent.front() <= now - policy.budget_window) recent.pop_front();
  if (recent.size() >= static_cast<size_t>(policy.budget_attempts)) return false;
  recent.push_back(at);
  return true;
}

}  // namespace holdfast::planner
