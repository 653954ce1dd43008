#include "renderer/film/assemble.hpp"

#include "renderer/base/check.hpp"

namespace raymill::film {
namespace {

/// Decodes one tile into its place in the band of tiles whose first pixel row is `top`.
Status place(const FrameLayout& layout, std::uint64_t tile, std::span<const std::byte> file, std::uint32_t top, std::span<glm::vec4> band) {
    const Rect rect = layout.grid.rect(tile);
    auto chunk = ChunkReader::open(file, rect);
    if (!chunk) return std::unexpected(chunk.error());
    if (chunk->info().frame != layout.frame || chunk->info().samples != layout.samples) {
        return fail(Code::bad_input, "chunk",
                    "it is of frame " + std::to_string(chunk->info().frame) + " with " + std::to_string(chunk->info().samples) +
                        " samples, not of frame " + std::to_string(layout.frame) + " with " + std::to_string(layout.samples));
    }
    for (std::uint32_t y = 0; y < rect.height; ++y) {
        const std::size_t at = std::size_t{rect.y - top + y} * layout.grid.width + rect.x;
        if (auto status = chunk->read_row(band.subspan(at, rect.width)); !status) return status;
    }
    return {};
}

} // namespace

Status assemble(const FrameLayout& layout, const FetchChunk& fetch_chunk, ImageWriter& writer) {
    const TileGrid& grid = layout.grid;
    CHECK_SAME(grid.width, writer.spec().width);
    CHECK_SAME(grid.height, writer.spec().height);
    std::vector<glm::vec4> band;
    for (std::uint64_t row = 0, tile = 0; row < grid.rows(); ++row) {
        const Rect first = grid.rect(tile);
        band.resize(std::size_t{grid.width} * first.height);
        for (std::uint32_t column = 0; column < grid.columns(); ++column, ++tile) {
            const auto file = fetch_chunk(tile);
            if (!file) return std::unexpected(file.error());
            if (auto status = place(layout, tile, *file, first.y, band); !status) {
                return std::unexpected(status.error().within("tile " + std::to_string(tile)));
            }
        }
        if (auto status = writer.write_rows(band); !status) return status;
    }
    return writer.finish();
}

} // namespace raymill::film
