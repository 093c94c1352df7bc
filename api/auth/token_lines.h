// The text of a token file (see token_file.h). Not for others than api/auth.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/auth/token_file.h"
#include "controller/base/result.h"

namespace holdfast::auth {

struct TokenLine {
  TokenInfo info;
  std::string salt, hash;  // hexadecimal
};

bool valid_token_name(std::string_view name);
// kInvalid names file and line, never the line's text: it may hold what should not be logged.
Result<std::vector<TokenLine>> parse_token_lines(const std::string& path, std::string_view text);
Result<std::vector<TokenLine>> read_token_lines(const std::string& path);
std::string format_token_line(const TokenLine& line);
// The same text, comments and order included, without the tokens of this name.
std::string without_token(std::string_view text, std::string_view name);

}  // namespace holdfast::auth
