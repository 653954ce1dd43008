#include "farm/cli/toml_file.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace raymill::cli {
namespace {

constexpr std::size_t max_bytes = 4u << 20;

} // namespace

Result<toml::table> read_toml(const std::filesystem::path& file) {
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
        return toml::parse(std::string_view(text), file.string());
    } catch (const toml::parse_error& error) {
        return fail(Code::usage, file.string() + ": line " + std::to_string(error.source().begin.line), std::string(error.description()));
    }
}

std::string place_in(const std::filesystem::path& file, const toml::node* node) {
    const auto line = node ? node->source().begin.line : 0;
    return file.string() + (line > 0 ? ": line " + std::to_string(line) : "");
}

} // namespace raymill::cli
