// For Status and Result: the failure shows the error's own words.
#pragma once

#include <gtest/gtest.h>

#define ASSERT_OK(expression)                                        \
  do {                                                               \
    const auto& holdfast_status = (expression);                      \
    ASSERT_TRUE(holdfast_status) << holdfast_status.error().message; \
  } while (false)
