// Environments from files of unknown origin.
#include "renderer/film/environment.hpp"
#include "renderer/film/image_writer.hpp"
#include "tests/film/pixels.hpp"

#include <cmath>
#include <limits>
#include <string>

namespace raymill::film {
namespace {

std::vector<std::uint8_t> with_header(const std::string& size, const std::string& extra = "") {
    const std::string text = "#?RADIANCE\n# made by a test\nFORMAT=32-bit_rle_rgbe\n" + extra + "\n" + size + "\n";
    return {text.begin(), text.end()};
}

void append(std::vector<std::uint8_t>& file, std::initializer_list<int> bytes) {
    for (const int byte : bytes) file.push_back(static_cast<std::uint8_t>(byte));
}

/// 9 x 2: a run-length row of the new kind, then a flat one.
std::vector<std::uint8_t> new_style() {
    auto file = with_header("-Y 2 +X 9");
    append(file, {2, 2, 0, 9});
    append(file, {128 + 9, 128});                           // R: a run of nine
    append(file, {9, 0, 16, 32, 48, 64, 80, 96, 112, 128}); // G: nine literals
    append(file, {128 + 4, 7, 5, 1, 2, 3, 4, 5});           // B: a run of four, five literals
    append(file, {128 + 8, 129, 1, 136});                   // E: 2^1 x mantissa / 256, the last 2^8
    for (int x = 0; x < 9; ++x) append(file, {128, 64, 32, 129});
    return file;
}

Result<EnvironmentFile> read(const test::Folder& folder, const std::vector<std::uint8_t>& bytes) {
    test::write_file(folder / "env", bytes);
    return read_environment(folder / "env");
}

/// The message of what must be refused.
std::string refused(const test::Folder& folder, const std::vector<std::uint8_t>& bytes) {
    const auto result = read(folder, bytes);
    REQUIRE(!result.has_value());
    CHECK(result.error().code == Code::bad_input);
    CHECK(result.error().message().find('\n') == std::string::npos);
    return result.error().message();
}

} // namespace

TEST_CASE("run-length rows of the new kind and flat rows decode to mantissa x 2^(exponent - 136)") {
    const test::Folder folder;
    const auto env = read(folder, new_style());
    REQUIRE(env.has_value());
    CHECK(env->width == 9);
    CHECK(env->height == 2);
    CHECK(env->mended == 0);
    CHECK(env->texels[0] == glm::vec3(1, 0, 7.0F / 128));
    CHECK(env->texels[4] == glm::vec3(1, 0.5F, 1.0F / 128));
    CHECK(env->texels[8] == glm::vec3(128, 128, 5));
    CHECK(env->texels[9] == glm::vec3(1, 0.5F, 0.25F));
}

TEST_CASE("the old kind's repeats, counts of more than 255 among them, decode") {
    const test::Folder folder;
    auto file = with_header("-Y 1 +X 302");
    append(file, {128, 64, 32, 129, 1, 1, 1, 44, 1, 1, 1, 1, 0, 0, 0, 0}); // 1 + 44 + 256 repeats + black
    const auto env = read(folder, file);
    REQUIRE(env.has_value());
    for (int x = 0; x < 301; ++x) CHECK(env->texels[static_cast<std::size_t>(x)] == glm::vec3(1, 0.5F, 0.25F));
    CHECK(env->texels[301] == glm::vec3(0));
}

TEST_CASE("the file's scan order and exposure are honoured") {
    const test::Folder folder;
    auto plain = with_header("-Y 2 +X 2"), turned = with_header("+Y 2 -X 2"),
         exposed = with_header("-Y 2 +X 2", "EXPOSURE=2\nEXPOSURE= 2.0\n");
    for (auto* file : {&plain, &turned, &exposed}) append(*file, {10, 0, 0, 136, 20, 0, 0, 136, 30, 0, 0, 136, 40, 0, 0, 136});
    const auto a = read(folder, plain), b = read(folder, turned), c = read(folder, exposed);
    REQUIRE((a.has_value() && b.has_value() && c.has_value()));
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK(a->texels[i].x == static_cast<float>(10 * (i + 1)));
        CHECK(b->texels[i].x == static_cast<float>(10 * (4 - i)));
        CHECK(c->texels[i].x == static_cast<float>(10 * (i + 1)) / 4);
    }
}

TEST_CASE("no prefix of a .hdr file is taken for a whole one") {
    const test::Folder folder;
    const auto file = new_style();
    for (std::size_t size = 0; size < file.size(); ++size) {
        CAPTURE(size);
        refused(folder, {file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)});
    }
}

