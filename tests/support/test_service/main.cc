// holdfast_test_service COMMAND...: does one thing after the other, then exits with 0.
//
//   print TEXT         a line on stdout          eprint TEXT     a line on stderr
//   lines FROM COUNT   "line 00000042" ... on stdout, as fast as they go
//   counting           "count 00000000" ... on stdout, one each millisecond, forever
//   partial TEXT       text without a newline    long BYTES      one line of x
//   env NAME           prints NAME=value         ids             prints uid, gid, groups, nice and directory
//   limit NUMBER       prints the soft RLIMIT of that number
//   eat BYTES          takes memory and uses it
//   ignore SIGNAL      exit-on SIGNAL CODE
//   spawn COUNT        children that wait forever
//   escape COUNT       the same in sessions of their own, orphaned
//   breed COUNT        COUNT lineages that fork and end without pause, so that no pid lives for long
//   notify TEXT        to $NOTIFY_SOCKET, '|' stands for a newline
//   append PATH TEXT   adds a line to a file     touch PATH      wait-for PATH (until it exists)
//   pause              forever                   exit CODE       raise SIGNAL
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

std::map<int, int> g_exit_codes;  // written before the handlers that read it are installed

extern "C" void exit_on_signal(int signal) {
  _exit(g_exit_codes[signal]);
}

void write_all(int fd, const std::string& text) {
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno != EINTR) _exit(99);
    if (n > 0) done += static_cast<size_t>(n);
  }
}

std::string numbered(const char* word, long number) {
  std::array<char, 64> buffer;
  std::snprintf(buffer.data(), buffer.size(), "%s %08ld\n", word, number);
  return buffer.data();
}

void lines(long from, long count) {
  std::string text;
  for (long i = from; i < from + count; ++i) {
    text += numbered("line", i);
    if (text.size() < 8192 && i + 1 < from + count) continue;
    write_all(STDOUT_FILENO, text);
    text.clear();
  }
}

[[noreturn]] void pause_forever() {
  for (;;) pause();
}

void spawn(long count, bool escape) {
  for (long i = 0; i < count; ++i) {
    const pid_t child = fork();
    if (child != 0) {
      if (escape) waitpid(child, nullptr, 0);
      continue;
    }
    if (!escape) pause_forever();
    setsid();
    if (fork() == 0) {
      setsid();
      signal(SIGTERM, SIG_IGN);
      signal(SIGHUP, SIG_IGN);
      pause_forever();
    }
    _exit(0);
  }
}

void breed(long count) {
  for (long i = 0; i < count; ++i) {
    if (fork() != 0) continue;
    for (;;) {
      const pid_t child = fork();
      if (child > 0) _exit(0);
      setsid();
      poll(nullptr, 0, 1);
    }
  }
}

void notify(std::string text) {
  for (char& c : text) {
    if (c == '|') c = '\n';
  }
  const char* address = std::getenv("NOTIFY_SOCKET");
  if (address == nullptr) _exit(98);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::strncpy(name.sun_path, address, sizeof name.sun_path - 1);
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(address));
  if (address[0] == '@') {
    name.sun_path[0] = '\0';
  } else {
    ++size;
  }
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (sendto(fd, text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&name), size) < 0) _exit(97);
  close(fd);
}

void print_ids() {
  std::array<gid_t, 64> groups{};
  const int count = getgroups(static_cast<int>(groups.size()), groups.data());
  std::string text = "uid " + std::to_string(getuid()) + " gid " + std::to_string(getgid()) + " groups";
  for (int i = 0; i < count; ++i) text += " " + std::to_string(groups.at(static_cast<size_t>(i)));
  std::array<char, 4096> directory{};
  text += " nice " + std::to_string(getpriority(PRIO_PROCESS, 0));
  text += " cwd " + std::string(getcwd(directory.data(), directory.size()));
  write_all(STDOUT_FILENO, text + "\n");
}

void append(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  write_all(fd, text);
  close(fd);
}

