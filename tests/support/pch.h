#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/base/pch.h"
