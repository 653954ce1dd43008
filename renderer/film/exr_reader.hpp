#pragma once
/// EXR pixels into floats, for this room only.
#include "renderer/base/error.hpp"

#include <glm/glm.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace raymill::film {

struct ExrPixels {
    std::uint32_t width = 0, height = 0;
    bool alpha = false;
    std::vector<glm::vec4> rgba;                ///< alpha 1 where the file has none
    std::map<std::string, std::string> strings; ///< its string attributes
};

/// The data window of the first part; R, G, B and A, or Y as grey. Untrusted input: Code::bad_input with the file's name.
Result<ExrPixels> read_exr(const std::filesystem::path& file, std::uint32_t max_width, std::uint32_t max_height);

} // namespace raymill::film
