#include "renderer/scene/light_table.hpp"
#include "shaders/shared/environment.h"
#include "tests/gltf/checks.hpp"
#include "tests/gltf/loading.hpp"

#include <cmath>
#include <doctest/doctest.h>
#include <numbers>
#include <numeric>
#include <random>

using namespace raymill;
using namespace raymill::tests;

namespace {

constexpr double pi = std::numbers::pi;

Settings with_env(const std::string& env) {
    Settings settings;
    settings.env = env;
    return settings;
}

std::size_t count_kind(const scene::FlatScene& flat, std::uint32_t kind) {
    std::size_t count = 0;
    for (const auto& light : flat.lights) count += light.kind == kind ? 1 : 0;
    return count;
}

/// Intensity of the leaf that light `index` has in the tree of near lights; -1 without one.
double strength_of(const scene::FlatScene& flat, std::size_t index) {
    for (const auto& node : flat.light_nodes)
        if (node.link == (shading::LIGHT_LEAF | index)) return static_cast<double>(node.intensity);
    return -1;
}

} // namespace

TEST_CASE("an alias table gives each entry its weight, and none to entries of weight 0") {
    // Closed form over the cells, no sampling. Float thresholds allow 6e-8 of a cell; a wrong alias shows as a whole share.
    const std::uint32_t seed = 7;
    CAPTURE(seed);
    std::mt19937 random(seed);
    for (const std::size_t count : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{100}, std::size_t{4097}}) {
        std::vector<double> weights(count);
        for (auto& w : weights) w = random() % 3 == 0 ? 0 : std::pow(10.0, static_cast<double>(random() % 600) / 100 - 3);
        weights[random() % count] = 5;
        const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
        const auto drawn = scene::probabilities(scene::build_alias_table(weights));
        for (std::size_t i = 0; i < count; ++i) {
            if (weights[i] == 0) CHECK(drawn[i] == 0);
            CHECK(std::abs(drawn[i] - weights[i] / total) <= 1.2e-7);
        }
        CHECK(std::accumulate(drawn.begin(), drawn.end(), 0.0) == doctest::Approx(1).epsilon(1e-12));
    }
    const auto even = scene::probabilities(scene::build_alias_table(std::vector<double>(4, 0.0)));
    CHECK(even == std::vector<double>(4, 0.25));
}

TEST_CASE("an environment's patches have the probability of their flux, also where rounding would make it 0") {
    const std::uint32_t seed = 11;
    CAPTURE(seed);
    std::mt19937 random(seed);
    for (const auto& [width, height] : {std::pair{1u, 1u}, std::pair{2u, 1u}, std::pair{8u, 4u}, std::pair{64u, 33u}}) {
        std::vector<glm::vec3> radiance(std::size_t{width} * height);
        for (auto& c : radiance)
            if (random() % 4 == 0) c = glm::vec3(std::pow(10.f, static_cast<float>(random() % 1000) / 100 - 5), 0, 0);
        radiance[random() % radiance.size()] = glm::vec3(0, 0, 3e-4f);
        const auto texels = scene::build_environment(width, height, radiance);
        REQUIRE(texels.size() == std::size_t{width} * (height + 1));
        double drawn_in_all = 0, sphere = 0;
        const auto edge = [](std::uint32_t end) { return end == 0xffffffffu ? 1.0 : end / 4294967296.0; };
        for (std::size_t i = 0; i < texels.size(); ++i) {
            const auto x = static_cast<std::uint32_t>(i % width), y = static_cast<std::uint32_t>(i / width);
            const double of_row = edge(texels[i].row_end) - (y == 0 ? 0.0 : edge(texels[i - width].row_end));
            const double in_row = edge(texels[i].column_end) - (x == 0 ? 0.0 : edge(texels[i - 1].column_end));
            drawn_in_all += of_row * in_row;
            sphere += scene::patch_solid_angle(width, height, y);
            double mean = 0;
            for (const std::uint32_t row : {y == 0 ? 0 : y - 1, std::min(y, height - 1)})
                for (const std::uint32_t column : {x, (x + 1) % width})
                    mean += static_cast<double>(shading::environment_importance(radiance[std::size_t{row} * width + column])) / 4;
            CHECK((texels[i].density > 0) == (mean > 0));
            const bool polar = y == 0 || y == height;
            const double area = polar ? scene::patch_solid_angle(width, height, y) : 2 * pi / width * pi / height;
            CHECK(of_row * in_row == doctest::Approx(static_cast<double>(texels[i].density) * mean * area).epsilon(1e-6));
        }
        CHECK(sphere == doctest::Approx(4 * pi).epsilon(1e-12));
        CHECK(drawn_in_all == doctest::Approx(1).epsilon(1e-12));
    }
}

