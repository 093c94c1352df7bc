#include "cli/completion.h"

#include <algorithm>
#include <vector>

#include "cli/session.h"
#include "controller/base/text.h"

namespace holdfast::cli {
namespace {

enum class Values { kNone, kAny, kService, kFile, kDirectory, kChoice };

struct OptionNode {
  std::vector<std::string> names;  // "-o", "--output"
  std::string description;
  Values values = Values::kNone;  // kNone: a flag
  std::vector<std::string> choices;
};

struct CommandNode {
  std::string name, description;
  std::vector<std::string> path;  // without the program
  std::vector<OptionNode> options;
  OptionNode positional;
  std::vector<CommandNode> children;
};

std::vector<std::string> choices_of(const CLI::Option& option) {
  // CLI11 keeps a set of allowed values only as text: "TEXT:{a,b}".
  const auto type = option.get_type_name();
  const auto open = type.find('{');
  std::vector<std::string> choices;
  if (open == std::string::npos) return choices;
  auto rest = type.substr(open + 1, type.rfind('}') - open - 1);
  for (;;) {
    const auto comma = rest.find(',');
    choices.push_back(rest.substr(0, comma));
    if (comma == std::string::npos) return choices;
    rest.erase(0, comma + 1);
  }
}

Values values_of(const CLI::Option& option, const std::vector<std::string>& choices) {
  const auto type = option.get_type_name();
  if (option.get_items_expected_max() == 0) return Values::kNone;
  if (!choices.empty()) return Values::kChoice;
  if (type == kService) return Values::kService;
  if (type == kFile) return Values::kFile;
  return type == kDirectory ? Values::kDirectory : Values::kAny;
}

OptionNode option_node(const CLI::Option& option) {
  OptionNode node;
  for (const auto& name : option.get_snames()) node.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) node.names.push_back("--" + name);
  node.description = option.get_description();
  node.choices = choices_of(option);
  node.values = values_of(option, node.choices);
  return node;
}

CommandNode command_node(const CLI::App& app, std::vector<std::string> path,
                         const std::vector<OptionNode>& global) {
  CommandNode node;
  node.name = app.get_name();
  node.description = app.get_description();
  node.path = std::move(path);
  for (const auto* option : app.get_options()) {
    if (option->get_positional()) {
      if (node.positional.values == Values::kNone) node.positional = option_node(*option);
    } else {
      node.options.push_back(option_node(*option));
    }
  }
  auto inherited = global;
  if (node.path.empty()) {
    std::copy_if(
        node.options.begin(), node.options.end(), std::back_inserter(inherited),
        [](const OptionNode& o) { return o.names.back() != "--help" && o.names.back() != "--version"; });
  } else {
    // A command's own option hides a global one of the same name.
    const auto own = node.options;
    std::copy_if(global.begin(), global.end(), std::back_inserter(node.options), [&](const OptionNode& o) {
      return std::none_of(own.begin(), own.end(),
                          [&](const OptionNode& mine) { return mine.names.front() == o.names.front(); });
    });
  }
  for (const auto* child : app.get_subcommands({})) {
    auto child_path = node.path;
    child_path.push_back(child->get_name());
    node.children.push_back(command_node(*child, std::move(child_path), inherited));
  }
  return node;
}

template <typename Visit>
void for_each(const CommandNode& node, const Visit& visit) {
  visit(node);
  for (const auto& child : node.children) for_each(child, visit);
}

std::vector<std::string> words_of(const CommandNode& node) {
  std::vector<std::string> words;
  words.reserve(node.children.size());
  for (const auto& child : node.children) words.push_back(child.name);
  return words;
}

// Without what would end a quoted text of a shell, or a description of zsh.
std::string quotable(std::string text) {
  std::erase_if(text, [](char c) { return c == '\'' || c == '[' || c == ']' || c == ':' || c == '\\'; });
  return text;
}

// One case of bash's: a word where a command is being given.
std::string quoted_key(const std::string& path, const std::string& word) {
  return "'" + path + ":" + word + "'";
}

// ---- bash

std::string bash_values(const OptionNode& option) {
  switch (option.values) {
    case Values::kService:
      return "_holdfast_services";
    case Values::kFile:
      return "COMPREPLY=($(compgen -f -- \"$cur\")); compopt -o filenames 2>/dev/null";
    case Values::kDirectory:
      return "COMPREPLY=($(compgen -d -- \"$cur\")); compopt -o filenames 2>/dev/null";
    case Values::kChoice:
      return "COMPREPLY=($(compgen -W '" + join(option.choices, " ") + "' -- \"$cur\"))";
    case Values::kNone:
    case Values::kAny:
      break;
  }
  return ":";
}

std::string bash_options(const CommandNode& node) {
  std::vector<std::string> names;
  for (const auto& option : node.options) names.insert(names.end(), option.names.begin(), option.names.end());
  return join(names, " ");
}

std::string bash_script(const CommandNode& root) {
  std::string steps, taking, values, words;
  for_each(root, [&](const CommandNode& node) {
    const auto path = join(node.path, " ");
    for (const auto& child : node.children) {
      steps += "      '" + path + ":" + child.name + "') path='" + join(child.path, " ") + "'; continue ;;\n";
    }
    std::vector<std::string> keys;
    for (const auto& option : node.options) {
      if (option.values == Values::kNone) continue;
      for (const auto& name : option.names) {
        const auto key = quoted_key(path, name);
        keys.push_back(key);
        values.append("    ").append(key).append(") ").append(bash_values(option)).append("; return ;;\n");
      }
    }
    if (!keys.empty()) taking += "      " + join(keys, "|") + ") skip=1; continue ;;\n";
    words += "    '" + path + "')\n      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '" +
             bash_options(node) + "' -- \"$cur\")); return; fi\n";
    if (!node.children.empty()) {
      words += "      COMPREPLY=($(compgen -W '" + join(words_of(node), " ") + "' -- \"$cur\")) ;;\n";
    } else {
      words += "      " + bash_values(node.positional) + " ;;\n";
    }
  });
  return R"(# bash completion for holdfast; load it with: source <(holdfast completion bash)
_holdfast_services() {
  local names
  names=$(holdfast status -o names 2>/dev/null) || return 0
  COMPREPLY=($(compgen -W "$names" -- "$cur"))
}
_holdfast() {
  local cur="${COMP_WORDS[COMP_CWORD]}" prev="" path="" skip=0 i
  ((COMP_CWORD > 0)) && prev="${COMP_WORDS[COMP_CWORD-1]}"
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    if ((skip)); then skip=0; continue; fi
    case "$path:${COMP_WORDS[i]}" in
)" + steps +
         taking +
         R"(    esac
  done
  case "$path:$prev" in
)" + values +
         R"(  esac
  case "$path" in
)" + words +
         R"(  esac
}
complete -F _holdfast holdfast
)";
}

