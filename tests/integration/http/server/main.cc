// http_test_server ADDRESS MAX_OPEN_FILES: serves GET /hello until its standard input ends. Prints its
// address.
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include <sys/resource.h>
#include <unistd.h>

#include "api/http/server.h"

int main(int argc, char** argv) {
  using namespace holdfast::http;
  if (argc != 3) return EXIT_FAILURE;
  const auto files = std::strtoul(argv[2], nullptr, 10);
  const rlimit limit{files, files};
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return EXIT_FAILURE;
  Options options;
  options.listen = argv[1];
  auto server = Server::start(options, {{Method::kGet, "/hello", Role::kNone,
                                         Handler([](const Request&) { return text_response("hello\n"); })}});
  if (!server) {
    std::cerr << server.error().message << '\n';
    return EXIT_FAILURE;
  }
  std::cout << (*server)->address() << '\n' << std::flush;
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  (*server)->stop(std::chrono::seconds{10});
  return EXIT_SUCCESS;
}
