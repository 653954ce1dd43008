#include "renderer/film/read_image.hpp"

#include "renderer/base/settings.hpp"
#include "renderer/film/exr_reader.hpp"
#include "renderer/film/png_stream.hpp"
#include "renderer/film/read_file.hpp"

namespace raymill::film {

Result<Image> decode_png(std::span<const std::byte> file) {
    auto png = PngReader::open(file, {.max_width = SettingsLimits::max_edge, .max_height = SettingsLimits::max_edge});
    if (!png) return std::unexpected(png.error());
    const PngHeader& header = (*png)->header();
    Image image{
        .width = header.width, .height = header.height, .channels = header.channels, .bits = header.bits, .rgba = {}, .metadata = {}};
    image.metadata.insert(header.text.begin(), header.text.end());
    const std::size_t wide = header.bits / 8;
    const float top = header.bits == 8 ? 255 : 65535;
    std::vector<std::uint8_t> row(std::size_t{header.width} * header.channels * wide);
    for (std::uint32_t y = 0; y < header.height; ++y) {
        if (auto status = (*png)->read_row(row); !status) return std::unexpected(status.error());
        for (std::size_t x = 0; x < header.width; ++x) {
            glm::vec4 pixel(0, 0, 0, 1);
            for (std::size_t c = 0; c < header.channels; ++c) {
                const std::uint8_t* at = &row[(x * header.channels + c) * wide];
                pixel[static_cast<int>(c)] = static_cast<float>(wide == 1 ? at[0] : at[0] << 8 | at[1]) / top;
            }
            if (header.channels == 1) pixel.y = pixel.z = pixel.x;
            image.rgba.push_back(pixel);
        }
    }
    if (auto status = (*png)->finish(); !status) return std::unexpected(status.error());
    return image;
}

Result<Image> read_image(const std::filesystem::path& file) {
    constexpr std::uint64_t max_bytes = 1ull << 36;
    auto head = read_file(file, max_bytes, 4);
    if (!head) return std::unexpected(head.error());
    if (head->size() == 4 && (*head)[0] == 0x76 && (*head)[1] == 0x2f) {
        auto pixels = read_exr(file, SettingsLimits::max_edge, SettingsLimits::max_edge);
        if (!pixels) return std::unexpected(pixels.error());
        return Image{.width = pixels->width,
                     .height = pixels->height,
                     .channels = pixels->alpha ? 4U : 3U,
                     .bits = 32,
                     .rgba = std::move(pixels->rgba),
                     .metadata = std::move(pixels->strings)};
    }
    const auto bytes = read_file(file, max_bytes);
    if (!bytes) return std::unexpected(bytes.error());
    auto image = decode_png(std::as_bytes(std::span(*bytes)));
    if (!image) return std::unexpected(image.error().within(file.string()));
    return image;
}

} // namespace raymill::film