// ---- zsh

std::string zsh_values(const OptionNode& option) {
  switch (option.values) {
    case Values::kService:
      return ":service:_holdfast_services";
    case Values::kFile:
      return ":file:_files";
    case Values::kDirectory:
      return ":directory:_files -/";
    case Values::kChoice:
      return ":value:(" + join(option.choices, " ") + ")";
    case Values::kAny:
      return ":value: ";
    case Values::kNone:
      break;
  }
  return "";
}

std::string zsh_options(const CommandNode& node) {
  std::string text;
  for (const auto& option : node.options) {
    for (const auto& name : option.names) {
      text += " \\\n    '*" + name + "[" + quotable(option.description) + "]" + zsh_values(option) + "'";
    }
  }
  return text;
}

std::string zsh_function(const CommandNode& node) {
  auto name = "_holdfast" + (node.path.empty() ? "" : "_" + join(node.path, "_"));
  std::string text = name + "() {\n";
  if (node.children.empty()) {
    text += "  _arguments" + zsh_options(node);
    if (node.positional.values != Values::kNone) text += " \\\n    '*" + zsh_values(node.positional) + "'";
    return text + "\n}\n";
  }
  text += "  local context state line\n  typeset -A opt_args\n  _arguments -C" + zsh_options(node) +
          " \\\n    '1:command:->command' '*::argument:->rest'\n  case $state in\n    command)\n"
          "      local -a commands\n      commands=(";
  for (const auto& child : node.children)
    text += "\n        '" + child.name + ":" + quotable(child.description) + "'";
  text += ")\n      _describe command commands ;;\n    rest)\n      case $words[1] in\n";
  for (const auto& child : node.children)
    text += "        " + child.name + ") " + name + "_" + child.name + " ;;\n";
  return text + "      esac ;;\n  esac\n}\n";
}

