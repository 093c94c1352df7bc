// The sd_notify(3) socket of an instance: one datagram of KEY=VALUE lines at a time. Only processes of the
// instance's own tree are heard; the kernel vouches for their pid (SCM_CREDENTIALS).
#pragma once

#include "runtimes/process/shim/records.h"

namespace holdfast::shim {

// Binds `address` ("@name": abstract, else a path); returns the socket or -1 with errno set.
int open_notify_socket(const char* address);

// Reads every waiting datagram and folds it into state; true when state changed. `shim` is the pid that every
// process of the tree descends from.
bool read_notifications(int fd, int shim, LiveState* state);

}  // namespace holdfast::shim
