#include "controller/config/compose/words.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

namespace holdfast::config {

namespace {

bool is_name_start(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
}
bool is_name_part(char c) {
  return is_name_start(c) || std::isdigit(static_cast<unsigned char>(c)) != 0;
}

std::string_view take_name(std::string_view& text) {
  size_t end = 0;
  if (!text.empty() && is_name_start(text.front())) {
    while (end < text.size() && is_name_part(text[end])) ++end;
  }
  const auto name = text.substr(0, end);
  text.remove_prefix(end);
  return name;
}

// Where the } of a ${ stands, before which further ${ } may; npos if nowhere.
size_t closing_brace(std::string_view text) {
  int depth = 1;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '$' && i + 1 < text.size() && (text[i + 1] == '{' || text[i + 1] == '$')) {
      depth += text[i + 1] == '{' ? 1 : 0;
      ++i;
    } else if (text[i] == '}' && --depth == 0) {
      return i;
    }
  }
  return std::string_view::npos;
}

class Interpolation {
 public:
  Interpolation(const Lookup& lookup, std::vector<std::string>& unset) : lookup_(lookup), unset_(unset) {}

  Result<std::string> run(std::string_view text, int depth = 0) const {
    if (depth > kDeepest) return fail(ErrorCode::kInvalid, "${ } stand within each other too deeply");
    std::string out;
    while (!text.empty()) {
      const auto dollar = std::min(text.find('$'), text.size());
      out += text.substr(0, dollar);
      text.remove_prefix(dollar);
      if (text.empty()) break;
      auto value = take_variable(text, depth);
      if (!value) return value;
      out += *value;
    }
    return out;
  }

 private:
  static constexpr int kDeepest = 20;

  // text begins with a $.
  Result<std::string> take_variable(std::string_view& text, int depth) const {
    if (text.starts_with("$$")) {
      text.remove_prefix(2);
      return "$";
    }
    text.remove_prefix(1);
    if (!text.starts_with('{')) {
      const std::string name(take_name(text));
      if (name.empty()) return bad("a $ isn't followed by a variable's name");
      return value_of(name);
    }
    text.remove_prefix(1);
    const auto end = closing_brace(text);
    if (end == std::string_view::npos) return bad("a ${ isn't closed");
    auto value = braced(text.substr(0, end), depth);
    text.remove_prefix(end + 1);
    return value;
  }

  [[nodiscard]] Result<std::string> braced(std::string_view inside, int depth) const {
    const std::string name(take_name(inside));
    if (name.empty()) return bad("a ${ isn't followed by a variable's name");
    if (inside.empty()) return value_of(name);
    const bool empty_counts = inside.starts_with(':');  // as if it weren't set
    if (empty_counts) inside.remove_prefix(1);
    const char operation = inside.empty() ? '\0' : inside.front();
    if (operation != '-' && operation != '?' && operation != '+')
      return bad("the variable's name " + name + " is followed by what is no -, ? or +");
    inside.remove_prefix(1);
    const auto value = lookup_(name);
    const bool there = value && !(empty_counts && value->empty());
    if (operation == '+') return there ? run(inside, depth + 1) : Result<std::string>("");
    if (there) return *value;
    auto other = run(inside, depth + 1);
    if (operation == '-' || !other) return other;
    return fail(ErrorCode::kInvalid,
                "the variable " + name + " must be set" + (other->empty() ? "" : ": " + *other));
  }

  [[nodiscard]] std::string value_of(const std::string& name) const {
    if (auto value = lookup_(name)) return *value;
    unset_.push_back(name);
    return {};
  }

  static tl::unexpected<Error> bad(const std::string& what) {
    return fail(ErrorCode::kInvalid, what + "; for a literal $ write $$");
  }

  const Lookup& lookup_;
  std::vector<std::string>& unset_;
};

// A value of an env file from its first character on; the rest of text begins behind it.
Result<std::string> take_quoted(std::string_view& text, const Lookup& lookup) {
  const char quote = text.front();
  std::string raw;
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == quote) {
      text.remove_prefix(i + 1);
      if (quote == '\'') return raw;
      std::vector<std::string> unset;
      return interpolate(raw, lookup, unset);
    }
    if (quote == '"' && text[i] == '\\' && i + 1 < text.size()) {
      const char c = text[++i];
      raw += c == 'n' ? "\n" : c == 't' ? "\t" : c == 'r' ? "\r" : c == '$' ? "$$" : std::string(1, c);
    } else {
      raw += text[i];
    }
  }
  return fail(ErrorCode::kInvalid, "a quote isn't closed");
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

Result<std::string> plain_value(std::string_view line, const Lookup& lookup) {
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t')) line = line.substr(0, i);
  }
  std::vector<std::string> unset;
  return interpolate(trimmed(line), lookup, unset);
}

}  // namespace

