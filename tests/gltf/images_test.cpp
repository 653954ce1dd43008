#include "renderer/gltf/images.hpp"

#include "renderer/gltf/fault.hpp"
#include "tests/gltf/loading.hpp"

#include <cstdio>
#include <doctest/doctest.h>
#include <jpeglib.h>

using namespace raymill;
using namespace raymill::tests;

namespace {

scene::Image decode(std::span<const std::byte> bytes) { return gltf::decode_image(bytes, "images[0]", {}); }

std::string fault_of(std::span<const std::byte> bytes) {
    try {
        decode(bytes);
        return "";
    } catch (const gltf::Fault& fault) {
        return fault.error.message();
    }
}

/// A JPEG of `channels` (1 or 3) channels, all pixels alike.
std::vector<std::byte> encode_jpeg(unsigned width, unsigned height, int channels, const std::vector<unsigned char>& pixel,
                                   bool progressive) {
    jpeg_compress_struct jpeg{};
    jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    unsigned char* out = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&jpeg, &out, &size);
    jpeg.image_width = width, jpeg.image_height = height, jpeg.input_components = channels;
    jpeg.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 100, TRUE);
    if (progressive) jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    std::vector<unsigned char> row;
    for (unsigned x = 0; x < width; ++x) row.insert(row.end(), pixel.begin(), pixel.end());
    JSAMPROW rows = row.data();
    while (jpeg.next_scanline < jpeg.image_height) jpeg_write_scanlines(&jpeg, &rows, 1);
    jpeg_finish_compress(&jpeg);
    const auto* bytes = reinterpret_cast<const std::byte*>(out);
    std::vector<std::byte> copy(bytes, bytes + size);
    jpeg_destroy_compress(&jpeg);
    std::free(out);
    return copy;
}

} // namespace

TEST_CASE("PNG of grey, grey with alpha, RGB and RGBA, in 8 and 16 bits, give the same RGBA") {
    // A byte order or channel mixed up shows in the values; 0x1234 is no palindrome.
    for (int channels = 1; channels <= 4; ++channels)
        for (const int bits : {8, 16}) {
            CAPTURE(channels);
            CAPTURE(bits);
            std::vector<std::uint16_t> samples;
            for (int i = 0; i < 6 * channels; ++i) samples.push_back(static_cast<std::uint16_t>(bits == 16 ? 0x1234 + i * 0x0101 : 10 + i));
            const auto image = decode(encode_png(3, 2, channels, bits, samples));
            CHECK(image.width == 3);
            CHECK(image.height == 2);
            CHECK(image.sixteen_bit == (bits == 16));
            CHECK(image.opaque == (channels % 2 == 1));
            for (std::size_t p = 0; p < 6; ++p)
                for (std::size_t c = 0; c < 4; ++c) {
                    const auto n = static_cast<std::size_t>(channels);
                    const std::uint16_t top = bits == 16 ? 0xffff : 0xff;
                    const std::uint16_t expected = c == 3 ? (n % 2 == 0 ? samples[p * n + n - 1] : top) : samples[p * n + (n > 2 ? c : 0)];
                    const std::uint32_t got = bits == 16 ? image.rgba16[4 * p + c] : image.rgba8[p] >> (8 * c) & 255u;
                    CHECK(got == expected);
                }
        }
}

TEST_CASE("every prefix of a PNG and of a JPEG is refused in words that name the image") {
    const auto png = encode_png(5, 4, 4, 8, std::vector<std::uint16_t>(80, 77));
    for (std::size_t n = 0; n < png.size() - 12; ++n)
        CHECK(fault_of(std::span(png).first(n)).starts_with("images[0]: ")); // the last chunk says only "end"
    for (const bool progressive : {false, true}) {
        const auto jpeg = encode_jpeg(33, 21, 3, {200, 100, 50}, progressive);
        for (std::size_t n = 0; n < jpeg.size() - 8; ++n) CHECK(fault_of(std::span(jpeg).first(n)).starts_with("images[0]: "));
    }
}

