#include "runtimes/secrets.h"

#include <cstdlib>

#include "controller/base/file.h"

namespace holdfast {

Result<std::string> read_secret(const std::string& variable, const SecretRef& secret) {
  const std::string what = "env " + variable + ": ";
  switch (secret.source) {
    case SecretRef::Source::kFile: {
      auto text = read_file(secret.name, 1u << 20);
      if (!text) {
        return fail(text.error().code, what + text.error().message,
                    "make the secret's file readable for the controller");
      }
      while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
      return text;
    }
    case SecretRef::Source::kEnv:
      if (const char* value = std::getenv(secret.name.c_str())) return std::string(value);
      return fail(ErrorCode::kNotFound, what + "the controller's environment has no variable " + secret.name,
                  "set it where holdfast is started");
    case SecretRef::Source::kKubernetes:
      break;
  }
  return fail_terminal(ErrorCode::kInvalid,
                       what + "a Kubernetes Secret can only be read by the kubernetes runtime",
                       "use secret.file or secret.env");
}

}  // namespace holdfast