TEST_CASE("a bright texel gets its share of the samples") {
    // One texel of 1000 over a floor of 1: each of the four patches at its corner has a quarter of it.
    std::vector<glm::vec3> radiance(128, glm::vec3(1));
    radiance[3 * 16 + 5] = glm::vec3(1000);
    const auto texels = scene::build_environment(16, 8, radiance);
    const auto drawn = [&](std::uint32_t x, std::uint32_t y) {
        const double mean = x >= 4 && x <= 5 && y >= 3 && y <= 4 ? (1000 + 3) / 4.0 : 1;
        return static_cast<double>(texels[y * 16 + x].density) * mean * 2 * pi / 16 * pi / 8;
    };
    const double own = drawn(4, 3) + drawn(5, 3) + drawn(4, 4) + drawn(5, 4);
    CHECK(own > 0.85);
    CHECK(drawn(4, 3) / drawn(6, 3) == doctest::Approx((1000 + 3) / 4.0).epsilon(1e-4));
}

TEST_CASE("punctual lights carry the node's place, its direction whatever its scale, and the spot's cone terms") {
    GltfWriter writer;
    writer.node({.mesh = writer.mesh({{quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0})}})});
    const float half_root = std::sqrt(0.5f);
    writer.node({.translation = glm::vec3(1, 2, 3),
                 .scale = glm::vec3(9, 9, 9),
                 .light = writer.light({.color = {1, 0.5f, 0}, .intensity = 8, .range = 7.f})});
    writer.node({.scale = glm::vec3(2, 2, 2),
                 .rotation = glm::vec4(-half_root, 0, 0, half_root),
                 .light = writer.light({.type = "directional", .intensity = 3})});
    writer.node({.translation = glm::vec3(0, 4, 0),
                 .light = writer.light({.type = "spot", .intensity = 5, .inner_cone = 0.2f, .outer_cone = 0.5f})});
    writer.node({.light = writer.light({.intensity = 0})}); // gives nothing: left out
    const auto flat = flatten_good(load_good(writer));
    check_consistent(flat);
    REQUIRE(flat.lights.size() == 3);
    CHECK(flat.lights[0].position == glm::vec3(1, 2, 3));
    CHECK(flat.lights[0].intensity == glm::vec3(8, 4, 0));
    CHECK(flat.lights[0].range == 7);
    CHECK(glm::length(flat.lights[1].direction - glm::vec3(0, -1, 0)) < 1e-6f); // -z turned down
    CHECK(flat.lights[1].intensity == glm::vec3(3));
    const auto& spot = flat.lights[2];
    CHECK(std::cos(0.2f) * spot.cone_scale + spot.cone_offset == doctest::Approx(1));
    CHECK(std::cos(0.5f) * spot.cone_scale + spot.cone_offset == doctest::Approx(0));
    CHECK(flat.head.environment_light == shading::NONE);
    CHECK((flat.head.flags & shading::SCENE_HAS_ENVIRONMENT) == 0);
}

TEST_CASE("each emitting triangle with area is a light, its strength in the tree by area, and triangles find their light") {
    GltfWriter writer;
    Geometry g;
    g.positions = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 5}, {2, 0, 5}, {0, 2, 5}, {0, 0, 9}, {1, 0, 9}, {2, 0, 9}};
    g.indices = {0, 1, 2, 3, 4, 5, 6, 7, 8}; // areas 0.5, 2 and 0
    const Index dark = writer.material(lambert({1, 1, 1}));
    writer.node({.mesh = writer.mesh({{triangle({5, 0, 0}, {6, 0, 0}, {5, 1, 0}), dark}, {g, writer.material(emitter({3, 3, 3}))}})});
    writer.node({.translation = glm::vec3(0, 10, 0), .scale = glm::vec3(2, 2, 2), .mesh = 0});
    const auto flat = flatten_good(load_good(writer));
    check_consistent(flat);
    REQUIRE(flat.lights.size() == 4);
    REQUIRE(flat.triangle_light.size() == 8);
    CHECK(flat.triangle_light == std::vector<std::uint32_t>{shading::NONE, 0, 1, shading::NONE, shading::NONE, 2, 3, shading::NONE});
    // Areas 0.5, 2, then four times that, of radiance 3.
    const float areas[] = {0.5f, 2, 2, 8};
    CHECK(flat.light_nodes[0].intensity == doctest::Approx(3 * 12.5));
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK(strength_of(flat, i) == doctest::Approx(3 * areas[i]));
        CHECK(flat.lights[i].instance == i / 2);
        CHECK(flat.lights[i].triangle == 1 + i % 2);
    }
}

