// Pistache's request parser and router, for router.cc alone.
#pragma once

#if defined(__clang__)
// async.h of Pistache 0.0.5 names a member that doesn't exist in a template that nobody instantiates. g++
// lets that pass, clang 19 doesn't; under this name the member exists. Names of data members are no part of
// the binary interface.
#define chain_ chainCore
#endif
#include <pistache/http.h>
#include <pistache/router.h>
#if defined(__clang__)
#undef chain_
#endif