Result<std::string> interpolate(std::string_view text, const Lookup& lookup,
                                std::vector<std::string>& unset) {
  return Interpolation(lookup, unset).run(text);
}

Result<std::vector<std::string>> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = '\0';
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (quote == '\0' && blank) {
      if (in_word) words.push_back(std::exchange(word, {}));
      in_word = false;
    } else if (quote == '\0' && (c == '"' || c == '\'')) {
      quote = c;
      in_word = true;
    } else if (c == quote) {
      quote = '\0';
    } else if (c == '\\' && quote != '\'') {
      if (i + 1 == text.size()) return fail(ErrorCode::kInvalid, "it ends with a backslash");
      const char next = text[++i];
      // Within double quotes a backslash escapes only these.
      if (quote == '"' && std::string_view("\"\\$`\n").find(next) == std::string_view::npos) word += '\\';
      if (next != '\n') word += next;
      in_word = in_word || next != '\n';
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote != '\0') return fail(ErrorCode::kInvalid, std::string("a ") + quote + " isn't closed");
  if (in_word) words.push_back(word);
  return words;
}

Result<std::int64_t> parse_compose_bytes(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string unit(end, text.data() + text.size());
  unit.erase(0, unit.find_first_not_of(' '));
  std::transform(unit.begin(), unit.end(), unit.begin(), [](unsigned char c) { return std::tolower(c); });
  if (unit.ends_with("b")) unit.pop_back();
  if (unit.ends_with("i")) unit.pop_back();
  constexpr std::string_view kUnits = "kmgtp";
  const auto power = unit.empty() ? 0 : kUnits.find(unit) + 1;
  if (error != std::errc{} || number < 0 || unit.size() > 1 || power > kUnits.size() ||
      (power == 0 && !unit.empty()))
    return fail(ErrorCode::kInvalid, "'" + std::string(text) + "' is not a size such as 512m or 1g");
  const double bytes = std::ldexp(number, static_cast<int>(power) * 10);
  if (bytes >= 0x1p62) return fail(ErrorCode::kInvalid, "'" + std::string(text) + "' is too large a size");
  return static_cast<std::int64_t>(bytes);
}

Json quantity(std::int64_t bytes) {
  constexpr std::array<const char*, 5> kUnits{"", "Ki", "Mi", "Gi", "Ti"};
  size_t unit = 0;
  while (bytes > 0 && bytes % 1024 == 0 && unit + 1 < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  return unit == 0 ? Json(bytes) : Json(std::to_string(bytes) + kUnits.at(unit));
}

Result<std::vector<std::pair<std::string, std::optional<std::string>>>> parse_env_file(std::string_view text,
                                                                                       const Lookup& lookup) {
  std::vector<std::pair<std::string, std::optional<std::string>>> out;
  // What stands above may be used below; what is set outside wins.
  const Lookup all = [&](const std::string& name) -> std::optional<std::string> {
    if (auto value = lookup(name)) return value;
    for (auto it = out.rbegin(); it != out.rend(); ++it) {
      if (it->first == name) return it->second;
    }
    return std::nullopt;
  };
  const std::string_view whole = text;
  const auto bad = [&](std::string_view rest, const std::string& what) {
    const auto line = std::count(whole.begin(), whole.end() - static_cast<std::ptrdiff_t>(rest.size()), '\n');
    return fail(ErrorCode::kInvalid, "line " + std::to_string(line + 1) + ": " + what);
  };
  while (!text.empty()) {
    const auto rest = text;
    auto line = trimmed(text.substr(0, text.find('\n')));
    const auto next = [&] { text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1); };
    if (line.empty() || line.front() == '#') {
      next();
      continue;
    }
    if (line.starts_with("export ")) line = trimmed(line.substr(7));
    const auto equals = line.find('=');
    const auto name = trimmed(line.substr(0, equals));
    if (name.empty() || name.find_first_of(" \t\"'") != std::string_view::npos)
      return bad(rest, "expected NAME=value");
    if (equals == std::string_view::npos) {
      out.emplace_back(name, lookup(std::string(name)));
      next();
      continue;
    }
    const auto value = trimmed(line.substr(equals + 1));
    Result<std::string> read = "";
    if (value.starts_with('"') || value.starts_with('\'')) {
      // It may go on over several lines.
      text.remove_prefix(static_cast<size_t>(value.data() - text.data()));
      read = take_quoted(text, all);
      if (read && !text.empty()) next();
    } else {
      read = plain_value(value, all);
      next();
    }
    if (!read) return bad(rest, read.error().message);
    out.emplace_back(name, std::move(*read));
  }
  return out;
}

std::string escape_parameters(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("${")) out += '$';
    out += text[i];
  }
  return out;
}

}  // namespace holdfast::config