TEST_CASE("grey and colour JPEG, baseline and progressive, give their colour with alpha 255") {
    for (const bool progressive : {false, true}) {
        const auto grey = decode(encode_jpeg(9, 7, 1, {130}, progressive)), red = decode(encode_jpeg(9, 7, 3, {220, 20, 30}, progressive));
        CHECK((grey.width == 9 && grey.height == 7 && grey.opaque));
        for (const auto p : grey.rgba8) CHECK(p == 0xff828282u);
        for (const auto p : red.rgba8)
            for (const auto& [shift, value] : {std::pair{0, 220}, std::pair{8, 20}, std::pair{16, 30}, std::pair{24, 255}})
                CHECK(std::abs(static_cast<int>(p >> shift & 255u) - value) <= 2);
    }
}

TEST_CASE("sizes are bounded before memory is taken") {
    // A PNG header that says 2^31 - 1 pixels along both edges; the checksum of the chunk is right.
    auto png = encode_png(1, 1, 4, 8, {1, 2, 3, 4});
    for (std::size_t i = 0; i < 8; ++i) png[16 + i] = static_cast<std::byte>(i % 4 == 0 ? 0x7f : 0xff);
    std::uint32_t crc = 0xffffffffu;
    for (std::size_t i = 12; i < 29; ++i) {
        crc ^= std::to_integer<std::uint32_t>(png[i]);
        for (int k = 0; k < 8; ++k) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0u);
    }
    crc = ~crc;
    for (std::size_t i = 0; i < 4; ++i) png[29 + i] = static_cast<std::byte>(crc >> (24 - 8 * i));
    CHECK(fault_of(png).find("is an image of 2147483647 x 2147483647 pixels; at most 32768") != std::string::npos);
}

TEST_CASE("other formats are refused by their names") {
    const auto begins = [](std::string text) { return bytes_of(text += std::string(64, '\0')); };
    CHECK(fault_of(begins("\xabKTX 20\xbb\r\n\x1a\n")).find("KHR_texture_basisu") != std::string::npos);
    CHECK(fault_of(begins("RIFF\x10")).find("EXT_texture_webp") != std::string::npos);
    CHECK(fault_of(begins("GIF89a")) == "images[0]: is neither PNG nor JPEG");
    CHECK(fault_of({}) == "images[0]: is neither PNG nor JPEG");
}

TEST_CASE("a 16-bit image is kept: linear as it is, colour through the sRGB curve") {
    GltfWriter writer;
    const auto png = encode_png(1, 1, 4, 16, {0x8000, 0x0123, 0xffff, 0x4000});
    Material m;
    m.base_color_texture.texture = m.metallic_roughness_texture.texture = writer.texture(png);
    writer.node({.mesh = writer.mesh({{quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0}), writer.material(m)}})});
    const auto flat = flatten_good(load_good(writer));
    const auto texel = [&](const shading::TextureUse& use) {
        return std::pair(flat.texels[flat.textures[use.texture].first_texel], flat.texels[flat.textures[use.texture].first_texel + 1]);
    };
    CHECK(texel(flat.materials[0].metallic_roughness_texture) == std::pair(0x01238000u, 0x4000ffffu));
    // 0x8000 / 65535 is 0.500008: linear 0.214048, times 65535 is 14028; 0x0123 / 65535 / 12.92 x 65535 is 22.5.
    const auto color = texel(flat.materials[0].base_color_texture);
    CHECK((color.first & 0xffffu) == 14028);
    CHECK((color.first >> 16) == 23);
    CHECK(color.second == 0x4000ffffu);
    for (const auto& t : flat.textures) CHECK(t.format == shading::TEXEL_RGBA16_LINEAR);
}

TEST_CASE("a bad image is named, and one that nothing uses does not matter") {
    GltfWriter writer;
    Material m;
    m.base_color_texture.texture = writer.texture(bytes_of("this is no image"));
    writer.node({.mesh = writer.mesh({{quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0}), writer.material(m)}})});
    auto json = nlohmann::json::parse(writer.json());
    json["images"][0]["name"] = "bark";
    const auto used = load_bytes(make_glb(json.dump(), writer.buffer()));
    REQUIRE(!used);
    CHECK(used.error().message() == "test.glb: images[0] 'bark': is neither PNG nor JPEG");
    json["meshes"][0]["primitives"][0].erase("material");
    CHECK(load_bytes(make_glb(json.dump(), writer.buffer())));
}
