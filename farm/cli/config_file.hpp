#pragma once
/// A TOML file of plain text values, as `serve --config` reads one.
#include "renderer/base/error.hpp"

#include <filesystem>
#include <map>
#include <string>

namespace raymill::cli {

/// Fills what the file has of `keys`. Code::usage with "FILE: line N" for an unknown key, a value that is not text, or broken syntax.
Status read_config(const std::filesystem::path& file, const std::map<std::string, std::string*>& keys);

} // namespace raymill::cli
