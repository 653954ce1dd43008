#pragma once
/// TOML files, read whole with a bound. Included by job_file.cpp and config_file.cpp only: toml++ is seen there.
#include "renderer/base/error.hpp"

#include <filesystem>
#include <toml++/toml.h>

namespace raymill::cli {

/// Code::bad_input where it cannot be read, Code::usage with the line for broken syntax.
Result<toml::table> read_toml(const std::filesystem::path& file);

/// "FILE: line N", or "FILE" for what stands nowhere.
std::string place_in(const std::filesystem::path& file, const toml::node* node);

} // namespace raymill::cli
