// What Holdfast remembers of a workload, in annotations of its Deployment: a controller that is new, on
// another machine, knows all that the one before it did.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controller/base/json.h"
#include "runtimes/kubernetes/manifest.h"

namespace holdfast::kubernetes {

struct Rejection {
  std::string hash{}, because{};
  std::uint64_t nonce = 0;
};

struct Book {
  std::optional<Manifest> applied{};    // the newest; without it nobody can tell drift from a new declaration
  std::optional<int> replicas{};        // asked for last: 0 while it is stopped
  std::optional<Manifest> stable{};     // ran well last, before what is applied now
  std::optional<Rejection> rejected{};  // what was gone back from
};

Book read_book(const Json& deployment);
// The Deployment to give to server-side apply. A stable manifest that there is no room for is left out.
Json write_book(Json deployment, const Book& book);

}  // namespace holdfast::kubernetes
