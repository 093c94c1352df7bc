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

#include "cli/paths.h"
#include "controller/base/file.h"
#include "controller/base/unique_fd.h"

namespace holdfast::cli {
namespace {

constexpr const char* kHelp =
    "# What was changed through the API, as one layer over the files. Save to apply; leave it as it is, or\n"
    "# empty, to cancel. Lines that begin with # are left out.\n";

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

// One after the other, each on the state that the one before left.
Result<Json> apply(const Client& client, const Layers& layers, const Json& wanted) {
  std::string etag = layers.etag;
  Json last;
  for (auto call : edit_calls(layers.edits, wanted, layers.lower)) {
    call.if_match = etag;
    const auto answer = client.call(call);
    if (!answer) return fail(answer.error());
    auto change = answer->json();
    if (!change) return change;
    etag = change->at("etag").as_string();
    last = std::move(*change);
  }
  return last;
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

std::vector<Call> edit_calls(const Json& before, const Json& after, const Json& lower) {
  std::vector<Call> puts;
  Json patched = before;  // what the merge patch may do on its way to `after`
  Json& services =
      patched.set("services", before.at("services").is_object() ? before.at("services") : Json::object());
  const auto& wanted = after.at("services");
  for (const auto& [name, service] : before.at("services").members()) {
    const auto* now = wanted.find(name);
    if (now && !removes_something(service, *now)) continue;
    const auto path = "/api/v1/services/" + percent_encoded(name);
    const bool declared_below = lower.at("services").find(name) != nullptr;
    if (now || declared_below) {
      puts.push_back({.method = "PUT", .path = path, .body = now ? dump_json(*now) : "{}"});
    } else {
      puts.push_back({.method = "DELETE", .path = path});
    }
  }
  for (const auto& [name, service] : wanted.members()) {
    const auto* old = before.at("services").find(name);
    if (!old || !removes_something(*old, service)) services.set(name, service);
  }
  if (!before.find("services") && services.members().empty()) patched.erase("services");
  Json target = after;
  if (patched.find("services")) target.set("services", patched.at("services"));
  auto patch = merge_diff(before, target);
  std::vector<Call> calls;
  if (!patch.members().empty()) {
    calls.push_back({.method = "PATCH", .path = "/api/v1/config", .body = dump_json(patch)});
  }
  calls.insert(calls.end(), puts.begin(), puts.end());
  return calls;
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
