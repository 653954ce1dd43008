// Textures by the device's own units, and by hand where it has none or not enough: the same picture.
#include "tests/gpu/opened.hpp"
#include "tests/support/flat_scenes.hpp"

#include <algorithm>
#include <cmath>
#include <random>

using namespace raymill;

namespace {

DeviceChoice choice(const char* textures, std::uint32_t most_samplers = 0xffffffffu, const char* trace = "auto") {
    DeviceChoice made;
    made.textures = textures;
    made.most_samplers = most_samplers;
    made.trace = trace;
    return made;
}

/// Straight down onto the square -10 .. 10 of the plane y = 0, row 0 at -z.
void look_down(scene::FlatScene& scene) {
    scene.head.camera.kind = shading::CAMERA_ORTHOGRAPHIC;
    scene.head.camera.half_width = scene.head.camera.half_height = 10;
    scene.head.camera.camera_to_world = glm::mat4x3(glm::vec3(1, 0, 0), glm::vec3(0, 0, -1), glm::vec3(0, 1, 0), glm::vec3(0, 1, 0));
}

/// An unlit square of this texture, with texture coordinates scale x (0 .. 1) + offset, in cell `i` of a grid of `edge` x `edge` squares.
void add_square(tests::FlatSceneBuilder& build, std::uint32_t texture, std::uint32_t i, std::uint32_t edge, float scale = 1,
                float offset = 0) {
    const std::uint32_t material = build.material(glm::vec4(1));
    build.flat.materials[material].flags = shading::MATERIAL_UNLIT;
    auto& use = build.flat.materials[material].base_color_texture;
    use.texture = texture;
    use.m00 = use.m11 = scale;
    use.m01 = use.m10 = 0;
    use.m02 = use.m12 = offset;
    const float half = 10.f / static_cast<float>(edge);
    const std::uint32_t row = i / edge;
    const glm::vec3 place(static_cast<float>(i % edge) * 2 * half - 10 + half, 0, static_cast<float>(row) * 2 * half - 10 + half);
    build.instance(build.square(material), tests::combined(tests::moved(place), tests::scaled(glm::vec3(half))));
}

/// Random texels; each channel of neighbours apart by up to all of its range.
std::uint32_t random_texture(tests::FlatSceneBuilder& build, std::mt19937& random, std::uint32_t width, std::uint32_t height,
                             std::uint32_t format, std::uint32_t wrap_s, std::uint32_t wrap_t, std::uint32_t filtering) {
    build.flat.textures.push_back(
        {static_cast<std::uint32_t>(build.flat.texels.size()), width, height, format, wrap_s, wrap_t, filtering, shading::NONE});
    const std::size_t words = std::size_t{width} * height * (format == shading::TEXEL_RGBA16_LINEAR ? 2 : 1);
    for (std::size_t i = 0; i < words; ++i) build.flat.texels.push_back(static_cast<std::uint32_t>(random()));
    return static_cast<std::uint32_t>(build.flat.textures.size() - 1);
}

/// A scene of 6 x 6 squares: every format, wrap and filter, odd sizes, coordinates from -1.3 to 2.7; the last one far from 0.
scene::FlatScene all_kinds(unsigned seed) {
    std::mt19937 random(seed);
    tests::FlatSceneBuilder build;
    std::uint32_t square = 0;
    for (const auto format : {shading::TEXEL_RGBA8_SRGB, shading::TEXEL_RGBA8_LINEAR, shading::TEXEL_RGBA16_LINEAR})
        for (const auto filtering : {shading::FILTER_NEAREST, shading::FILTER_LINEAR})
            for (const auto wrap : {shading::WRAP_REPEAT, shading::WRAP_CLAMP, shading::WRAP_MIRROR})
                for (const bool turned : {false, true}) {
                    const auto other = turned ? shading::WRAP_REPEAT : wrap;
                    const auto texture = random_texture(build, random, turned ? 1 : 5, turned ? 7 : 3, format, wrap, other, filtering);
                    add_square(build, texture, square, 6, 4, square == 35 ? 4000.7f : -1.3f);
                    ++square;
                }
    auto scene = build.finish(glm::vec3(0, 1, 0), glm::vec3(0, 0, -1e-3f), 40, 1, glm::vec3(0));
    look_down(scene);
    return scene;
}

/// How many pixels differ by more than the texture units' precision: 8 bits of weight each way (Vulkan: subTexelPrecisionBits, at least 4
/// are promised, what is sold has 8), times a range of 1. Nearest texels may go to the other side within that of an edge.
std::size_t unlike(const std::vector<glm::vec4>& a, const std::vector<glm::vec4>& b) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const glm::vec4 apart = glm::abs(a[i] - b[i]);
        if (std::max({apart.x, apart.y, apart.z}) > 2.5f / 256) ++count;
    }
    return count;
}

} // namespace

