// Tiles into frames.
#include "renderer/film/assemble.hpp"
#include "renderer/film/read_image.hpp"
#include "tests/film/pixels.hpp"

#include <algorithm>
#include <malloc.h>

namespace raymill::film {
namespace {

std::vector<std::byte> cut(const TileGrid& grid, std::uint64_t tile, const std::vector<glm::vec4>& frame, std::int32_t number) {
    const Rect rect = grid.rect(tile);
    std::vector<glm::vec4> part;
    for (std::uint32_t y = rect.y; y < rect.y + rect.height; ++y) {
        const auto row = frame.begin() + static_cast<std::ptrdiff_t>(std::size_t{y} * grid.width + rect.x);
        part.insert(part.end(), row, row + rect.width);
    }
    return encode_chunk({.frame = number, .rect = rect, .samples = 4, .device_class = "test"}, part).value();
}

ImageSpec spec_of(std::uint32_t width, std::uint32_t height, ImageFormat format) {
    return {.width = width, .height = height, .format = format, .display = {}, .alpha = false, .metadata = {}};
}

/// Bytes in use on the heap now, by glibc's own count.
std::size_t heap_bytes() {
    const auto info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
}

} // namespace

TEST_CASE("a frame from tiles of any size is byte for byte the frame written in one go") {
    const test::Folder folder;
    constexpr std::uint32_t width = 61, height = 43;
    const auto pixels = test::noisy_pixels(width, height, 8);
    for (const auto format : {ImageFormat::png, ImageFormat::exr}) {
        auto direct = ImageWriter::open(folder / "direct", spec_of(width, height, format));
        REQUIRE(direct.has_value());
        REQUIRE((*direct)->write_rows(pixels).has_value());
        REQUIRE((*direct)->finish().has_value());
        for (const std::uint32_t tile : {1U, 7U, 16U, 43U, 64U}) {
            const FrameLayout layout{.grid = {width, height, tile}, .frame = 3, .samples = 4};
            auto writer = ImageWriter::open(folder / "tiles", spec_of(width, height, format));
            REQUIRE(writer.has_value());
            std::uint64_t next = 0;
            const auto status = assemble(
                layout,
                [&](std::uint64_t index) -> Result<std::vector<std::byte>> {
                    CHECK(index == next++);
                    return cut(layout.grid, index, pixels, 3);
                },
                **writer);
            REQUIRE(status.has_value());
            CHECK(next == layout.grid.count());
            CHECK(test::bytes_of_file(folder / "tiles") == test::bytes_of_file(folder / "direct"));
        }
    }
}

TEST_CASE("a chunk of another frame or sample count, a broken one and a missing one each end assembly with the tile's number and no file") {
    const test::Folder folder;
    const auto pixels = test::noisy_pixels(32, 32, 9);
    const TileGrid grid{32, 32, 16};
    const auto run = [&](const FetchChunk& fetch, std::uint32_t samples) {
        auto writer = ImageWriter::open(folder / "out.png", spec_of(32, 32, ImageFormat::png));
        REQUIRE(writer.has_value());
        return assemble({.grid = grid, .frame = 3, .samples = samples}, fetch, **writer);
    };
    const auto good = [&](std::uint64_t tile) { return cut(grid, tile, pixels, 3); };
    const auto other_frame = run([&](std::uint64_t tile) { return cut(grid, tile, pixels, tile == 2 ? 4 : 3); }, 4);
    const auto other_samples = run(good, 5);
    const auto swapped = run([&](std::uint64_t tile) { return good(tile ^ 1U); }, 4);
    const auto cut_off = run(
        [&](std::uint64_t tile) {
            auto chunk = good(tile);
            if (tile == 3) chunk.resize(chunk.size() - 20);
            return chunk;
        },
        4);
    const auto missing = run([](std::uint64_t) -> Result<std::vector<std::byte>> { return fail(Code::io, "blob 12ab", "gone"); }, 4);
    for (const auto& [status, words] : {std::pair{other_frame, "tile 2: chunk: "},
                                        {other_samples, "tile 0: chunk: "},
                                        {swapped, "tile 0: chunk: "},
                                        {cut_off, "tile 3: chunk: "},
                                        {missing, "blob 12ab: gone"}}) {
        REQUIRE(!status.has_value());
        CHECK(status.error().message().find(words) == 0);
    }
    CHECK(folder.count() == 0);
    CHECK(run(good, 4).has_value());
    CHECK(folder.count() == 1);
}

TEST_CASE("a frame 16384 pixels wide is assembled in the memory of a band of tiles") {
    // 16384 x 512 as floats is 134 MB, one band of 64 rows 16.8 MB. At each fetch the heap may have grown by the band and what the writers
    // hold (EXR: 16 lines twice), 32 MB; a frame that is kept, even as halves (67 MB), is far above.
    const test::Folder folder;
    for (const auto format : {ImageFormat::png, ImageFormat::exr}) {
        const FrameLayout layout{.grid = {16384, 512, 64}, .frame = 0, .samples = 1};
        const std::vector<glm::vec4> tile(std::size_t{64} * 64, glm::vec4(0.25F, 0.5F, 0.75F, 1));
        const std::size_t before = heap_bytes();
        std::size_t most = 0;
        auto writer = ImageWriter::open(folder / "large", spec_of(16384, 512, format));
        REQUIRE(writer.has_value());
        const auto fetch = [&](std::uint64_t index) {
            most = std::max(most, heap_bytes() - before);
            return encode_chunk({.frame = 0, .rect = layout.grid.rect(index), .samples = 1, .device_class = ""}, tile);
        };
        REQUIRE(assemble(layout, fetch, **writer).has_value());
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
        MESSAGE("memory is not looked at: a sanitizer's heap is not the one that mallinfo2 counts");
#else
        CHECK(most >= 16384 * 64 * sizeof(glm::vec4)); // the heap is really counted
        CHECK(most < 32'000'000);
#endif
    }
}

} // namespace raymill::film
