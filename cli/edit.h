// `holdfast config edit`: the API's layer of the configuration in an editor.
#pragma once

#include <string>
#include <vector>

#include "cli/session.h"

namespace holdfast::cli {

struct EditOptions {
  std::string editor;  // empty: $VISUAL, $EDITOR, vi
};

// Opens the editor until the document is valid and taken, or is left as it was: what is wrong stands as a
// comment above it. An edit that somebody else overtook is refused, and kept in a file.
int edit(Session& session, const EditOptions& options);

// The calls that turn the API's layer from `before` into `after`; `lower` is what the layers below it make.
// A service from which something was removed is put as a whole: a merge patch could only delete what lower
// layers say, too.
std::vector<Call> edit_calls(const Json& before, const Json& after, const Json& lower);

}  // namespace holdfast::cli