TEST_CASE("emissive textures weigh strength by their linear mean; a black one emits nothing; single-sided ones shine from both sides too") {
    const auto ratio = [](std::vector<std::uint8_t> texels, bool two_sided) {
        GltfWriter writer;
        Material a = emitter({1, 1, 1}), b = a;
        a.emissive_texture.texture = writer.texture_rgba8(2, 1, texels);
        a.double_sided = two_sided;
        writer.node({.mesh = writer.mesh({{triangle({0, 0, 0}, {1, 0, 0}, {0, 1, 0}), writer.material(a)},
                                          {triangle({0, 0, 1}, {1, 0, 1}, {0, 1, 1}), writer.material(b)}})});
        const auto flat = flatten_good(load_good(writer));
        if (flat.lights.size() == 1) return 0.0;
        REQUIRE(flat.lights.size() == 2);
        for (const auto& node : flat.light_nodes) CHECK(node.flags == shading::LIGHT_NODE_BOTH_SIDES);
        return strength_of(flat, 0) / strength_of(flat, 1);
    };
    CHECK(ratio({255, 255, 255, 255, 0, 0, 0, 255}, false) == doctest::Approx(0.5).epsilon(1e-5));
    CHECK(ratio({188, 188, 188, 255, 188, 188, 188, 255}, false) ==
          doctest::Approx(std::pow((188 / 255.0 + 0.055) / 1.055, 2.4)).epsilon(1e-5));
    CHECK(ratio({255, 255, 255, 255, 255, 255, 255, 255}, true) == doctest::Approx(1).epsilon(1e-5));
    CHECK(ratio({0, 0, 0, 255, 0, 0, 0, 255}, false) == 0);
}

TEST_CASE("environments: constant, image, strength, rotation, hidden, none and the studio") {
    GltfWriter writer;
    writer.node({.mesh = writer.mesh({{quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0}), writer.material(lambert({1, 1, 1}))}})});
    const auto scene = load_good(writer);

    Settings settings = with_env("0.5,1,2");
    settings.env_strength = 2, settings.env_rotation = 450, settings.env_hidden = true;
    auto flat = flatten_good(scene, settings);
    CHECK((flat.head.flags & 15u) ==
          (shading::SCENE_HAS_ENVIRONMENT | shading::SCENE_ENVIRONMENT_CONSTANT | shading::SCENE_ENVIRONMENT_HIDDEN));
    CHECK(flat.head.environment_constant == glm::vec3(1, 2, 4));
    CHECK(flat.head.environment_rotation == 0.25f);
    CHECK(flat.head.environment_light == 0);
    CHECK(flat.lights.size() == 1);
    CHECK(flat.lights[0].pmf == 1);

    const scene::EnvironmentImage image{4, 2, std::vector<glm::vec3>(8, {1, 2, -3})};
    settings = with_env("sky.hdr");
    settings.env_strength = 3;
    auto lit = scene::flatten(scene, {.settings = settings, .environment = &image});
    REQUIRE(lit);
    check_consistent(*lit);
    CHECK(lit->head.environment_width == 4);
    CHECK(lit->environment[5].radiance == glm::vec3(3, 6, 0));
    CHECK(static_cast<double>(lit->environment[0].density * shading::environment_importance(lit->environment[0].radiance)) ==
          doctest::Approx(1 / (4 * pi)));

    // Black is an environment too: nothing shines, and no studio comes in.
    flat = flatten_good(scene, with_env("0,0,0"));
    CHECK(flat.lights.empty());
    CHECK(flat.head.environment_light == shading::NONE);
    CHECK(flat.notes.empty());

    flat = flatten_good(scene);
    check_consistent(flat);
    CHECK(count_kind(flat, shading::LIGHT_ENVIRONMENT) == 1);
    CHECK(flat.environment.size() > 100);
    REQUIRE(flat.notes.size() == 1);
    CHECK(flat.notes[0].find("studio") != std::string::npos);

    scene::EnvironmentImage broken = image;
    broken.texels[6].y = std::numeric_limits<float>::infinity();
    const auto refused = scene::flatten(scene, {.settings = with_env("sky.hdr"), .environment = &broken});
    REQUIRE(!refused);
    CHECK(refused.error().message() == "test.glb: env: texel (2, 1) is not finite");
    CHECK(!scene::flatten(scene, {.settings = with_env("sky.hdr")}));

    CHECK(scene::is_constant_environment("1,0.5,2e-3"));
    for (const char* file : {"sky.hdr", "1,2", "1,2,3,4", "1,2,-3", "1,2,nan", "1,2,inf", "", "1,2,3.hdr"})
        CHECK(!scene::is_constant_environment(file));
}

TEST_CASE("the environment gets a quarter to three quarters of the light samples beside other lights") {
    for (const float intensity : {1e-6f, 1.f, 1e6f}) {
        GltfWriter writer;
        writer.node({.mesh = writer.mesh({{quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0})}})});
        writer.node({.light = writer.light({.intensity = intensity})});
        const auto flat = flatten_good(load_good(writer), with_env("1,1,1"));
        REQUIRE(flat.lights.size() == 2);
        const float pmf = flat.lights[flat.head.environment_light].pmf;
        CHECK(pmf > 0.25f);
        CHECK(pmf < 0.75f);
    }
}
