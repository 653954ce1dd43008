#pragma once
/// Tiles' chunks into one file. Memory: one band of tiles, width x tile x 16 bytes (1280 x 64: 1.3 MB; 16384 x 256: 67 MB), one chunk, and
/// what the writer holds; never the frame. One thread.
#include "renderer/base/error.hpp"
#include "renderer/base/tile_grid.hpp"
#include "renderer/film/chunk.hpp"
#include "renderer/film/image_writer.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace raymill::film {

struct FrameLayout {
    TileGrid grid;
    std::int32_t frame = 0;
    std::uint32_t samples = 0; ///< per pixel; each chunk must say the same
};

/// Gives a tile's chunk. Each tile is asked for once, in the order of its index.
using FetchChunk = std::function<Result<std::vector<std::byte>>(std::uint64_t tile)>;

/// Fetches, checks and writes all tiles, and finishes the file. Chunks are untrusted: one that does not fit (frame, rectangle, samples) is
/// an error that names its tile. After an error the writer is only good for destruction.
Status assemble(const FrameLayout& layout, const FetchChunk& fetch_chunk, ImageWriter& writer);

} // namespace raymill::film
