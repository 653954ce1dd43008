#include "renderer/film/read_file.hpp"

#include <algorithm>
#include <fstream>

namespace raymill::film {

Result<std::vector<std::uint8_t>> read_file(const std::filesystem::path& file, std::uint64_t limit, std::uint64_t at_most) {
    const auto bad = [&file](const std::string& what) { return fail(Code::bad_input, file.string(), what); };
    std::error_code error;
    if (!std::filesystem::is_regular_file(file, error)) return bad(error ? error.message() : "not a file");
    const auto size = std::filesystem::file_size(file, error);
    if (error) return bad(error.message());
    if (size > limit) return bad(std::to_string(size) + " bytes are more than the limit of " + std::to_string(limit));
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(std::min(size, at_most)));
    std::ifstream stream(file, std::ios::binary);
    stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!stream) return bad("cannot be read");
    return bytes;
}

} // namespace raymill::film
