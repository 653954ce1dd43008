#pragma once
/// Pictures that this room wrote, back into floats: for tests and for tools that compare. Safe from any thread.
#include "renderer/base/error.hpp"

#include <glm/glm.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace raymill::film {

struct Image {
    std::uint32_t width = 0, height = 0;
    std::uint32_t channels = 0; ///< of the file: 1, 3 or 4
    std::uint32_t bits = 0;     ///< of the file: 8, 16 or 32
    /// Row by row. PNG: the encoded samples over 255 or 65535, not linearised; EXR: as stored. Alpha 1 where the file has none.
    std::vector<glm::vec4> rgba;
    std::map<std::string, std::string> metadata; ///< PNG text; EXR string attributes
};

/// Of a .png or .exr by its first bytes; edges up to SettingsLimits::max_edge. Holds the whole image. Errors are Code::bad_input.
Result<Image> read_image(const std::filesystem::path& file);

/// The same for a PNG in memory.
Result<Image> decode_png(std::span<const std::byte> file);

} // namespace raymill::film
