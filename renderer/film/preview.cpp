#include "renderer/film/preview.hpp"

#include "renderer/base/check.hpp"
#include "renderer/film/display_row.hpp"
#include "renderer/film/png_stream.hpp"

namespace raymill::film {

Result<std::vector<std::byte>> encode_preview(Rect rect, std::span<const glm::vec4> rgba, const Display& display) {
    CHECK_SAME(rgba.size(), std::size_t{rect.width} * rect.height);
    std::vector<std::byte> file;
    const PngHeader header{.width = rect.width, .height = rect.height, .bits = display.bits, .channels = 4, .srgb = true, .text = {}};
    auto writer = PngWriter::open(header, PngPacking::fast, [&file](std::span<const std::byte> bytes) {
        file.insert(file.end(), bytes.begin(), bytes.end());
        return true;
    });
    if (!writer) return std::unexpected(writer.error());
    std::vector<std::uint8_t> row;
    for (std::uint32_t y = 0; y < rect.height; ++y) {
        display_row(rgba.subspan(std::size_t{y} * rect.width, rect.width), rect.x, rect.y + y, display, 4, row);
        if (auto status = (*writer)->write_row(row); !status) return std::unexpected(status.error());
    }
    if (auto status = (*writer)->finish(); !status) return std::unexpected(status.error());
    return file;
}

} // namespace raymill::film
