// Whether this build is instrumented: for sanitizers a smaller world will do, and their memory says nothing.
#pragma once

#if defined(__has_feature)  // clang
#define HOLDFAST_SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HOLDFAST_SANITIZED 1
#else
#define HOLDFAST_SANITIZED 0
#endif

namespace holdfast::test {

inline constexpr bool kSanitized = HOLDFAST_SANITIZED != 0;

}  // namespace holdfast::test
