#include "runtimes/kubernetes/inside/token_auth.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include <openssl/evp.h>

#include "controller/base/text.h"

namespace holdfast::kubernetes {

namespace {

constexpr size_t kMaxToken = 16u << 10;
constexpr const char* kGroup = "holdfast.dev";
constexpr const char* kServicesResource = "services";

// Empty if there is no such digest here.
std::string hash_of(std::string_view token) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (EVP_Digest(token.data(), token.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1) return {};
  return to_hex(std::span(digest).first(length));
}

bool could_be_token(const std::string& token) {
  return !token.empty() && token.size() <= kMaxToken &&
         std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

tl::unexpected<Error> not_valid() {
  return fail(ErrorCode::kPermission, "the cluster doesn't know this token, or it has expired",
              "send a new one: kubectl create token SERVICEACCOUNT");
}

}  // namespace

TokenAuth::TokenAuth(Client& client, const Clock& clock, Options options)
    : client_(client), clock_(clock), options_(std::move(options)) {}

Result<TokenIdentity> TokenAuth::authenticate(const std::string& token) {
  if (!could_be_token(token)) return not_valid();
  const auto hash = hash_of(token);
  if (hash.empty()) return fail(ErrorCode::kInternal, "there is no SHA-256 in the library");
  std::unique_lock lock(mutex_);
  if (const auto it = entries_.find(hash); it != entries_.end()) {
    const auto entry = it->second;  // stays, whatever becomes of the map
    if (!entry->answer || clock_.now() < entry->until) {
      answered_.wait(lock, [&] { return entry->answer.has_value(); });
      return *entry->answer;
    }
  }
  if (asking_ >= options_.at_once)
    return fail(ErrorCode::kUnavailable, "too many unknown tokens are being asked about", "try again");
  const auto entry = std::make_shared<Entry>();
  entries_[hash] = entry;
  ++asking_;
  lock.unlock();
  auto answer = ask(token);
  lock.lock();
  --asking_;
  const bool unsure = !answer && answer.error().code != ErrorCode::kPermission;
  const bool known = answer && answer->level != AccessLevel::kNone;
  const auto now = clock_.now();
  entry->answer = std::move(answer);
  entry->until = now + (known ? options_.keep_known : options_.keep_unknown);
  if (unsure) entries_.erase(hash);  // those who wait have it, the next one asks again
  make_room(now);
  answered_.notify_all();
  return *entry->answer;
}

void TokenAuth::make_room(MonoTime now) {
  std::erase_if(entries_, [&](const auto& item) { return item.second->answer && item.second->until <= now; });
  while (entries_.size() > options_.remembered) {
    const auto time = [](const EntryPtr& entry) { return entry->answer ? entry->until : MonoTime::max(); };
    entries_.erase(std::min_element(entries_.begin(), entries_.end(), [&](const auto& a, const auto& b) {
      return time(a.second) < time(b.second);
    }));
  }
}

// What goes wrong between the controller and the API server is nothing that the caller did.
Result<Json> TokenAuth::create(const Resource& resource, const Json& object) {
  auto review = client_.create(resource, {}, object);
  if (review) return review;
  auto error = std::move(review.error());
  error.code = ErrorCode::kUnavailable;
  error.message = "tokens of the cluster can't be checked now: " + error.message;
  return fail(std::move(error));
}

Result<TokenIdentity> TokenAuth::ask(const std::string& token) {
  auto spec = Json::object({{"token", token}});
  if (!options_.audiences.empty()) {
    auto audiences = Json::array();
    for (const auto& audience : options_.audiences) audiences.push_back(audience);
    spec.set("audiences", std::move(audiences));
  }
  const auto review = create(kTokenReviews, Json::object({{"spec", std::move(spec)}}));
  if (!review) return fail(review.error());
  const auto& status = review->at("status");
  const auto& user = status.at("user");
  if (!status.at("authenticated").as_bool() || user.at("username").as_string().empty()) return not_valid();
  const auto level = level_of(user);
  if (!level) return fail(level.error());
  return TokenIdentity{user.at("username").as_string(), *level};
}

Result<AccessLevel> TokenAuth::level_of(const Json& user) {
  static constexpr std::array<std::pair<std::string_view, AccessLevel>, 3> kVerbs{
      {{"*", AccessLevel::kAdmin}, {"update", AccessLevel::kOperator}, {"get", AccessLevel::kViewer}}};
  for (const auto& [verb, level] : kVerbs) {
    const auto yes = allowed(user, verb);
    if (!yes) return fail(yes.error());
    if (*yes) return level;
  }
  return AccessLevel::kNone;
}

Result<bool> TokenAuth::allowed(const Json& user, std::string_view verb) {
  auto spec = Json::object({{"user", user.at("username")},
                            {"resourceAttributes", Json::object({{"group", kGroup},
                                                                 {"resource", kServicesResource},
                                                                 {"namespace", options_.namespace_},
                                                                 {"verb", verb}})}});
  for (const auto* key : {"groups", "uid", "extra"})
    if (const Json* value = user.find(key)) spec.set(key, *value);
  const auto review = create(kSubjectAccessReviews, Json::object({{"spec", std::move(spec)}}));
  if (!review) return fail(review.error());
  const auto& status = review->at("status");
  return status.at("allowed").as_bool() && !status.at("denied").as_bool();
}

}  // namespace holdfast::kubernetes
