#include "runtimes/kubernetes/inside/election.h"

#include <algorithm>
#include <random>
#include <utility>

#include "runtimes/kubernetes/client/client.h"

namespace holdfast::kubernetes {

namespace {

constexpr const char* kAddress = "holdfast.dev/address";

const Json& spec_of(const Json& lease) {
  return lease.at("spec");
}
const std::string& version_of(const Json& lease) {
  return lease.at("metadata").at("resourceVersion").as_string();
}

Json& child(Json& parent, std::string_view key) {
  if (Json* found = parent.find(key); found && found->is_object()) return *found;
  return parent.set(key, Json::object());
}

}  // namespace

Status check(const ElectionTimes& times) {
  if (times.retry > Duration::zero() && times.retry < times.renew_deadline &&
      times.renew_deadline < times.lease && times.lease % std::chrono::seconds{1} == Duration::zero())
    return {};
  return fail_terminal(
      ErrorCode::kInvalid,
      "a leader's lease needs retry < renew deadline < duration, in whole seconds of duration",
      "use 2s, 10s and 15s");
}

const std::string& Election::holder() const {
  return spec_of(lease_).at("holderIdentity").as_string();
}

void Election::saw(const std::optional<Json>& lease, MonoTime received) {
  must_read_ = false;
  const bool existed = std::exchange(exists_, lease.has_value());
  if (!lease) {
    if (!existed) return;
    changed_at_ = received;
    was_leading_ = leads(received);
    leads_until_.reset();
    return;
  }
  // Not its times are compared but its version: a clock that is set back may repeat a time.
  if (!existed || version_of(*lease) != version_of(lease_)) changed_at_ = received;
  lease_ = *lease;
  if (!ours()) leads_until_.reset();
}

std::optional<MonoTime> Election::expiry() const {
  if (holder().empty()) return std::nullopt;
  const auto told = spec_of(lease_).at("leaseDurationSeconds").as_int();
  return changed_at_ + (told > 0 ? Duration{std::chrono::seconds{told}} : times_.lease);
}

bool Election::may_take(MonoTime now) const {
  if (exists_ ? ours() : was_leading_) return true;
  const auto expires = expiry();
  return !expires || now >= *expires;
}

std::optional<Election::Write> Election::wanted(MonoTime now, WallTime wall) const {
  if (resigned_ || !may_take(now)) return std::nullopt;
  return Write{!exists_, renewed(wall)};
}

// An update that changes nothing isn't one for the server, and others would not see it.
Json Election::fresh_time(WallTime wall) const {
  auto text = format_rfc3339(wall);
  if (text == spec_of(lease_).at("renewTime").as_string())
    text = format_rfc3339(wall + std::chrono::microseconds{1});
  return text;
}

Json Election::renewed(WallTime wall) const {
  auto lease = exists_ ? lease_ : Json::object();
  lease.set("apiVersion", api_version(kLeases));
  lease.set("kind", kLeases.kind);
  auto& metadata = child(lease, "metadata");
  metadata.set("name", candidate_.lease);
  auto& annotations = child(metadata, "annotations");
  if (candidate_.address.empty())
    annotations.erase(kAddress);
  else
    annotations.set(kAddress, candidate_.address);
  auto& spec = child(lease, "spec");
  const auto time = fresh_time(wall);
  if (!ours() || !exists_) {
    spec.set("acquireTime", time);
    const auto transitions = spec_of(lease_).at("leaseTransitions").as_int();
    spec.set("leaseTransitions", lease_.is_null() ? 0 : transitions + (ours() ? 0 : 1));
  }
  spec.set("holderIdentity", candidate_.identity);
  spec.set("leaseDurationSeconds",
           std::int64_t{std::chrono::duration_cast<std::chrono::seconds>(times_.lease).count()});
  spec.set("renewTime", time);
  return lease;
}

void Election::wrote(const Json& lease, MonoTime sent, MonoTime received) {
  saw(lease, received);
  if (ours() && !resigned_) leads_until_ = sent + times_.renew_deadline;
}

std::optional<Election::Write> Election::resigned(WallTime wall) {
  leads_until_.reset();
  resigned_ = true;
  if (!exists_ || !ours()) return std::nullopt;
  auto lease = lease_;
  child(child(lease, "metadata"), "annotations").erase(kAddress);
  auto& spec = child(lease, "spec");
  spec.set("holderIdentity", "");
  spec.set("leaseDurationSeconds", 1);
  spec.set("renewTime", fresh_time(wall));
  return Write{false, std::move(lease)};
}

Leader Election::leader(MonoTime now) const {
  const auto expires = expiry();
  const bool valid = ours() ? leads(now) : expires && now < *expires;
  if (!valid) return {};
  return {holder(), lease_.at("metadata").at("annotations").at(kAddress).as_string()};
}

Duration Election::pause(MonoTime now, double spread) const {
  if (ours()) return times_.retry;
  // Shorter than the retry period, never longer: how soon others see a leader's last renewal decides how soon
  // they can follow it.
  const auto whole = static_cast<double>(times_.retry.count());
  Duration pause{static_cast<Duration::rep>(whole * (1 - 0.4 * spread))};
  if (const auto expires = expiry()) pause = std::min(pause, std::max(*expires - now, Duration{1}));
  return pause;
}

std::string unique_identity(const std::string& name) {
  std::random_device random;
  char text[20];
  std::snprintf(text, sizeof text, "_%08x%08x", random(), random());
  return name + text;
}

}  // namespace holdfast::kubernetes
