// PUT /containers/{id}/archive, which wants the directory to exist.

#include "controller/base/text.h"
#include "runtimes/docker/engine/client_impl.h"
#include "runtimes/docker/engine/failure.h"
#include "runtimes/docker/engine/tar.h"

namespace holdfast::docker {

namespace {

// "Could not find the file", and Podman's "no such file or directory"; but not of a container.
bool no_such_directory(const Error& error) {
  const bool missing = error.code == ErrorCode::kNotFound || mentions(error, "no such file or directory") ||
                       mentions(error, "could not be found");
  return missing && !mentions(error, "no such container");
}

// "/a/b" and "c/d" for a directory of four names cut after the second.
struct Cut {
  std::string above{}, below{};
};

Cut cut_at(const std::string& directory, size_t slash) {
  return {slash == 0 ? "/" : directory.substr(0, slash), directory.substr(slash + 1)};
}

}  // namespace

Result<Response> EngineClient::unpack(const std::string& container, const std::string& directory,
                                      const std::string& tar) {
  return session_.call({.method = "PUT",
                        .target = "/containers/" + percent_encode(container) +
                                  "/archive?path=" + percent_encode(directory, "/"),
                        .what = "writing files to " + directory + " of container '" + container + "'",
                        .content_type = "application/x-tar",
                        .body = tar,
                        .timeout = timeouts_.upload});
}

// What exists keeps its owner and mode, so only what is missing may be in the archive: from the directory up,
// the first that exists gets all below it.
Status EngineClient::make_directory(const std::string& container, const std::string& directory) {
  auto slash = directory.rfind('/');
  for (;;) {
    const auto cut = cut_at(directory, slash);
    const auto made = unpack(container, cut.above, tar_of_directories(cut.below));
    if (made) return {};
    if (slash == 0 || !no_such_directory(made.error())) return fail(made.error());
    slash = directory.rfind('/', slash - 1);
  }
}

Status EngineClient::upload(const std::string& container, const std::string& directory,
                            const std::string& tar) {
  std::string path = directory;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (!path.starts_with('/'))
    return fail(ErrorCode::kInvalid,
                "writing files to container '" + container + "': '" + directory + "' isn't an absolute path");
  auto done = unpack(container, path, tar);
  if (!done && path != "/" && no_such_directory(done.error())) {
    if (auto made = make_directory(container, path); !made) return made;
    done = unpack(container, path, tar);
  }
  if (!done) return fail(done.error());
  return {};
}

}  // namespace holdfast::docker
