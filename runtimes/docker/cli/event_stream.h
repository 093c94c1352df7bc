// Follows the engine's events through `docker events`.
#pragma once

#include <cstdint>
#include <memory>

#include "runtimes/docker/cli/docker.h"
#include "runtimes/docker/client/client.h"

namespace holdfast::docker {

// `docker` must outlive the subscription.
//
// `docker events` says nothing when it is subscribed, so there is nothing to wait for. Instead it is always
// given a time to begin at: the engine tells what happened since then out of its memory (the newest 256
// events) and goes on with what happens. For "from now on" that time is the engine's own clock, read just
// before. So whatever happens after on_open is told, however long the command takes to connect; and as the
// engine has just answered, on_open is not told of one that can't be reached.
std::unique_ptr<Subscription> follow_events(const Docker& docker, std::int64_t since_ns,
                                            EventHandlers handlers);

}  // namespace holdfast::docker