void eat(size_t bytes) {
  auto* memory = static_cast<volatile char*>(std::malloc(bytes));  // volatile: else it may be left out
  if (memory == nullptr) {
    write_all(STDERR_FILENO, "no memory\n");
    _exit(96);
  }
  for (size_t i = 0; i < bytes; i += 4096) memory[i] = static_cast<char>(i >> 12);
}

// A command: how many arguments it takes, and what it does with them.
struct Command {
  size_t arguments;
  std::function<void(const std::string* arguments)> run;
};

long number(const std::string& text) {
  return std::strtol(text.c_str(), nullptr, 10);
}
int small(const std::string& text) {
  return static_cast<int>(number(text));
}

void print_env(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  write_all(STDOUT_FILENO, name + "=" + (value != nullptr ? value : "(unset)") + "\n");
}

void print_limit(int resource) {
  rlimit limit{};
  getrlimit(static_cast<__rlimit_resource>(resource), &limit);
  write_all(STDOUT_FILENO, "limit " + std::to_string(limit.rlim_cur) + "\n");
}

void exit_on(int signal_number, int code) {
  g_exit_codes[signal_number] = code;
  signal(signal_number, exit_on_signal);
}

void count_forever() {
  for (long i = 0;; ++i) {
    write_all(STDOUT_FILENO, numbered("count", i));
    poll(nullptr, 0, 1);
  }
}

const std::map<std::string, Command> kCommands{
    {"print", {1, [](auto* a) { write_all(STDOUT_FILENO, a[0] + "\n"); }}},
    {"eprint", {1, [](auto* a) { write_all(STDERR_FILENO, a[0] + "\n"); }}},
    {"partial", {1, [](auto* a) { write_all(STDOUT_FILENO, a[0]); }}},
    {"long",
     {1,
      [](auto* a) { write_all(STDOUT_FILENO, std::string(static_cast<size_t>(number(a[0])), 'x') + "\n"); }}},
    {"lines", {2, [](auto* a) { lines(number(a[0]), number(a[1])); }}},
    {"counting", {0, [](auto*) { count_forever(); }}},
    {"env", {1, [](auto* a) { print_env(a[0]); }}},
    {"ids", {0, [](auto*) { print_ids(); }}},
    {"limit", {1, [](auto* a) { print_limit(small(a[0])); }}},
    {"eat", {1, [](auto* a) { eat(static_cast<size_t>(number(a[0]))); }}},
    {"ignore", {1, [](auto* a) { signal(small(a[0]), SIG_IGN); }}},
    {"exit-on", {2, [](auto* a) { exit_on(small(a[0]), small(a[1])); }}},
    {"spawn", {1, [](auto* a) { spawn(number(a[0]), false); }}},
    {"escape", {1, [](auto* a) { spawn(number(a[0]), true); }}},
    {"breed", {1, [](auto* a) { breed(number(a[0])); }}},
    {"notify", {1, [](auto* a) { notify(a[0]); }}},
    {"append", {2, [](auto* a) { append(a[0], a[1] + "\n"); }}},
    {"touch", {1, [](auto* a) { append(a[0], ""); }}},
    {"wait-for",
     {1,
      [](auto* a) {
        while (access(a[0].c_str(), F_OK) != 0) poll(nullptr, 0, 2);
      }}},
    {"pause", {0, [](auto*) { pause_forever(); }}},
    {"exit", {1, [](auto* a) { _exit(small(a[0])); }}},
    {"raise", {1, [](auto* a) { raise(small(a[0])); }}},
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  for (size_t i = 0; i < words.size();) {
    const auto command = kCommands.find(words[i]);
    if (command == kCommands.end() || i + command->second.arguments >= words.size()) {
      write_all(STDERR_FILENO, "bad command: " + words[i] + "\n");
      return 64;
    }
    command->second.run(words.data() + i + 1);
    i += 1 + command->second.arguments;
  }
  return 0;
}
