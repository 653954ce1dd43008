// A tile's way through a PNG file.
#include "renderer/film/chunk.hpp"
#include "renderer/film/read_image.hpp"
#include "tests/film/pixels.hpp"

#include <bit>
#include <cfloat>
#include <limits>

namespace raymill::film {
namespace {

const Rect rect{192, 64, 9, 5};
const ChunkInfo info{.frame = -7, .rect = rect, .samples = 64, .device_class = "software llvmpipe 25.0 bvh"};

std::vector<std::byte> small_chunk() { return encode_chunk(info, test::noisy_pixels(rect.width, rect.height, 1)).value(); }

} // namespace

TEST_CASE("a chunk gives back every bit of every finite float, and what was said about it") {
    // Negative zero, denormals, the largest and smallest numbers: any step through arithmetic or half floats would lose one.
    std::vector<glm::vec4> pixels = test::noisy_pixels(rect.width, rect.height, 1);
    pixels[0] = {-0.0F, std::numeric_limits<float>::denorm_min(), -FLT_MIN / 2, 1};
    pixels[1] = {FLT_MAX, -FLT_MAX, FLT_MIN, 0};
    pixels[2] = {std::bit_cast<float>(0x3f80ffffU), std::bit_cast<float>(0x0000ffffU), std::bit_cast<float>(0x00ff00ffU), 0.5F};
    const auto file = encode_chunk(info, pixels);
    REQUIRE(file.has_value());
    CHECK(file->size() <= max_chunk_bytes(rect));
    const auto chunk = decode_chunk(*file, rect);
    REQUIRE(chunk.has_value());
    CHECK(test::same_bits(chunk->rgba, pixels));
    CHECK(chunk->info.frame == -7);
    CHECK(chunk->info.rect == rect);
    CHECK(chunk->info.samples == 64);
    CHECK(chunk->info.device_class == "software llvmpipe 25.0 bvh");
}

TEST_CASE("a chunk of random bits never outgrows its stated bound, and survives") {
    // Incompressible input is the worst case of deflate; the bound feeds message limits.
    std::mt19937 random(20);
    for (const auto& [width, height] : {std::pair{1U, 1U}, {1U, 300U}, {300U, 1U}, {64U, 64U}}) {
        const Rect some{0, 0, width, height};
        std::vector<glm::vec4> pixels(std::size_t{width} * height);
        for (auto& pixel : pixels)
            for (int c = 0; c < 4; ++c) pixel[c] = std::bit_cast<float>(static_cast<std::uint32_t>(random()) & 0xbfffffffU);
        const auto file =
            encode_chunk({.frame = 0, .rect = some, .samples = 1, .device_class = std::string(max_device_class, 'd')}, pixels);
        REQUIRE(file.has_value());
        CHECK(file->size() <= max_chunk_bytes(some));
        CHECK(test::same_bits(decode_chunk(*file, some).value().rgba, pixels));
    }
}

TEST_CASE("a chunk is a PNG that others can open") {
    const auto image = decode_png(small_chunk());
    REQUIRE(image.has_value());
    CHECK(image->width == 18);
    CHECK(image->height == 5);
    CHECK(image->bits == 16);
    CHECK(image->metadata.at("rect") == "192,64,9,5");
}

TEST_CASE("no prefix of a chunk is taken, nor a chunk with bytes behind it") {
    const auto file = small_chunk();
    for (std::size_t size = 0; size < file.size(); ++size) {
        const auto chunk = decode_chunk(std::span(file).first(size), rect);
        CAPTURE(size);
        REQUIRE(!chunk.has_value());
        REQUIRE(chunk.error().code == Code::bad_input);
    }
    auto longer = file;
    longer.push_back(std::byte{0});
    CHECK(!decode_chunk(longer, rect).has_value());
}

TEST_CASE("a flipped bit anywhere is noticed or harmless, never a crash") {
    // PNG's checksums cover all chunks; what is taken must still carry the same pixels (a flip in an ancillary chunk's own name, say).
    const auto pixels = test::noisy_pixels(rect.width, rect.height, 1);
    const auto file = small_chunk();
    for (std::size_t i = 0; i < file.size(); ++i) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            auto changed = file;
            changed[i] ^= static_cast<std::byte>(1U << bit);
            const auto chunk = decode_chunk(changed, rect);
            if (chunk) REQUIRE(test::same_bits(chunk->rgba, pixels));
        }
    }
}

TEST_CASE("a chunk of another rectangle, format or size is refused before its pixels are read") {
    const auto file = small_chunk();
    for (const Rect other : {Rect{193, 64, 9, 5}, Rect{192, 64, 9, 4}, Rect{192, 64, 9, 6}, Rect{192, 64, 8, 5}, Rect{192, 64, 18, 5}}) {
        const auto chunk = decode_chunk(file, other);
        REQUIRE(!chunk.has_value());
        CHECK(chunk.error().code == Code::bad_input);
        CHECK(chunk.error().message().starts_with("chunk: "));
    }
    // A picture of a gigapixel that claims to be this tile: the claim alone must cost nothing.
    auto huge = file;
    for (const std::size_t at : {16U, 20U}) huge[at] = std::byte{0x7f};
    CHECK(!decode_chunk(huge, rect).has_value());
    CHECK(!decode_chunk(std::vector<std::byte>(max_chunk_bytes(rect) + 1), rect).has_value());
}

TEST_CASE("a value that is not finite never leaves its worker, nor enters a frame") {
    auto pixels = test::noisy_pixels(rect.width, rect.height, 1);
    pixels[11].y = std::numeric_limits<float>::quiet_NaN();
    const auto file = encode_chunk(info, pixels);
    REQUIRE(!file.has_value());
    CHECK(file.error().where == "pixel 194,65");
    pixels[11].y = std::numeric_limits<float>::infinity();
    CHECK(!encode_chunk(info, pixels).has_value());
}

} // namespace raymill::film
