// What rays find: our traversal on the CPU, over the builder's trees, beside Embree 3 in its robust mode.
#include "renderer/accel/bvh.hpp"
#include "renderer/gltf/load.hpp"
#include "renderer/reference/traversal.hpp"
#include "renderer/scene/flatten.hpp"
#include "tests/skip.hpp"
#include "tests/support/embree.hpp"
#include "tests/support/flat_scenes.hpp"
#include "tests/support/rays.hpp"

#include <cmath>
#include <filesystem>

namespace {

using namespace raymill;

struct Disagreement {
    std::size_t hits = 0;     // rays that hit something, by Embree
    std::size_t distance = 0; // hit or miss, or the distance, differs
    std::size_t triangle = 0; // same distance, another triangle (in rounding, or where surfaces lie in each other)
    std::size_t occlusion = 0;
};

Disagreement compare(const scene::FlatScene& scene, const std::vector<shading::PathState>& rays, float shadow_length,
                     const accel::Opening& opening = {}) {
    const accel::Hierarchy hierarchy = accel::build(scene, 2, opening);
    const shading::SceneData head = scene::referring(scene);
    reference::Traversal traversal(head, hierarchy);
    const tests::Embree embree(scene);
    Disagreement result;
    for (const shading::PathState& ray : rays) {
        const shading::RayHit ours = traversal.closest(ray.origin, ray.direction, ray.t_max, 0);
        const shading::RayHit theirs = embree.closest(ray.origin, ray.direction, ray.t_max);
        result.hits += theirs.instance != shading::NONE;
        const bool both = ours.instance != shading::NONE && theirs.instance != shading::NONE;
        if ((ours.instance != shading::NONE) != (theirs.instance != shading::NONE) ||
            (both && std::abs(ours.t - theirs.t) > 1e-4f * std::max(1.f, theirs.t)))
            ++result.distance;
        else if (both && (ours.instance != theirs.instance || ours.triangle != theirs.triangle))
            ++result.triangle;
        const bool dark = traversal.transmittance(ray.origin, ray.direction, shadow_length) == 0;
        result.occlusion += dark != embree.occluded(ray.origin, ray.direction, shadow_length);
    }
    return result;
}

} // namespace

TEST_CASE("closest hits and occlusion over turned, mirrored and flattened instances are Embree's") {
    // A wrong box or slab loses hits by the hundred; a wrong transform all of them. What remains are rays within rounding of an edge.
    // 40,000 rays, a third of which hit: one in ten thousand hits would show as two or more.
    const auto scene = tests::random_instances(11, 400);
    for (const std::uint64_t most : {0u, 3000u, 1u << 30}) { // no instance opened, some, all
        const Disagreement found =
            compare(scene, tests::random_rays(12, 40000, glm::vec3(0), 9), 4, {.single = false, .most_triangles = most});
        CHECK(found.hits > 10000);
        CHECK(found.distance <= 2);
        CHECK(found.triangle <= 4);
        CHECK(found.occlusion <= 2);
    }
}

TEST_CASE("closest hits in real scenes are Embree's") {
    const std::filesystem::path folder = "../shared/scenes";
    if (!std::filesystem::exists(folder)) RAYMILL_SKIP("no ../shared/scenes beside this checkout");
    for (const char* file :
         {"FlightHelmet/FlightHelmet.gltf", "2CylinderEngine/2CylinderEngine.glb", "MorphStressTest/MorphStressTest.gltf"}) {
        if (!std::filesystem::exists(folder / file)) continue;
        INFO(file);
        const auto loaded = gltf::load(folder / file);
        REQUIRE_MESSAGE(loaded.has_value(), (loaded ? std::string() : loaded.error().message()));
        auto flat = scene::flatten(*loaded, {});
        REQUIRE(flat.has_value());
        // Embree here counts every triangle.
        for (shading::SceneInstance& instance : flat->instances) instance.flags &= ~shading::INSTANCE_HAS_ALPHA;
        const Disagreement found =
            compare(*flat, tests::random_rays(13, 20000, flat->head.scene_center, 0.7f * flat->head.scene_radius), flat->head.scene_radius);
        CHECK(found.hits > 1000);
        CHECK(found.distance <= 2);
        CHECK(found.triangle <= found.hits / 100); // real models have surfaces that touch
        CHECK(found.occlusion <= 2);
    }
}

TEST_CASE("no ray leaves a closed mesh between its triangles") {
    // 60,000 rays from inside a ball of 1280 triangles, a third of them aimed at vertices and at points of edges: each must hit. One that
    // passes through a seam is a leak of light that no image test of modest size would see.
    tests::FlatSceneBuilder build;
    build.instance(build.ball(3, build.material(glm::vec4(1))),
                   tests::combined(tests::moved(glm::vec3(3, -2, 5)), tests::turned({0.6f, 0.8f, 0}, 33)));
    const auto scene = build.finish(glm::vec3(0, 0, 9), glm::vec3(0), 40, 1, glm::vec3(1));
    const accel::Hierarchy hierarchy = accel::build(scene, 1);
    const shading::SceneData head = scene::referring(scene);
    reference::Traversal traversal(head, hierarchy);
    auto rays = tests::random_rays(14, 60000, glm::vec3(3, -2, 5), 0.4f);
    tests::Random random(15);
    for (std::size_t i = 0; i < rays.size(); i += 3) {
        const shading::SceneTriangle& t = scene.triangles[random.bits() % scene.triangles.size()];
        const float along = i % 2 == 0 ? 0.f : random.unit();
        const glm::vec3 point = glm::mix(scene.positions[t.v0], scene.positions[t.v1], along);
        rays[i].direction = glm::normalize(shading::transform_point(scene.instances[0].object_to_world, point) - rays[i].origin);
    }
    std::size_t leaks = 0;
    for (const shading::PathState& ray : rays)
        leaks += traversal.closest(ray.origin, ray.direction, ray.t_max, 0).instance == shading::NONE;
    CHECK(leaks == 0);
}
