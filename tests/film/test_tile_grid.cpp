// The tile arithmetic that renderer and farm share.
#include "renderer/base/tile_grid.hpp"

#include <doctest/doctest.h>

#include <vector>

using raymill::Rect;
using raymill::TileGrid;

TEST_CASE("tiles cover each pixel of the frame exactly once, for any edge") {
    // A wrong ragged edge shows as a count of 0 or 2, or as a rectangle outside the frame.
    for (const std::uint32_t width : {1U, 2U, 7U, 16U, 33U}) {
        for (const std::uint32_t height : {1U, 5U, 16U, 17U}) {
            for (const std::uint32_t tile : {1U, 2U, 3U, 16U, 17U, 4096U}) {
                const TileGrid grid{width, height, tile};
                std::vector<int> covered(std::size_t{width} * height, 0);
                for (std::uint64_t index = 0; index < grid.count(); ++index) {
                    const Rect rect = grid.rect(index);
                    REQUIRE(rect.width >= 1);
                    REQUIRE(rect.height >= 1);
                    REQUIRE(rect.width <= tile);
                    REQUIRE(rect.height <= tile);
                    REQUIRE(rect.x + rect.width <= width);
                    REQUIRE(rect.y + rect.height <= height);
                    for (std::uint32_t y = rect.y; y < rect.y + rect.height; ++y) {
                        for (std::uint32_t x = rect.x; x < rect.x + rect.width; ++x) {
                            ++covered[std::size_t{y} * width + x];
                            REQUIRE(grid.index_of(x, y) == index);
                        }
                    }
                }
                for (const int count : covered) REQUIRE(count == 1);
            }
        }
    }
}

TEST_CASE("the largest frame in tiles of one pixel and in one tile keeps its numbers") {
    // 65536 x 65536 tiles need 33 bits for their count: 32-bit arithmetic would give 0.
    constexpr TileGrid fine{65536, 65536, 1};
    static_assert(fine.count() == 1ULL << 32);
    static_assert(fine.rect(fine.count() - 1) == Rect{65535, 65535, 1, 1});
    static_assert(fine.index_of(65535, 65535) == (1ULL << 32) - 1);
    constexpr TileGrid coarse{65535, 1, 4096};
    static_assert(coarse.columns() == 16 && coarse.rect(15) == Rect{61440, 0, 4095, 1});
    constexpr TileGrid huge{4294967295U, 1, 4294967295U};
    static_assert(huge.count() == 1 && huge.rect(0).width == 4294967295U);
    CHECK(fine.count() == 4294967296ULL);
}
