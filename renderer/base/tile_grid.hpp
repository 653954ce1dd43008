#pragma once
/// A frame cut into square tiles: the arithmetic from a tile's index to its rectangle and back. No dependencies; constexpr; thread: any.
#include <cstdint>

namespace raymill {

/// Pixels of a frame; (0,0) is top left.
struct Rect {
    std::uint32_t x = 0, y = 0, width = 0, height = 0;
    friend constexpr bool operator==(const Rect&, const Rect&) = default;
};

/// Tiles of edge `tile` over width x height pixels, numbered row by row from the top left; those at the right and at the bottom may be
/// smaller. All three are at least 1; settings bound the edges (SettingsLimits). Indices are 64-bit: 2^32 pixels in tiles of one fit.
struct TileGrid {
    std::uint32_t width = 1, height = 1, tile = 1;

    [[nodiscard]] constexpr std::uint32_t columns() const { return width / tile + (width % tile != 0); }
    [[nodiscard]] constexpr std::uint32_t rows() const { return height / tile + (height % tile != 0); }
    [[nodiscard]] constexpr std::uint64_t count() const { return std::uint64_t{columns()} * rows(); }

    /// The rectangle of tile `index`, which is below count().
    [[nodiscard]] constexpr Rect rect(std::uint64_t index) const {
        const auto x = static_cast<std::uint32_t>(index % columns()) * tile;
        const auto y = static_cast<std::uint32_t>(index / columns()) * tile;
        return {x, y, width - x < tile ? width - x : tile, height - y < tile ? height - y : tile};
    }
    /// The tile that pixel (x, y) of the frame lies in.
    [[nodiscard]] constexpr std::uint64_t index_of(std::uint32_t x, std::uint32_t y) const {
        return std::uint64_t{y / tile} * columns() + x / tile;
    }
    friend constexpr bool operator==(const TileGrid&, const TileGrid&) = default;
};

} // namespace raymill