TEST_CASE("malformed .hdr files are refused in words that say where") {
    const test::Folder folder;
    CHECK(refused(folder, with_header("-Y 8193 +X 16")).find("16384 x 8192") != std::string::npos);
    CHECK(refused(folder, with_header("-Y 8 +X 16385")).find("16384 x 8192") != std::string::npos);
    CHECK(refused(folder, with_header("-Y 0 +X 16")).find("16 x 0 pixels") != std::string::npos);
    CHECK(refused(folder, with_header("-Y 8192 +X 16384")).find("long before its last row") != std::string::npos);
    CHECK(refused(folder, with_header("+X 16 -Y 8")).find("size") != std::string::npos);
    CHECK(refused(folder, with_header("-Y 99999999999999999999 +X 16")).find("size") != std::string::npos);
    CHECK(refused(folder, with_header("-Y 1 +X 1", "EXPOSURE=0\n")).find("EXPOSURE") != std::string::npos);
    CHECK(refused(folder, with_header("-Y 1 +X 1", "EXPOSURE=nan\n")).find("EXPOSURE") != std::string::npos);
    const std::string xyz = "#?RADIANCE\nFORMAT=32-bit_rle_xyze\n\n-Y 1 +X 1\nabcd";
    CHECK(refused(folder, {xyz.begin(), xyz.end()}).find("32-bit_rle_xyze") != std::string::npos);
    auto overrun = with_header("-Y 1 +X 9");
    append(overrun, {2, 2, 0, 9, 128 + 10, 1});
    CHECK(refused(folder, overrun).find("row 0") != std::string::npos);
    auto zero = with_header("-Y 1 +X 9");
    append(zero, {2, 2, 0, 9, 0, 0, 0, 0, 0, 0});
    CHECK(refused(folder, zero).find("row 0") != std::string::npos);
    auto nothing_to_repeat = with_header("-Y 1 +X 4");
    append(nothing_to_repeat, {1, 1, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0});
    CHECK(refused(folder, nothing_to_repeat).find("row 0") != std::string::npos);
    CHECK(refused(folder, {'P', 'N', 'G', '!'}).find("first bytes") != std::string::npos);
    CHECK(!read_environment(folder / "none.hdr").has_value());
    CHECK(!read_environment(folder.path()).has_value());
}

TEST_CASE("random bytes behind a good .hdr header are never a crash") {
    const test::Folder folder;
    std::mt19937 random(21);
    MESSAGE("seed 21");
    int taken = 0;
    for (int round = 0; round < 300; ++round) {
        auto file = with_header("-Y 4 +X 20");
        for (int i = 0; i < 400; ++i) {
            if (i % 60 == 0) append(file, {2, 2, 0, 20});
            file.push_back(static_cast<std::uint8_t>(random() % (round % 2 ? 256 : 24)));
        }
        const auto env = read(folder, file);
        if (!env) continue;
        ++taken;
        for (const auto& texel : env->texels)
            for (int c = 0; c < 3; ++c) REQUIRE((std::isfinite(texel[c]) && texel[c] >= 0));
    }
    CHECK(taken < 300);
}

TEST_CASE("an EXR environment reads as it was written; what cannot be radiance is mended and counted") {
    const test::Folder folder;
    auto pixels = test::noisy_pixels(16, 8, 10);
    constexpr float inf = std::numeric_limits<float>::infinity();
    const auto write = [&] {
        auto writer = ImageWriter::open(
            folder / "e.exr", {.width = 16, .height = 8, .format = ImageFormat::exr, .display = {}, .alpha = false, .metadata = {}});
        REQUIRE(writer.has_value());
        REQUIRE((*writer)->write_rows(pixels).has_value());
        REQUIRE((*writer)->finish().has_value());
    };
    write();
    const auto clean = read_environment(folder / "e.exr");
    REQUIRE(clean.has_value());
    CHECK(clean->width == 16);
    CHECK(clean->height == 8);
    CHECK(clean->mended == 0);
    for (std::size_t i = 0; i < pixels.size(); ++i) REQUIRE(clean->texels[i] == glm::vec3(pixels[i].x, pixels[i].y, pixels[i].z));

    pixels[3] = {std::nanf(""), 1, 2, 1};
    pixels[4] = {-1, inf, -inf, 1};
    write();
    const auto mended = read_environment(folder / "e.exr");
    REQUIRE(mended.has_value());
    CHECK(mended->mended == 2);
    CHECK(mended->texels[3] == glm::vec3(0, 1, 2));
    CHECK(mended->texels[4] == glm::vec3(0, 65504, 0));
}

TEST_CASE("no prefix of an .exr file is taken for a whole one, and flipped bits never crash") {
    const test::Folder folder;
    const auto pixels = test::noisy_pixels(8, 4, 11);
    auto writer = ImageWriter::open(folder / "e.exr",
                                    {.width = 8, .height = 4, .format = ImageFormat::exr, .display = {}, .alpha = false, .metadata = {}});
    REQUIRE(writer.has_value());
    REQUIRE((*writer)->write_rows(pixels).has_value());
    REQUIRE((*writer)->finish().has_value());
    const auto file = test::bytes_of_file(folder / "e.exr");
    for (std::size_t size = 0; size < file.size(); ++size) {
        CAPTURE(size);
        refused(folder, {file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)});
    }
    for (std::size_t i = 0; i < file.size(); ++i) {
        auto changed = file;
        changed[i] ^= static_cast<std::uint8_t>(1U << (i % 8));
        const auto env = read(folder, changed);
        if (env) REQUIRE(env->texels.size() == std::size_t{env->width} * env->height);
    }
}

} // namespace raymill::film
