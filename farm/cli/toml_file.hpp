#pragma once
/// TOML files as a plain tree, read whole with a bound. toml++ is seen in toml_file.cpp only.
#include "renderer/base/error.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace raymill::cli {

struct TomlTable;

struct TomlEntry {
    std::string key;
    int line = 0;                    ///< from 1
    std::optional<std::string> text; ///< of a string
    /// The value as the command line would have it: a string as it is, numbers in their shortest form, "true" and "false", a list of
    /// numbers joined by commas. None for a date, a table or another list.
    std::optional<std::string> word;
    bool is_number = false;
    std::vector<TomlTable> tables; ///< of an array of tables, [[KEY]]
};

struct TomlTable {
    int line = 0;
    std::vector<TomlEntry> entries; ///< keys are unique; in the file's order
    [[nodiscard]] const TomlEntry* find(const std::string& key) const;
};

/// Code::bad_input where it cannot be read, Code::usage with the line for broken syntax.
Result<TomlTable> read_toml(const std::filesystem::path& file);

/// "FILE: line N", or "FILE" for line 0.
std::string place_in(const std::filesystem::path& file, int line);

} // namespace raymill::cli
