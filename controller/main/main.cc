#include <cstring>

#include "controller/main/serve.h"
int main(int argc, char** argv) {
  holdfast::ServeOptions o;
  for (int i = 2; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--config")) o.config = argv[i + 1];
    if (!strcmp(argv[i], "--state-dir")) o.state_dir = argv[i + 1];
    if (!strcmp(argv[i], "--listen")) o.listen = argv[i + 1];
    if (!strcmp(argv[i], "--metrics-listen")) o.metrics_listen = argv[i + 1];
    if (!strcmp(argv[i], "--overlay")) o.overlays.push_back(argv[i + 1]);
  }
  return holdfast::serve(o);
}