TEST_CASE("400 textures are drawn, each in its place, whatever number of them the device can sample") {
    // Squares in a grid of 20 x 20, unlit, each with a texture of its own, one pixel each. 200: what some drivers have.
    for (const auto& how : {choice("fetch"), choice("samplers"), choice("samplers", 200), choice("samplers", 399), choice("samplers", 1)}) {
        OPEN_GPU(device, how);
        CAPTURE(device.info().device_class);
        tests::FlatSceneBuilder build;
        std::vector<glm::u8vec4> colors;
        for (std::uint32_t i = 0; i < 400; ++i) {
            colors.emplace_back(i % 256, (i * 7) % 256, (i * 31 + 5) % 256, 255);
            add_square(build, build.plain_texture(colors.back()), i, 20);
        }
        auto scene = build.finish(glm::vec3(0, 1, 0), glm::vec3(0, 0, -1e-3f), 40, 1, glm::vec3(0));
        look_down(scene);
        tests::load(device, scene);
        const auto rgba = tests::pixels(device, tests::frame(20, 20, 1), {0, 0, 20, 20});
        // Units decode sRGB to at least 8 bits of what is linear; by hand it is exact.
        const double allowed = how.textures == "fetch" ? 1e-5 : 0.6 / 255;
        for (std::size_t i = 0; i < 400; ++i)
            for (int channel = 0; channel < 3; ++channel) {
                const double code = colors[i][channel] / 255.0;
                const double linear = code <= 0.04045 ? code / 12.92 : std::pow((code + 0.055) / 1.055, 2.4);
                CHECK(std::abs(static_cast<double>(rgba[i][channel]) - linear) < allowed);
            }
    }
}

TEST_CASE("texture units give what fetching by hand gives: every format, wrap and filter, and coordinates far from 0") {
    // The same samples of the same squares; what may differ is said at unlike(). A wrong wrap, filter, format or a swapped axis shows in
    // a whole square, which is 1 of 36.
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    const auto scene = all_kinds(seed);
    const auto params = tests::frame(144, 144, 1);
    OPEN_GPU(by_hand, choice("fetch"));
    tests::load(by_hand, scene);
    const auto expected = tests::pixels(by_hand, params, {0, 0, 144, 144});
    for (const auto& how : {choice("samplers"), choice("samplers", 17)}) {
        OPEN_GPU(by_units, how);
        CHECK(by_units.info().device_class != by_hand.info().device_class);
        tests::load(by_units, scene);
        const auto rgba = tests::pixels(by_units, params, {0, 0, 144, 144});
        CHECK(unlike(rgba, expected) < rgba.size() / 50);
        CHECK(rgba != expected); // else the units were not asked
        // And whatever the rectangle, the same bits.
        std::vector<glm::vec4> cut = tests::pixels(by_units, params, {31, 40, 17, 50});
        for (std::uint32_t y = 0; y < 50; ++y)
            CHECK(std::equal(cut.begin() + y * 17, cut.begin() + (y + 1) * 17, rgba.begin() + (y + 40) * 144 + 31));
    }
}

