#include "farm/cli/toml_file.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <toml++/toml.h>

namespace raymill::cli {
namespace {

constexpr std::size_t max_bytes = 4u << 20;

constexpr std::size_t max_list = 4096; ///< numbers joined to one word

int line_of(const toml::node& node) { return static_cast<int>(node.source().begin.line); }

std::optional<std::string> word_of(const toml::node& node) {
    char text[64];
    if (const auto* value = node.as_string()) return value->get();
    if (const auto* value = node.as_boolean()) return std::string(value->get() ? "true" : "false");
    if (const auto* value = node.as_integer()) return std::string(text, std::to_chars(text, text + sizeof text, value->get()).ptr);
    if (const auto* value = node.as_floating_point()) return std::string(text, std::to_chars(text, text + sizeof text, value->get()).ptr);
    const auto* list = node.as_array();
    if (!list || list->empty() || list->size() > max_list) return std::nullopt;
    std::string joined;
    for (const auto& element : *list) {
        if (!element.is_number()) return std::nullopt;
        joined += (joined.empty() ? "" : ",") + *word_of(element);
    }
    return joined;
}

/// Only what stands at the top and in arrays of tables is taken along; deeper tables are entries without a word.
TomlTable table_of(const toml::table& from, bool top) {
    TomlTable table;
    table.line = line_of(from);
    for (const auto& [key, node] : from) {
        TomlEntry entry;
        entry.key = key.str();
        entry.line = line_of(node);
        entry.word = word_of(node);
        entry.is_number = node.is_number();
        if (node.is_string()) entry.text = entry.word;
        if (const auto* list = node.as_array(); top && list && list->is_array_of_tables())
            for (const auto& element : *list) entry.tables.push_back(table_of(*element.as_table(), false));
        table.entries.push_back(std::move(entry));
    }
    std::ranges::stable_sort(table.entries, {}, &TomlEntry::line);
    return table;
}

} // namespace

const TomlEntry* TomlTable::find(const std::string& key) const {
    const auto at = std::ranges::find(entries, key, &TomlEntry::key);
    return at == entries.end() ? nullptr : &*at;
}

Result<TomlTable> read_toml(const std::filesystem::path& file) {
    std::ifstream input(file, std::ios::binary);
    std::error_code fault;
    if (!input || std::filesystem::is_directory(file, fault)) {
        const int why = input ? EISDIR : errno;
        return fail(Code::bad_input, file.string(), std::string("cannot be read: ") + std::strerror(why));
    }
    std::string text(max_bytes + 1, '\0');
    input.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(input.gcount()));
    if (text.size() > max_bytes) return fail(Code::bad_input, file.string(), "is larger than 4 MiB, which no such file needs");
    try {
        return table_of(toml::parse(std::string_view(text), file.string()), true);
    } catch (const toml::parse_error& error) {
        return fail(Code::usage, place_in(file, static_cast<int>(error.source().begin.line)), std::string(error.description()));
    }
}

std::string place_in(const std::filesystem::path& file, int line) {
    return file.string() + (line > 0 ? ": line " + std::to_string(line) : "");
}

} // namespace raymill::cli
