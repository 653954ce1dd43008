#include "shaders/shared/surface.h"

#include <cmath>
#include <doctest/doctest.h>
#include <limits>
#include <vector>

using namespace raymill::shading;

namespace {

/// One texture over host memory.
struct Fixture {
    std::vector<std::uint32_t> texels;
    SceneTexture texture{};
    SceneData scene{};

    Fixture(std::uint32_t width, std::uint32_t height, std::uint32_t format, std::vector<std::uint32_t> data) : texels(std::move(data)) {
        texture.width = width, texture.height = height, texture.format = format, texture.image = NONE;
        texture.wrap_s = texture.wrap_t = WRAP_CLAMP;
        texture.filtering = FILTER_LINEAR;
        scene.texels.at = texels.data();
        scene.textures.at = &texture;
    }
    [[nodiscard]] glm::vec4 at(float u, float v) const { return sample_texture(scene, 0, {u, v}); }
};

std::uint32_t grey(std::uint32_t value) { return value | value << 8 | value << 16 | 255u << 24; }

double srgb(double c) { return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4); }

} // namespace

TEST_CASE("bilinear filtering interpolates between texel centres") {
    const Fixture f(2, 2, TEXEL_RGBA8_LINEAR, {grey(0), grey(255), grey(51), grey(204)});
    CHECK(f.at(0.25f, 0.25f).x == 0.0f); // the centres
    CHECK(f.at(0.75f, 0.25f).x == 1.0f);
    CHECK(f.at(0.25f, 0.75f).x == doctest::Approx(0.2));
    CHECK(f.at(0.5f, 0.25f).x == doctest::Approx(0.5)); // half way
    CHECK(f.at(0.375f, 0.25f).x == doctest::Approx(0.25));
    CHECK(f.at(0.5f, 0.5f).x == doctest::Approx((0 + 1 + 0.2 + 0.8) / 4));
    CHECK(f.at(0.0f, 0.0f).x == 0.0f); // clamped beyond the outer centres
    CHECK(f.at(0.5f, 0.25f).w == 1.0f);
}

TEST_CASE("wrap modes repeat, mirror and clamp, at edges and far outside") {
    Fixture f(4, 1, TEXEL_RGBA8_LINEAR, {grey(0), grey(51), grey(102), grey(255)});
    const auto centre = [&](int texel) { return f.at((static_cast<float>(texel) + 0.5f) / 4, 0.5f).x; };
    const float values[4] = {0.0f, 0.2f, 0.4f, 1.0f};

    f.texture.wrap_s = WRAP_REPEAT;
    for (int texel = -9; texel < 12; ++texel) CHECK(centre(texel) == doctest::Approx(values[((texel % 4) + 4) % 4]));
    CHECK(f.at(0.0f, 0.5f).x == doctest::Approx(0.5)); // between the last texel and the first
    CHECK(f.at(1.0f, 0.5f).x == doctest::Approx(0.5));

    f.texture.wrap_s = WRAP_MIRROR;
    for (int texel = -9; texel < 12; ++texel) {
        const int folded = ((texel % 8) + 8) % 8;
        CHECK(centre(texel) == doctest::Approx(values[folded < 4 ? folded : 7 - folded]));
    }
    CHECK(f.at(0.0f, 0.5f).x == doctest::Approx(0)); // an edge is its own neighbour
    CHECK(f.at(1.0f, 0.5f).x == doctest::Approx(1));

    f.texture.wrap_s = WRAP_CLAMP;
    CHECK(centre(-3) == 0.0f);
    CHECK(centre(7) == 1.0f);
}

TEST_CASE("nearest filtering takes the texel that the coordinate lies in") {
    Fixture f(4, 1, TEXEL_RGBA8_LINEAR, {grey(0), grey(51), grey(102), grey(255)});
    f.texture.filtering = FILTER_NEAREST;
    f.texture.wrap_s = WRAP_REPEAT;
    CHECK(f.at(0.2499f, 0.5f).x == 0.0f);
    CHECK(f.at(0.2501f, 0.5f).x == doctest::Approx(0.2));
    CHECK(f.at(-0.0001f, 0.5f).x == 1.0f);
    CHECK(f.at(-1e-9f, 0.5f).x == 1.0f); // the fraction rounds to 1
}

