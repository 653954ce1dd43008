// PNG and EXR files, written row by row and read back.
#include "renderer/film/image_writer.hpp"
#include "renderer/film/preview.hpp"
#include "renderer/film/read_image.hpp"
#include "tests/film/pixels.hpp"

#include <csignal>
#include <sys/resource.h>

#include <cmath>

namespace raymill::film {
namespace {

ImageSpec spec_of(std::uint32_t width, std::uint32_t height, ImageFormat format, std::uint32_t bits, bool alpha) {
    return {.width = width,
            .height = height,
            .format = format,
            .display = {.curve = ToneMap::none, .exposure = 0, .bits = bits},
            .alpha = alpha,
            .metadata = {{"scene", "ab12"}, {"settings", "--spp 16 --camera \"Küche\""}}};
}

Status write_all(const std::filesystem::path& file, const ImageSpec& spec, const std::vector<glm::vec4>& pixels, std::size_t rows_at_once) {
    auto writer = ImageWriter::open(file, spec);
    if (!writer) return std::unexpected(writer.error());
    for (std::size_t y = 0; y < spec.height; y += rows_at_once) {
        const auto rows = std::min<std::size_t>(rows_at_once, spec.height - y);
        if (auto status = (*writer)->write_rows(std::span(pixels).subspan(y * spec.width, rows * spec.width)); !status) return status;
    }
    return (*writer)->finish();
}

} // namespace

TEST_CASE("a PNG reads back as exactly the samples that to_display gives, with its metadata") {
    const test::Folder folder;
    auto pixels = test::noisy_pixels(37, 11, 3);
    pixels[5] = {0.1F, 0.05F, 0.2F, 0.5F};
    for (const std::uint32_t bits : {8U, 16U}) {
        for (const bool alpha : {false, true}) {
            const auto spec = spec_of(37, 11, ImageFormat::png, bits, alpha);
            REQUIRE(write_all(folder / "a.png", spec, pixels, 4).has_value());
            const auto image = read_image(folder / "a.png");
            REQUIRE(image.has_value());
            CHECK(image->width == 37);
            CHECK(image->height == 11);
            CHECK(image->bits == bits);
            CHECK(image->channels == (alpha ? 4 : 3));
            const float top = bits == 8 ? 255 : 65535;
            for (std::uint32_t i = 0; i < pixels.size(); ++i) {
                const auto wanted = to_display(pixels[i], i % 37, i / 37, spec.display);
                for (int c = 0; c < (alpha ? 4 : 3); ++c) {
                    REQUIRE(std::lround(image->rgba[i][c] * top) == wanted[static_cast<std::size_t>(c)]);
                }
            }
            CHECK(image->metadata.at("scene") == "ab12");
            CHECK(image->metadata.at("settings") == "--spp 16 --camera \"Küche\""); // UTF-8 through iTXt
            CHECK(image->metadata.at("Software").starts_with("raymill "));
        }
    }
}

TEST_CASE("an EXR reads back bit for bit, whatever the number of rows written at once") {
    // ZIP blocks hold 16 lines: bands that do not line up with them must not matter.
    const test::Folder folder;
    auto pixels = test::noisy_pixels(29, 37, 4);
    pixels[0] = {-0.0F, 1e-42F, 3e38F, 1};
    pixels[1] = {0.1F, 0.2F, 0.3F, 0.25F};
    std::vector<std::uint8_t> first;
    for (const std::size_t rows : {1U, 5U, 16U, 37U}) {
        REQUIRE(write_all(folder / "a.exr", spec_of(29, 37, ImageFormat::exr, 8, true), pixels, rows).has_value());
        const auto image = read_image(folder / "a.exr");
        REQUIRE(image.has_value());
        CHECK(image->channels == 4);
        CHECK(test::same_bits(image->rgba, pixels));
        CHECK(image->metadata.at("raymill:scene") == "ab12");
        if (first.empty()) first = test::bytes_of_file(folder / "a.exr");
        CHECK(test::bytes_of_file(folder / "a.exr") == first);
    }
    REQUIRE(write_all(folder / "b.exr", spec_of(29, 37, ImageFormat::exr, 8, false), pixels, 7).has_value());
    const auto opaque = read_image(folder / "b.exr");
    REQUIRE(opaque.has_value());
    CHECK(opaque->channels == 3);
    CHECK(opaque->rgba[1] == glm::vec4(0.1F, 0.2F, 0.3F, 1));
}

TEST_CASE("what is written under the settings' words is what image_spec asks for") {
    Settings settings;
    settings.width = 64, settings.height = 32, settings.spp = 7, settings.tonemap = ToneMap::agx, settings.exposure = -0.5F,
    settings.bits = 16;
    settings.env_hidden = true;
    const auto png = image_spec(settings, "5ce1e", "software", 12);
    CHECK(png.width == 64);
    CHECK(png.height == 32);
    CHECK(png.format == ImageFormat::png);
    CHECK(png.display.curve == ToneMap::agx);
    CHECK(png.display.exposure == -0.5F);
    CHECK(png.display.bits == 16);
    CHECK(png.alpha);
    CHECK(png.metadata.at("samples") == "7");
    CHECK(png.metadata.at("frame") == "12");
    CHECK(png.metadata.at("scene") == "5ce1e");
    CHECK(png.metadata.at("settings").find("--spp 7") != std::string::npos);
    settings.format = "exr", settings.env_hidden = false;
    CHECK(image_spec(settings, "", "", 0).format == ImageFormat::exr);
    CHECK(!image_spec(settings, "", "", 0).alpha);
}

TEST_CASE("a file that was not finished leaves nothing, and what stood there before stays") {
    const test::Folder folder;
    const auto pixels = test::noisy_pixels(16, 16, 5);
    for (const auto format : {ImageFormat::png, ImageFormat::exr}) {
        const auto file = folder / "kept";
        test::write_file(file, {1, 2, 3});
        {
            auto writer = ImageWriter::open(file, spec_of(16, 16, format, 8, false));
            REQUIRE(writer.has_value());
            REQUIRE((*writer)->write_rows(std::span(pixels).first(16 * 9)).has_value());
            CHECK(folder.count() == 2);
        }
        CHECK(folder.count() == 1);
        CHECK(test::bytes_of_file(file) == std::vector<std::uint8_t>{1, 2, 3});
        REQUIRE(write_all(file, spec_of(16, 16, format, 8, false), pixels, 16).has_value());
        CHECK(folder.count() == 1);
        CHECK(test::bytes_of_file(file).size() > 100);
    }
}

TEST_CASE("a folder that is missing and a disk that is full are errors that name the file, and leave nothing") {
    const test::Folder folder;
    const auto missing = ImageWriter::open(folder / "no" / "a.png", spec_of(8, 8, ImageFormat::png, 8, false));
    REQUIRE(!missing.has_value());
    CHECK(missing.error().code == Code::io);
    CHECK(missing.error().message().find("a.png") != std::string::npos);

    // A limit on the size of files stands in for a full disk.
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{4096, before.rlim_max};
    REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
    const auto pixels = test::noisy_pixels(200, 200, 6);
    const auto png = write_all(folder / "full.png", spec_of(200, 200, ImageFormat::png, 16, false), pixels, 10);
    const auto exr = write_all(folder / "full.exr", spec_of(200, 200, ImageFormat::exr, 8, false), pixels, 10);
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, old_handler);
    for (const auto& status : {png, exr}) {
        REQUIRE(!status.has_value());
        CHECK(status.error().code == Code::io);
        CHECK(status.error().message().find("full.") != std::string::npos);
        CHECK(status.error().message().find("File too large") != std::string::npos);
    }
    CHECK(folder.count() == 0);
}

TEST_CASE("previews of tiles are the pixels of the frame's preview") {
    // The dither must go by the frame's position, or tiles show seams.
    const auto pixels = test::noisy_pixels(20, 12, 7);
    const Display display{.curve = ToneMap::neutral, .exposure = 0, .bits = 8};
    const auto whole = decode_png(encode_preview({0, 0, 20, 12}, pixels, display).value());
    REQUIRE(whole.has_value());
    const Rect rect{13, 5, 7, 6};
    std::vector<glm::vec4> part;
    for (std::uint32_t y = 0; y < rect.height; ++y)
        for (std::uint32_t x = 0; x < rect.width; ++x) part.push_back(pixels[(rect.y + y) * 20 + rect.x + x]);
    const auto tile = decode_png(encode_preview(rect, part, display).value());
    REQUIRE(tile.has_value());
    CHECK(tile->channels == 4);
    for (std::uint32_t y = 0; y < rect.height; ++y)
        for (std::uint32_t x = 0; x < rect.width; ++x) CHECK(tile->rgba[y * rect.width + x] == whole->rgba[(rect.y + y) * 20 + rect.x + x]);
}

} // namespace raymill::film
