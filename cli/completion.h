// Shell completion, generated from the command line itself, so that it can't fall behind.
#pragma once

#include <string>

#include <CLI/App.hpp>

namespace holdfast::cli {

// shell: bash, zsh or fish. Names of services are asked of the controller as one types.
std::string completion_script(const CLI::App& app, const std::string& shell);

}  // namespace holdfast::cli
