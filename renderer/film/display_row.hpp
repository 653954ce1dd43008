#pragma once
/// One row of pixels as a PNG row, for this room only.
#include "renderer/film/tone_map.hpp"

#include <span>
#include <vector>

namespace raymill::film {

/// Pixels (x ..., y) of the frame into `row`: `channels` (3 drops alpha, 4) samples each, 16-bit ones big-endian.
inline void display_row(std::span<const glm::vec4> pixels, std::uint32_t x, std::uint32_t y, const Display& display, std::uint32_t channels,
                        std::vector<std::uint8_t>& row) {
    row.resize(pixels.size() * channels * display.bits / 8);
    std::size_t at = 0;
    for (std::size_t i = 0; i < pixels.size(); ++i) {
        const auto samples = to_display(pixels[i], x + static_cast<std::uint32_t>(i), y, display);
        for (std::size_t c = 0; c < channels; ++c) {
            if (display.bits == 16) row[at++] = static_cast<std::uint8_t>(samples[c] >> 8);
            row[at++] = static_cast<std::uint8_t>(samples[c]);
        }
    }
}

} // namespace raymill::film
