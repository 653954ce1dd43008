#pragma once
/// Radiance's RGBE pictures (.hdr), for this room only. Format: Greg Ward, "Real Pixels", Graphics Gems II (1991), and Radiance's filefmts
/// manual.
#include "renderer/base/error.hpp"

#include <glm/glm.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace raymill::film {

struct RgbePixels {
    std::uint32_t width = 0, height = 0;
    std::vector<glm::vec3> rgb;
};

/// See read_environment for what is read. Untrusted input: Code::bad_input; no more than the limits and 4096 times the file's size is
/// allocated.
Result<RgbePixels> decode_rgbe(std::span<const std::uint8_t> file, std::uint32_t max_width, std::uint32_t max_height);

} // namespace raymill::film
