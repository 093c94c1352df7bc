// `holdfast config edit`: the API's layer of the configuration in an editor.
#pragma once

#include <string>

#include "cli/session.h"

namespace holdfast::cli {

struct EditOptions {
  std::string editor;  // empty: $VISUAL, $EDITOR, vi
};

// Opens the editor until the document is valid and taken, or is left as it was: what is wrong stands as a
// comment above it. An edit that somebody else overtook is refused, and kept in a file.
int edit(Session& session, const EditOptions& options);

// The merge patch whose result is that of the layer `after` in place of `before`, over `lower`, which is what
// the layers below make. The API's layer keeps a null, because that deletes what lower layers say; so what
// was taken out is set to what they say now.
Json edit_patch(const Json& before, const Json& after, const Json& lower);

}  // namespace holdfast::cli
