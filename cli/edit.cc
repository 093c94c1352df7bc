#include "cli/edit.h"

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <optional>
#include <ostream>
#include <sstream>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "controller/base/unique_fd.h"

namespace holdfast::cli {
namespace {

constexpr const char* kHelp =
    "# What was changed through the API, as one layer over the files. Save to apply; leave it as it is, or\n"
    "# empty, to cancel. What is taken out gets the value that the files give it now. Lines that begin\n"
    "# with # are left out.\n";

// A private file of one edit; removed unless it has to be kept.
class EditFile {
 public:
  static Result<std::unique_ptr<EditFile>> create(const std::string& directory) {
    std::string path = directory + "/holdfast-edit-XXXXXX.yaml";
    constexpr int kSuffix = 5;
    UniqueFd fd(mkostemps(path.data(), kSuffix, O_CLOEXEC));
    if (!fd) return fail(errno_error("cannot make a file in " + directory, errno));
    return std::make_unique<EditFile>(path);
  }
  explicit EditFile(std::string path) : path_(std::move(path)) {}
  ~EditFile() {
    if (!kept_) ::unlink(path_.c_str());
  }
  EditFile(const EditFile&) = delete;
  EditFile& operator=(const EditFile&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  void keep() { kept_ = true; }

 private:
  std::string path_;
  bool kept_ = false;
};

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::string editor_of(const Session& session, const EditOptions& options) {
  if (!options.editor.empty()) return options.editor;
  for (const auto* name : {"VISUAL", "EDITOR"}) {
    const auto value = session.terminal.environment(name);
    if (value && !words_of(*value).empty()) return *value;
  }
  return "vi";
}

// Never through a shell: the words of $EDITOR and the file are the program's arguments.
Status run_editor(const std::string& editor, const std::string& file) {
  auto words = words_of(editor);
  words.push_back(file);
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, argv[0], nullptr, nullptr, argv.data(), environ);
  if (error != 0) {
    auto failure = errno_error("cannot start the editor " + words[0], error);
    failure.hint = "name another one with --editor or EDITOR";
    return fail(std::move(failure));
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return fail(errno_error("cannot wait for the editor", errno));
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return fail(ErrorCode::kInvalid, "the editor " + words[0] + " ended with an error; nothing was changed");
}

// Without comment lines; blank if nothing else is there.
std::string without_comments(const std::string& text) {
  std::istringstream lines(text);
  std::string result;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('#')) result += line + "\n";
  }
  return result;
}

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

std::string as_comment(const Error& error) {
  std::string text = "# It was not taken:\n# " + printable(error.message) + "\n";
  for (const auto& detail : error.details) {
    text += "#   " + printable(detail.path) + ": " + printable(detail.message) + "\n";
  }
  if (!error.hint.empty()) text += "# " + printable(error.hint) + "\n";
  return text;
}

struct Layers {
  Json edits = Json::object();
  Json lower = Json::object();  // the others, merged
  std::string etag;
};

Result<Layers> fetch_layers(const Client& client) {
  const auto config = client.get("/api/v1/config");
  if (!config) return fail(config.error());
  const auto answer = client.get("/api/v1/config/layers");
  if (!answer) return fail(answer.error());
  Layers layers;
  layers.etag = config->at("etag").as_string();
  for (const auto& layer : answer->at("items").items()) {
    if (layer.at("name").as_string() == "edits") {
      layers.edits = layer.at("document");
    } else {
      merge_patch(layers.lower, layer.at("document"));
    }
  }
  if (!layers.edits.is_object()) layers.edits = Json::object();
  return layers;
}

// Null: there was nothing to do.
Result<Json> apply(const Client& client, const Layers& layers, const Json& wanted) {
  const auto patch = edit_patch(layers.edits, wanted, layers.lower);
  if (patch.members().empty()) return Json();
  const auto answer = client.call(
      {.method = "PATCH", .path = "/api/v1/config", .body = dump_json(patch), .if_match = layers.etag});
  if (!answer) return fail(answer.error());
  return answer->json();
}

Result<Json> parse_edited(const Session& session, const std::string& file, const std::string& text) {
  auto document = session.hooks.parse_document ? session.hooks.parse_document(file, text) : parse_json(text);
  if (document && !document->is_object()) {
    return fail(ErrorCode::kInvalid,
                "the document must be a mapping, not " + std::string(document->type_name()));
  }
  return document;
}

enum class Step { kAgain, kDone, kFailed };

// One look at what the editor left. `problem` is set when it has to be opened again.
Step take(const Session& session, const Client& client, const Layers& layers, EditFile& file,
          const std::string& last_body, std::optional<Error>& problem) {
  const auto saved = read_file(file.path());
  if (!saved) {
    session.fail(saved.error());
    return Step::kFailed;
  }
  const auto body = without_comments(*saved);
  if (is_blank(body) || body == last_body) {
    session.terminal.out << (problem ? "given up, nothing was changed\n" : "nothing changed\n");
    return problem ? Step::kFailed : Step::kDone;
  }
  const auto wanted = parse_edited(session, file.path(), body);
  const auto change = wanted ? apply(client, layers, *wanted) : wanted;
  if (change) {
    session.terminal.out << (change->at("changed").as_bool()
                                 ? "revision " + dump_json(change->at("revision")) + " is in force\n"
                                 : std::string("nothing changed\n"));
    return Step::kDone;
  }
  if (change.error().code != ErrorCode::kInvalid) {
    file.keep();
    session.fail(change.error());
    session.terminal.err << "  what you wrote is in " << file.path() << '\n';
    return Step::kFailed;
  }
  problem = change.error();
  return Step::kAgain;
}

}  // namespace

Json edit_patch(const Json& before, const Json& after, const Json& lower) {
  Json patch = Json::object();
  for (const auto& [key, value] : before.members()) {
    if (after.find(key)) continue;
    const auto* below = lower.find(key);
    if (!below) {
      patch.set(key, nullptr);
    } else if (value.is_object() && below->is_object()) {
      patch.set(key, edit_patch(value, Json::object(), *below));
    } else {
      patch.set(key, *below);
    }
  }
  for (const auto& [key, value] : after.members()) {
    const auto* old = before.find(key);
    if (old && old->is_object() && value.is_object()) {
      if (!(*old == value)) patch.set(key, edit_patch(*old, value, lower.at(key)));
    } else if (!old || !(*old == value)) {
      patch.set(key, value);
    }
  }
  return patch;
}

int edit(Session& session, const EditOptions& options) {
  const auto client = session.client();
  if (!client) return session.fail(client.error());
  const auto layers = fetch_layers(**client);
  if (!layers) return session.fail(layers.error());
  const auto temporary = session.terminal.environment("TMPDIR");
  auto file = EditFile::create(temporary && !temporary->empty() ? *temporary : "/tmp");
  if (!file) return session.fail(file.error());

  std::string body = layers->edits.members().empty() ? "{}\n" : dump_yaml(layers->edits);
  std::optional<Error> problem;
  for (;;) {
    const auto text = kHelp + (problem ? as_comment(*problem) : std::string()) + body;
    if (auto written = write_file_atomically((*file)->path(), text, 0600, Durability::kProcessCrash);
        !written) {
      return session.fail(written.error());
    }
    if (auto ran = run_editor(editor_of(session, options), (*file)->path()); !ran)
      return session.fail(ran.error());
    const auto step = take(session, **client, *layers, **file, body, problem);
    if (step != Step::kAgain) return step == Step::kDone ? kExitOk : kExitError;
    body = without_comments(read_file((*file)->path()).value_or(""));
  }
}

}  // namespace holdfast::cli
