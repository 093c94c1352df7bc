// Reads what the `docker` command says when it fails: it has one exit code for nearly everything, so only its
// words tell one fault from another.
// Source: the messages of docker 20.10 to 28 and of their engines; newer ones where they are known to differ.
#pragma once

#include <string>
#include <string_view>

#include "controller/base/result.h"

namespace holdfast::docker {

// `what` failed ("docker start web-0"), and this is its stderr. The code is that of client.h:
// kUnavailable: nobody answered; kPermission: the socket is not ours; kNotFound: no such container or image;
// kConflict: a name is taken, or the container's state forbids it; kInvalid: the engine or the command
// refuse; kInternal: it failed without a word.
Error failure_of(const std::string& what, std::string_view stderr_text);

// The words alone, in one line: without prefixes, warnings and advice on usage.
std::string words_of(std::string_view stderr_text);

// Refinements, for actions that are done if this is how they were refused.
bool says_not_running(const Error& error);  // or is gone
bool says_not_paused(const Error& error);
bool says_being_removed(const Error& error);
bool says_not_a_directory(const Error& error);  // of `docker cp`: also for a missing one, or no container
bool says_unknown_flag(const Error& error, std::string_view flag);

}  // namespace holdfast::docker