std::string zsh_script(const CommandNode& root) {
  std::string text = R"zsh(#compdef holdfast
# zsh completion for holdfast; load it with: source <(holdfast completion zsh)
_holdfast_services() {
  local -a names
  names=(${(f)"$(holdfast status -o names 2>/dev/null)"})
  compadd -a names
}
)zsh";
  for_each(root, [&](const CommandNode& node) { text += zsh_function(node); });
  return text + "compdef _holdfast holdfast\n";
}

// ---- fish

std::string fish_condition(const CommandNode& node) {
  if (node.path.empty()) return "__fish_use_subcommand";
  auto text = "__fish_seen_subcommand_from " + node.path.front();
  if (node.path.size() > 1) return text + "; and __fish_seen_subcommand_from " + node.path.back();
  if (!node.children.empty()) text += "; and not __fish_seen_subcommand_from " + join(words_of(node), " ");
  return text;
}

std::string fish_values(const OptionNode& option) {
  switch (option.values) {
    case Values::kService:
      return " -xa '(holdfast status -o names 2>/dev/null)'";
    case Values::kFile:
      return " -rF";
    case Values::kDirectory:
      return " -xa '(__fish_complete_directories)'";
    case Values::kChoice:
      return " -xa '" + join(option.choices, " ") + "'";
    case Values::kAny:
      return " -x";
    case Values::kNone:
      break;
  }
  return "";
}

std::string fish_positional(const OptionNode& positional) {
  switch (positional.values) {
    case Values::kService:
      return " -a '(holdfast status -o names 2>/dev/null)'";
    case Values::kFile:
    case Values::kDirectory:
      return " -F";
    case Values::kChoice:
      return " -a '" + join(positional.choices, " ") + "'";
    case Values::kAny:
    case Values::kNone:
      break;
  }
  return "";
}

std::string fish_script(const CommandNode& root) {
  std::string text =
      "# fish completion for holdfast; load it with: holdfast completion fish | source\n"
      "complete -c holdfast -f\n";
  for_each(root, [&](const CommandNode& node) {
    const auto begin = "complete -c holdfast -n '" + fish_condition(node) + "'";
    for (const auto& child : node.children) {
      text += begin + " -a " + child.name + " -d '" + quotable(child.description) + "'\n";
    }
    if (const auto positional = fish_positional(node.positional); !positional.empty())
      text += begin + positional + "\n";
    for (const auto& option : node.options) {
      text += begin;
      for (const auto& name : option.names) {
        text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      text += fish_values(option) + " -d '" + quotable(option.description) + "'\n";
    }
  });
  return text;
}

}  // namespace

std::string completion_script(const CLI::App& app, const std::string& shell) {
  const auto root = command_node(app, {}, {});
  if (shell == "zsh") return zsh_script(root);
  return shell == "fish" ? fish_script(root) : bash_script(root);
}

}  // namespace holdfast::cli
