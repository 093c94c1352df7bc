#include "runtimes/kubernetes/book.h"

#include <charconv>

#include "runtimes/kubernetes/names.h"

namespace holdfast::kubernetes {

namespace {

constexpr size_t kRoom = 200u << 10;  // of the 256 KiB that annotations may have in all

std::optional<Manifest> manifest_in(const Json& annotations, const char* key) {
  const auto value = parse_json(annotations.at(key).as_string());
  return value ? manifest_from(*value) : std::nullopt;
}

}  // namespace

Book read_book(const Json& deployment) {
  const Json& annotations = deployment.at("metadata").at("annotations");
  Book book;
  book.applied = manifest_in(annotations, kAppliedNote);
  book.stable = manifest_in(annotations, kStableNote);
  const auto& replicas = annotations.at(kReplicasNote).as_string();
  int number = 0;
  if (std::from_chars(replicas.data(), replicas.data() + replicas.size(), number).ec == std::errc{})
    book.replicas = number;
  if (const auto rejected = parse_json(annotations.at(kRejectedNote).as_string());
      rejected && !rejected->at("hash").as_string().empty()) {
    book.rejected = Rejection{.hash = rejected->at("hash").as_string(),
                              .because = rejected->at("because").as_string(),
                              .nonce = static_cast<std::uint64_t>(rejected->at("nonce").as_int())};
  }
  return book;
}

Json write_book(Json deployment, const Book& book) {
  auto notes = Json::object();
  size_t used = 0;
  if (book.applied) {
    auto text = dump_json(to_json(*book.applied));
    used = text.size();
    if (used < kRoom) notes.set(kAppliedNote, std::move(text));
  }
  if (book.stable) {
    auto text = dump_json(to_json(*book.stable));
    if (used + text.size() < kRoom) notes.set(kStableNote, std::move(text));
  }
  if (book.replicas) notes.set(kReplicasNote, std::to_string(*book.replicas));
  if (book.rejected)
    notes.set(kRejectedNote, dump_json(Json::object({{"hash", book.rejected->hash},
                                                     {"nonce", book.rejected->nonce},
                                                     {"because", book.rejected->because}})));
  auto patch = Json::object({{"metadata", Json::object({{"annotations", std::move(notes)}})}});
  merge_patch(deployment, patch);
  return deployment;
}

}  // namespace holdfast::kubernetes
