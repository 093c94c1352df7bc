#include <algorithm>
#include <cctype>

#include "controller/config/compose/service.h"

namespace holdfast::config {

namespace {

// Names that decode_service takes.
bool is_variable_name(const std::string& name) {
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-';
         });
}

void set_variable(Section& service, Json& env, const std::string& name, const std::string& value,
                  const std::string& path) {
  if (is_variable_name(name))
    env.set(name, escape_parameters(value));
  else
    service.compose().note(path, "not carried over ('" + name + "' is not the name of a variable)");
}

void read_env_file(Section& service, const Node& node, const std::string& name, bool required,
                   const std::string& path, Json& env) {
  auto& compose = service.compose();
  const auto file = compose.absolute(name);
  const auto text = compose.input.read_file(file);
  if (!text) {
    if (required || text.error().code != ErrorCode::kNotFound)
      compose.fault(node, path, text.error().message);
    else
      compose.note(path, file + " is not there; compose goes on without it too");
    return;
  }
  const auto variables = parse_env_file(*text, compose.lookup);
  if (!variables) {
    compose.fault(node, path, file + ": " + variables.error().message);
    return;
  }
  for (const auto& [key, value] : *variables) {
    if (value) set_variable(service, env, key, *value, path);
  }
  compose.note(path, "the variables of " + file + " were copied; later changes of it don't count");
}

void read_env_files(Section& service, Json& env) {
  const Node* files = service.take("env_file");
  if (!files) return;
  const auto one = [&](const Node& node, const std::string& path) {
    if (auto name = text_of(node)) {
      read_env_file(service, node, *name, true, path, env);
      return;
    }
    Section long_form(service.compose(), node, path);
    const auto name = long_form.text("path");
    const bool required = long_form.boolean("required").value_or(true);
    if (name)
      read_env_file(service, node, *name, required, path, env);
    else
      service.compose().fault(node, path, "path is missing");
    long_form.finish();
  };
  if (!files->is_array()) return one(*files, service.at("env_file"));
  for (size_t i = 0; i < files->items.size(); ++i)
    one(files->items[i], service.at("env_file") + "." + std::to_string(i));
}

Json read_environment(Section& service) {
  Json env = Json::object();
  read_env_files(service, env);
  for (const auto& entry : service.pairs("environment", "=")) {
    if (entry.value) {
      set_variable(service, env, entry.key, *entry.value, entry.path);
    } else if (const auto value = service.compose().lookup(entry.key)) {
      set_variable(service, env, entry.key, *value, entry.path);
      service.compose().note(entry.path, "its value of now was copied from the environment");
    } else {
      service.compose().note(entry.path, "left out: it takes its value from the environment, which has none");
    }
  }
  return env;
}

// Tells how to build what Holdfast only runs.
void read_build(Section& service, std::string& image, Converted& out) {
  const Node* build = service.take("build");
  if (!build) return;
  auto& compose = service.compose();
  if (image.empty()) {
    image = compose.project + "-" + compose.service;
    // Without this, an image of that name would be looked for in a public registry.
    out.docker.set("pullPolicy", "never");
  }
  std::string context = text_of(*build).value_or(""), more;
  if (build->is_object()) {
    Section section(compose, *build, service.at("build"));
    context = section.text("context").value_or(".");
    if (const auto file = section.text("dockerfile")) {
      const bool outside = file->starts_with('/');
      more += " -f " + (outside ? *file : compose.absolute(context + "/" + *file));
    }
    if (const auto target = section.text("target")) more += " --target " + *target;
    for (const auto& arg : section.pairs("args", "="))
      more += " --build-arg " + arg.key + (arg.value ? "=" + *arg.value : "");
  }
  const bool remote = context.find("://") != std::string::npos || context.starts_with("git@");
  service.note("build", "not carried over (Holdfast builds no images): docker build -t " + image + more +
                            " " + (remote ? context : compose.absolute(context)));
}

void read_pull_policy(Section& service, Converted& out) {
  const Node* node = service.take("pull_policy");
  if (!node) return;
  const auto policy = text_of(*node).value_or("");
  if (policy == "always" || policy == "never")
    out.docker.set("pullPolicy", policy);
  else if (policy != "missing" && policy != "if_not_present" && policy != "build")
    service.not_carried_over("pull_policy", "Holdfast knows always, ifNotPresent and never");
}

void read_image(Section& service, Converted& out) {
  std::string image = service.text("image").value_or("");
  read_build(service, image, out);
  read_pull_policy(service, out);
  if (image.empty())
    service.compose().fault(service.node(), service.path(),
                            "neither image nor build is there: what is to run?");
  out.docker.set("image", escape_parameters(image));
}

}  // namespace

void convert_program(Section& service, Converted& out) {
  read_image(service, out);
  const auto entrypoint = service.words("entrypoint");
  // An empty text stands for an empty list.
  if (entrypoint) out.docker.set("entrypoint", escaped_list(*entrypoint));
  const auto command = service.words("command");
  if (command && !command->empty())
    out.service.set(command->front().empty() ? "args" : "command", escaped_list(*command));
  else if (command && !entrypoint)
    service.note("command", "an empty command is not carried over (the image's own command is used)");
  if (auto env = read_environment(service); !env.members().empty()) out.service.set("env", std::move(env));
  if (const auto directory = service.text("working_dir")) {
    if (directory->starts_with('/'))
      out.service.set("workingDir", escape_parameters(*directory));
    else
      service.not_carried_over("working_dir", "it isn't an absolute path");
  }
  if (const auto user = service.text("user"); user && !user->empty()) out.service.set("user", *user);
}

}  // namespace holdfast::config
