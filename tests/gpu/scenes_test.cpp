// Scenes at the edge of what a device takes.
#include "renderer/gltf/load.hpp"
#include "renderer/scene/flatten.hpp"
#include "tests/gpu/opened.hpp"
#include "tests/support/flat_scenes.hpp"

#include <cmath>

using namespace raymill;

TEST_CASE("a scene without anything shows its sky") {
    for (const char* trace : {"bvh", "ray_query"}) {
        OPEN_GPU(device, trace);
        tests::FlatSceneBuilder build;
        tests::load(device, build.finish(glm::vec3(0, 0, 5), glm::vec3(0), 40, 1, glm::vec3(0.25f, 0.5f, 2)));
        for (const glm::vec4& pixel : tests::pixels(device, tests::frame(3, 3, 2), {0, 0, 3, 3}))
            CHECK(pixel == glm::vec4(0.25f, 0.5f, 2, 1));
    }
}

TEST_CASE("layers of alpha let through what they should, in camera and in shadow rays") {
    // Looking down through n blended unlit layers onto a sky of 1: (1 - a)^n of it, else black. Alpha by chance: 4096 samples, error 0.8 %
    // of 1.
    for (const char* trace : {"bvh", "ray_query"}) {
        OPEN_GPU(device, trace);
        tests::FlatSceneBuilder build;
        const std::uint32_t material = build.material(glm::vec4(0, 0, 0, 0.3f));
        build.flat.materials[material].flags = shading::MATERIAL_UNLIT;
        const std::uint32_t square = build.square(material);
        for (int layer = 0; layer < 4; ++layer) build.instance(square, tests::moved(glm::vec3(0, -static_cast<float>(layer), 0)));
        auto scene = build.finish(glm::vec3(0.1f, 2, 0.2f), glm::vec3(0.1f, 0, 0.3f), 1, 1, glm::vec3(1));
        tests::load(device, scene);
        const double expected = std::pow(0.7, 4);
        double mean = 0;
        for (const glm::vec4& pixel : tests::pixels(device, tests::frame(4, 4, 256), {0, 0, 4, 4}))
            mean += static_cast<double>(pixel.x) / 16;
        CHECK(std::abs(mean - expected) < 4.5 * std::sqrt(expected * (1 - expected) / 4096));
        const auto light =
            device.transmittances(std::vector<shading::ShadowRay>{{glm::vec3(0.1f, 5, 0.3f), 100, glm::vec3(0, -1, 0), glm::vec3(1)},
                                                                  {glm::vec3(0.1f, 5, 0.3f), 6.5f, glm::vec3(0, -1, 0), glm::vec3(1)}});
        REQUIRE(light.has_value());
        CHECK((*light)[0] == doctest::Approx(expected));
        CHECK((*light)[1] == doctest::Approx(0.7 * 0.7));
    }
}

TEST_CASE("a device takes one scene after another, with and without alpha, and keeps nothing of the last") {
    OPEN_GPU(device, "auto");
    const auto params = tests::frame(8, 8, 4);
    const auto plain = tests::random_instances(41, 50);
    tests::FlatSceneBuilder build;
    const std::uint32_t glass = build.material(glm::vec4(0.5f, 0.5f, 0.5f, 0.5f));
    build.instance(build.ball(1, glass), tests::moved(glm::vec3(0)));
    const auto blended = build.finish(glm::vec3(0, 0, 3), glm::vec3(0), 40, 1, glm::vec3(1));
    tests::load(device, plain);
    const auto first = tests::pixels(device, params, {0, 0, 8, 8});
    tests::load(device, blended);
    const auto other = tests::pixels(device, params, {0, 0, 8, 8});
    tests::load(device, plain);
    CHECK(tests::pixels(device, params, {0, 0, 8, 8}) == first);
    CHECK(other != first);
}

TEST_CASE("paths of hundreds of vertices end, and count as the series says") {
    // A closed white box, emission 0.01, albedo 1, 300 bounces: each of 302 vertices adds 0.01, exactly; more vertices than one submission
    // holds.
    OPEN_GPU(device, "auto");
    tests::FlatSceneBuilder build;
    const std::uint32_t wall = build.material(glm::vec4(1));
    build.flat.materials[wall].emission = glm::vec3(0.01f);
    build.instance(build.cube(wall), tests::moved(glm::vec3(0)));
    auto scene = build.finish(glm::vec3(0, 0, 0.5f), glm::vec3(0), 40, 1, glm::vec3(0));
    scene.head.flags = 0, scene.head.light_count = 0, scene.head.environment_light = shading::NONE;
    tests::load(device, scene);
    auto params = tests::frame(3, 3, 2);
    params.max_bounces = 300;
    params.strategy = shading::STRATEGY_BSDF_ONLY;
    for (const glm::vec4& pixel : tests::pixels(device, params, {0, 0, 3, 3})) CHECK(pixel.x == doctest::Approx(3.02).epsilon(1e-3));
}

TEST_CASE("kernels that are compiled without what a scene lacks draw it byte for byte as whole ones do") {
    // A flag that takes out more than it says, or arithmetic that differs where a value is known, would show.
    constexpr std::uint32_t always = 15; // what the scene has; the SCENE_NO_* stand above
    for (const char* file : {"scenes/cornell.glb", "scenes/materials.glb", "scenes/atrium.glb"}) {
        OPEN_GPU(device, "auto");
        INFO(file);
        const auto loaded = gltf::load(file);
        REQUIRE(loaded.has_value());
        auto flat = scene::flatten(*loaded, {.settings = {}, .seconds = 0, .environment = nullptr});
        REQUIRE(flat.has_value());
        REQUIRE((flat->head.flags & ~always) != 0);
        const auto params = tests::frame(48, 27, 8);
        tests::load(device, *flat);
        const auto special = tests::pixels(device, params, {0, 0, 48, 27});
        flat->head.flags &= always;
        tests::load(device, *flat);
        CHECK(tests::pixels(device, params, {0, 0, 48, 27}) == special);
    }
}
