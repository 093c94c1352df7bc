#include "api/auth/token_lines.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "controller/base/file.h"
#include "controller/base/json.h"

namespace holdfast::auth {
namespace {

constexpr size_t kHashHex = 64;  // digits of SHA-256

bool is_hex(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

Result<TokenLine> parse_line(std::string_view text) {
  const auto json = parse_json(text);
  if (!json) return fail(ErrorCode::kInvalid, "no JSON object");
  const auto role = parse_role(json->at("role").as_string());
  if (!role) return fail(role.error());
  TokenLine line{
      {json->at("id").as_string(), json->at("name").as_string(), *role, json->at("created").as_string()},
      json->at("salt").as_string(),
      json->at("hash").as_string()};
  if (!valid_token_name(line.info.name))
    return fail(ErrorCode::kInvalid, "name: expected 1 to 63 of [A-Za-z0-9._-]");
  if (!is_hex(line.info.id) || !is_hex(line.salt) || !is_hex(line.hash) || line.hash.size() != kHashHex)
    return fail(ErrorCode::kInvalid, "id, salt and hash: expected lower-case hexadecimal, hash of 64 digits");
  return line;
}

bool holds_nothing(std::string_view line) {
  const size_t first = line.find_first_not_of(" \t\r");
  return first == std::string_view::npos || line[first] == '#';
}

// Calls visit(number, line) for each line, counted from 1, until it returns false.
void each_line(std::string_view text, const std::function<bool(int, std::string_view)>& visit) {
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    if (!visit(number, text.substr(0, end))) return;
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

}  // namespace

bool valid_token_name(std::string_view name) {
  constexpr size_t kMaxName = 63;
  return !name.empty() && name.size() <= kMaxName && std::all_of(name.begin(), name.end(), [](char c) {
    return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
  });
}

Result<std::vector<TokenLine>> parse_token_lines(const std::string& path, std::string_view text) {
  Result<std::vector<TokenLine>> lines;
  each_line(text, [&](int number, std::string_view text_of_line) {
    if (holds_nothing(text_of_line)) return true;
    auto line = parse_line(text_of_line);
    if (line)
      lines->push_back(*std::move(line));
    else
      lines = fail(ErrorCode::kInvalid, path + ":" + std::to_string(number) + ": " + line.error().message,
                   "each line is one token, as `holdfast token create` writes it");
    return lines.has_value();
  });
  return lines;
}

Result<std::vector<TokenLine>> read_token_lines(const std::string& path) {
  constexpr size_t kMaxFile = 4u << 20;
  const auto text = read_file(path, kMaxFile);
  if (!text) return fail(text.error());
  return parse_token_lines(path, *text);
}

std::string format_token_line(const TokenLine& line) {
  return dump_json(Json::object({{"name", line.info.name},
                                 {"role", http::to_string(line.info.role)},
                                 {"id", line.info.id},
                                 {"salt", line.salt},
                                 {"hash", line.hash},
                                 {"created", line.info.created}})) +
         "\n";
}

std::string without_token(std::string_view text, std::string_view name) {
  std::string kept;
  each_line(text, [&](int, std::string_view line) {
    const auto parsed =
        holds_nothing(line) ? Result<TokenLine>(fail(ErrorCode::kInvalid, "")) : parse_line(line);
    if (!parsed || parsed->info.name != name) kept += std::string(line) + "\n";
    return true;
  });
  return kept;
}

}  // namespace holdfast::auth