TEST_CASE("a texture larger than one piece of the copy arrives whole, and none is left from the scene before") {
    // 4096 x 4097 texels of 4 bytes: one row more than the staging buffer holds. Every row has a colour of its own.
    OPEN_GPU(device, choice("samplers"));
    const auto draw = [&](std::uint32_t width, std::uint32_t height, std::uint32_t shift) {
        tests::FlatSceneBuilder build;
        build.flat.textures.push_back({0, width, height, shading::TEXEL_RGBA8_LINEAR, shading::WRAP_CLAMP, shading::WRAP_CLAMP,
                                       shading::FILTER_NEAREST, shading::NONE});
        for (std::uint32_t y = 0; y < height; ++y)
            build.flat.texels.insert(build.flat.texels.end(), width, 0xff000000u | ((y >> shift) & 255u) | (y & 255u) << 8);
        add_square(build, 0, 0, 1);
        auto scene = build.finish(glm::vec3(0, 1, 0), glm::vec3(0, 0, -1e-3f), 40, 1, glm::vec3(0));
        look_down(scene);
        tests::load(device, scene);
        // The square's v runs along z, one way or the other.
        const auto rgba = tests::pixels(device, tests::frame(1, height / 16, 1), {0, 0, 1, height / 16});
        std::vector<double> rows;
        for (const auto& pixel : rgba)
            rows.push_back(static_cast<double>(pixel.x) * 255 * (1 << shift) + std::fmod(static_cast<double>(pixel.y) * 255, 1 << shift));
        if (rows.front() > rows.back()) std::ranges::reverse(rows);
        for (std::size_t i = 0; i < rows.size(); ++i) CHECK(std::abs(rows[i] - (16 * static_cast<double>(i) + 8)) < 10);
    };
    draw(4096, 4097, 5);
    draw(16, 160, 0);
}

TEST_CASE("what is cut out by a texture lets shadow rays through, by units as by hand, in both modules") {
    std::vector<shading::ShadowRay> rays;
    for (int z = 0; z < 20; ++z)
        for (int x = 0; x < 20; ++x)
            rays.push_back(
                {glm::vec3(-9.5f + static_cast<float>(x), 5, -9.5f + static_cast<float>(z)), 100, glm::vec3(0, -1, 0), glm::vec3(1)});
    for (const char* trace : {"bvh", "ray_query"}) {
        std::vector<std::vector<float>> answers;
        for (const char* how : {"fetch", "samplers"}) {
            OPEN_GPU(device, choice(how, 0xffffffffu, trace));
            std::mt19937 random(7);
            tests::FlatSceneBuilder build;
            const auto texture = random_texture(build, random, 20, 20, shading::TEXEL_RGBA8_SRGB, shading::WRAP_REPEAT,
                                                shading::WRAP_REPEAT, shading::FILTER_NEAREST);
            const auto material = build.material(glm::vec4(1, 1, 1, 0.999f)); // blended
            build.flat.materials[material].base_color_texture.texture = texture;
            build.instance(build.square(material), tests::scaled(glm::vec3(10)));
            tests::load(device, build.finish(glm::vec3(0, 1, 0), glm::vec3(0, 0, -1e-3f), 40, 1, glm::vec3(0)));
            const auto light = device.transmittances(rays);
            REQUIRE(light.has_value());
            answers.push_back(*light);
        }
        REQUIRE(answers.size() == 2);
        double spread = 0;
        for (std::size_t i = 0; i < rays.size(); ++i) {
            CHECK(std::abs(answers[0][i] - answers[1][i]) < 1e-3f);
            spread = std::max(spread, static_cast<double>(answers[0][i]));
        }
        CHECK(spread > 0.9);
    }
}

TEST_CASE("validation layers find nothing wrong in textures by units") {
    for (const char* trace : {"bvh", "ray_query"}) {
        auto how = choice("samplers", 20, trace);
        how.validation = true;
        OPEN_GPU(device, how, 512);
        for (unsigned seed = 1; seed <= 2; ++seed) {
            tests::load(device, all_kinds(seed));
            tests::pixels(device, tests::frame(24, 24, 2), {0, 0, 24, 24});
        }
        tests::load(device, tests::random_instances(51, 30)); // without textures: the other kernels
        tests::pixels(device, tests::frame(24, 24, 2), {0, 0, 24, 24});
    }
}