TEST_CASE("sRGB is decoded before filtering, and not in alpha") {
    const Fixture f(2, 1, TEXEL_RGBA8_SRGB, {128u | 64u << 8 | 10u << 16 | 128u << 24, grey(255)});
    const glm::vec4 texel = f.at(0.25f, 0.5f);
    CHECK(texel.x == doctest::Approx(srgb(128 / 255.0)).epsilon(1e-5));
    CHECK(texel.y == doctest::Approx(srgb(64 / 255.0)).epsilon(1e-5));
    CHECK(texel.z == doctest::Approx(srgb(10 / 255.0)).epsilon(1e-5)); // the straight part of the curve
    CHECK(texel.w == doctest::Approx(128 / 255.0));
    // Filtering first would give srgb(0.751) = 0.52.
    CHECK(f.at(0.5f, 0.5f).x == doctest::Approx((srgb(128 / 255.0) + 1) / 2).epsilon(1e-5));
}

TEST_CASE("sixteen-bit textures keep their sixteen bits") {
    const Fixture f(1, 1, TEXEL_RGBA16_LINEAR, {1000u | 20001u << 16, 65535u | 3u << 16});
    const glm::vec4 texel = f.at(0.3f, 0.9f);
    CHECK(texel.x == doctest::Approx(1000 / 65535.0));
    CHECK(texel.y == doctest::Approx(20001 / 65535.0));
    CHECK(texel.z == 1.0f);
    CHECK(texel.w == doctest::Approx(3 / 65535.0));
}

TEST_CASE("no coordinate reads outside a texture or gives NaN") {
    // Under AddressSanitizer a read outside fails by itself; the texels are the whole allocation.
    const float infinity = std::numeric_limits<float>::infinity();
    for (const std::uint32_t wrap : {WRAP_REPEAT, WRAP_CLAMP, WRAP_MIRROR})
        for (const std::uint32_t filtering : {FILTER_NEAREST, FILTER_LINEAR})
            for (const auto& [width, height] : {std::pair{1u, 1u}, std::pair{3u, 2u}}) {
                Fixture f(width, height, TEXEL_RGBA8_LINEAR, std::vector<std::uint32_t>(width * height, grey(255)));
                f.texture.wrap_s = f.texture.wrap_t = wrap;
                f.texture.filtering = filtering;
                for (const float u :
                     {0.0f, 1.0f, -1e-9f, -0.5f, 1e6f, -1e6f, 3e38f, -3e38f, infinity, -infinity, std::nanf(""), 0.99999994f})
                    for (const float v : {0.0f, 1.0f, -2.0f, infinity, std::nanf("")}) CHECK(f.at(u, v).x == 1.0f);
            }
}

TEST_CASE("a texture transform is applied as the matrix says, to the UV set that the use names") {
    Fixture f(2, 1, TEXEL_RGBA8_LINEAR, {grey(0), grey(255)});
    f.texture.filtering = FILTER_NEAREST;
    SceneMesh mesh{};
    mesh.first_uv0 = 0, mesh.first_uv1 = 3, mesh.first_uv2 = mesh.first_uv3 = NONE;
    const std::vector<glm::vec2> uvs(6, {0.25f, 0.75f});
    f.scene.meshes.at = &mesh;
    f.scene.uvs.at = uvs.data();
    const SceneTriangle triangle{0, 1, 2, 0};
    SceneMaterial material{};
    f.scene.materials.at = &material;
    TextureUse& use = material.specular_texture;
    use.texture = 0;
    use.m00 = 1, use.m11 = 1;
    const glm::vec3 weights(0.2f, 0.3f, 0.5f);
    CHECK(evaluate_texture(f.scene, SPECULAR_TEXTURE, 0, triangle, weights).x == 0.0f);
    use.m00 = 0, use.m01 = 1; // a quarter turn: u' = v
    CHECK(evaluate_texture(f.scene, SPECULAR_TEXTURE, 0, triangle, weights).x == 1.0f);
    use.m01 = 0, use.m02 = 0.6f, use.uv_set = 1;
    CHECK(evaluate_texture(f.scene, SPECULAR_TEXTURE, 0, triangle, weights).x == 1.0f);
    use.m02 = 0, use.m00 = 9, use.uv_set = 3; // a set that the mesh lacks counts as (0, 0)
    CHECK(evaluate_texture(f.scene, SPECULAR_TEXTURE, 0, triangle, weights).x == 0.0f);
    use.texture = NONE;
    CHECK(evaluate_texture(f.scene, SPECULAR_TEXTURE, 0, triangle, weights) == glm::vec4(1));
}
