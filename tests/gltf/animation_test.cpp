#include "renderer/scene/animation.hpp"
#include "tests/gltf/checks.hpp"
#include "tests/gltf/loading.hpp"

#include <cmath>
#include <doctest/doctest.h>

using namespace raymill;
using namespace raymill::tests;

namespace {

const float half_root = std::sqrt(0.5f);

/// One node with a triangle, moved by `channels` of animations[0].
scene::Scene moved(const std::vector<Channel>& channels, const Node& node = {}) {
    GltfWriter writer;
    Node placed = node;
    placed.mesh = writer.mesh({{triangle({0, 0, 0}, {1, 0, 0}, {0, 1, 0})}});
    writer.node(placed);
    writer.animation(channels, "move");
    return load_good(writer);
}

glm::dmat4 world_at(const scene::Scene& scene, double seconds) {
    return scene::evaluate(scene, std::vector<std::uint32_t>{0}, seconds).world[0];
}

void check_near(const glm::dvec3& a, const glm::dvec3& b, double tolerance = 1e-6) {
    CAPTURE(a.x);
    CAPTURE(a.y);
    CAPTURE(a.z);
    CHECK(glm::length(a - b) <= tolerance);
}

} // namespace

TEST_CASE("linear translation is half way at half time, and held before the first and after the last key") {
    const auto scene = moved({{0, "translation", {1, 2, 4}, {0, 0, 0, 2, 4, 6, 0, 0, 0}}});
    check_near(world_at(scene, 1.5)[3], {1, 2, 3});
    check_near(world_at(scene, 3)[3], {1, 2, 3});
    check_near(world_at(scene, 3.5)[3], {0.5, 1, 1.5});
    check_near(world_at(scene, 2)[3], {2, 4, 6});
    check_near(world_at(scene, 0)[3], {0, 0, 0});
    check_near(world_at(scene, -5)[3], {0, 0, 0});
    check_near(world_at(scene, 1e9)[3], {0, 0, 0});
    CHECK(scene.animations[0].duration == 4);
}

TEST_CASE("rotations go by slerp the short way: half of 90 degrees is 45, a third of it 30") {
    // A normalised lerp gives 30.36 degrees at a third; the long way round gives 135 at the half.
    for (const float sign : {1.f, -1.f}) {
        const auto scene = moved({{0, "rotation", {0, 1}, {0, 0, 0, 1, 0, sign * half_root, 0, sign * half_root}}});
        check_near(glm::dvec3(world_at(scene, 0.5)[0]), {std::cos(0.785398163), 0, -std::sin(0.785398163)});
        check_near(glm::dvec3(world_at(scene, 1.0 / 3)[0]), {std::cos(0.523598776), 0, -std::sin(0.523598776)});
    }
}

TEST_CASE("cubic splines with zero tangents give the mean at a half and 5/32 of the way at a quarter") {
    const auto scene = moved({{0, "translation", {2, 4}, {9, 9, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 9, 9, 9}, "CUBICSPLINE"}});
    check_near(world_at(scene, 3)[3], {3, 0, 0});
    check_near(world_at(scene, 2.5)[3], {1 + 4 * 5.0 / 32, 0, 0});
    check_near(world_at(scene, 0)[3], {1, 0, 0});
    check_near(world_at(scene, 5)[3], {5, 0, 0});
}

TEST_CASE("cubic tangents count times the distance of their keys: a straight line stays one over two seconds") {
    // From 0 to 6 in 2 s with slope 3 at both ends. Without the factor of the distance the point at a quarter would lie elsewhere.
    const auto scene = moved({{0, "translation", {0, 2}, {0, 0, 0, 0, 0, 0, 3, 0, 0, 3, 0, 0, 6, 0, 0, 0, 0, 0}, "CUBICSPLINE"}});
    for (const double t : {0.5, 1.0, 1.7}) check_near(world_at(scene, t)[3], {3 * t, 0, 0}, 1e-5);
}

TEST_CASE("steps hold until the next key") {
    const auto scene = moved({{0, "scale", {0, 1}, {1, 1, 1, 2, 3, 4}, "STEP"}});
    check_near(glm::dvec3(world_at(scene, 0.999)[0]), {1, 0, 0});
    check_near(glm::dvec3(world_at(scene, 1)[1]), {0, 3, 0});
}

TEST_CASE("normalised integer rotations mean the same as floats") {
    GltfWriter writer;
    writer.node({.mesh = writer.mesh({{triangle({0, 0, 0}, {1, 0, 0}, {0, 1, 0})}})});
    writer.animation({{0, "rotation", {0, 1}, {0, 0, 0, 1, 0, 0, 1, 0}}});
    auto json = nlohmann::json::parse(writer.json());
    const std::vector<std::int16_t> values = {0, 0, 0, 32767, 0, 0, 32767, 0};
    const Index view = writer.buffer_view(std::as_bytes(std::span(values)));
    const Index output = writer.accessor(view, 5122, 2, "VEC4", true);
    auto changed = nlohmann::json::parse(writer.json());
    changed["animations"][0]["samplers"][0]["output"] = output;
    const auto plain = load_good(writer);
    const auto integers = load_bytes(make_glb(changed.dump(), writer.buffer()));
    REQUIRE(integers);
    CHECK(world_at(plain, 0.3) == world_at(*integers, 0.3));
}

TEST_CASE("two joints of equal weight move a vertex to the mean of where each would") {
    GltfWriter writer;
    Geometry g = triangle({0, 1, 0}, {1, 1, 0}, {0, 2, 0});
    g.joints = {{{0, 1, 0, 0}, {0, 1, 0, 0}, {1, 0, 0, 0}}};
    g.weights = {{{0.5f, 0.5f, 0, 0}, {0.5f, 0.5f, 0, 0}, {1, 0, 0, 0}}};
    const Index a = writer.node({.translation = glm::vec3(2, 0, 0)}), b = writer.node({.translation = glm::vec3(0, 4, 0)});
    // The node's own placement must not count; the second joint's bind matrix takes it back by one along y.
    const glm::mat4 back(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, -1, 0, 1);
    writer.node({.translation = glm::vec3(100, 100, 100), .mesh = writer.mesh({{g}}), .skin = writer.skin({a, b}, {glm::mat4(1), back})});
    const auto flat = flatten_good(load_good(writer));
    REQUIRE(flat.positions.size() == 3);
    check_near(flat.positions[0], {1, 2.5, 0}); // mean of (2, 1, 0) and (0, 4, 0)
    check_near(flat.positions[1], {2, 2.5, 0});
    check_near(flat.positions[2], {0, 5, 0});
    CHECK(flat.instances[0].object_to_world[3] == glm::vec3(0));
}

TEST_CASE("a rotated joint turns normals, and a second set of influences counts") {
    GltfWriter writer;
    Geometry g = quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0}); // faces +z
    g.joints = {std::vector<glm::uvec4>(4, {1, 1, 1, 1}), std::vector<glm::uvec4>(4, {0, 0, 0, 0})};
    g.weights = {std::vector<glm::vec4>(4, glm::vec4(0)), std::vector<glm::vec4>(4, glm::vec4(0.25f))};
    const Index a = writer.node({.rotation = glm::vec4(0, half_root, 0, half_root)}), b = writer.node({.translation = glm::vec3(50, 0, 0)});
    writer.node({.mesh = writer.mesh({{g}}), .skin = writer.skin({a, b})});
    const auto flat = flatten_good(load_good(writer));
    for (const auto& n : flat.normals) check_near(n, {1, 0, 0});
    check_near(flat.positions[1], {0, -1, -1});
}

TEST_CASE("a morph target at weight one half moves half way; node weights win over mesh weights, animation over both") {
    GltfWriter writer;
    Geometry g = triangle({0, 0, 0}, {1, 0, 0}, {0, 1, 0});
    g.targets = {{.positions = {{0, 0, 2}, {0, 0, 4}, {0, 0, 6}}}};
    const Index mesh = writer.mesh({{g}}, {0.5f});
    writer.node({.mesh = mesh});
    writer.node({.mesh = mesh, .weights = {0.25f}});
    writer.node({.mesh = mesh});
    writer.node({.mesh = mesh, .weights = {0.f}});
    writer.animation({{2, "weights", {0, 1}, {0, 1}}});
    const auto flat = flatten_good(load_good(writer), {}, 0.75);
    REQUIRE(flat.instances.size() == 4);
    const auto z = [&](std::size_t instance, std::uint32_t v) {
        return flat.positions[flat.meshes[flat.instances[instance].mesh].first_vertex + v].z;
    };
    CHECK(z(0, 0) == 1);
    CHECK(z(0, 2) == 3);
    CHECK(z(1, 1) == 1);
    CHECK(z(2, 2) == 4.5f);
    CHECK(z(3, 2) == 0);
}

TEST_CASE("morphs come before the skin") {
    GltfWriter writer;
    Geometry g = triangle({0, 0, 0}, {1, 0, 0}, {0, 1, 0});
    g.targets = {{.positions = {{1, 0, 0}, {1, 0, 0}, {1, 0, 0}}}};
    g.joints = {std::vector<glm::uvec4>(3, {0, 0, 0, 0})};
    g.weights = {std::vector<glm::vec4>(3, {1, 0, 0, 0})};
    const Index joint = writer.node({.scale = glm::vec3(10)});
    writer.node({.mesh = writer.mesh({{g}}, {1.f}), .skin = writer.skin({joint})});
    check_near(flatten_good(load_good(writer)).positions[0], {10, 0, 0}); // the other order gives 1
}

TEST_CASE("animations are chosen by name, index or 'all'; unknown ones list the known") {
    GltfWriter writer;
    writer.node({.mesh = writer.mesh({{triangle({0, 0, 0}, {1, 0, 0}, {0, 1, 0})}})});
    writer.animation({{0, "translation", {0}, {1, 0, 0}}}, "walk");
    writer.animation({{0, "translation", {0}, {2, 0, 0}}}, "run");
    const auto scene = load_good(writer);
    const auto x = [&](const std::string& choice) {
        Settings settings;
        settings.animation = choice;
        return flatten_good(scene, settings).instances[0].object_to_world[3].x;
    };
    CHECK(x("walk") == 1);
    CHECK(x("1") == 2);
    CHECK(x("all") == 2);
    Settings settings;
    settings.animation = "fly";
    const auto unknown = scene::flatten(scene, {.settings = settings});
    REQUIRE(!unknown);
    CHECK(unknown.error().code == Code::usage);
    CHECK(unknown.error().message() == "animation: 'fly' is not in test.glb; there are: 0 'walk', 1 'run', or 'all'");
    // And that 'all' lets one win is said.
    const auto notes = flatten_good(scene).notes;
    REQUIRE(notes.size() == 2); // the other is about the studio
    CHECK(notes[0].find("'walk' and 'run' move the same nodes") != std::string::npos);
}

TEST_CASE("a matrix node that an animation moves keeps the parts that are not moved") {
    const glm::mat4 placed(0, 2, 0, 0, -2, 0, 0, 0, 0, 0, 2, 0, 5, 6, 7, 1); // 90 degrees about z, scaled by 2
    const auto scene = moved({{0, "translation", {0}, {1, 1, 1}}}, {.matrix = placed});
    const auto world = world_at(scene, 0);
    check_near(world[3], {1, 1, 1});
    check_near(world[0], {0, 2, 0});
    check_near(world[1], {-2, 0, 0});
}

TEST_CASE("two frames differ only where something moves, and the same frame twice is the same") {
    const auto scene = moved({{0, "translation", {0, 1}, {0, 0, 0, 1, 0, 0}}});
    const auto a = flatten_good(scene, {}, 0.25), b = flatten_good(scene, {}, 0.75), c = flatten_good(scene, {}, 0.25);
    CHECK(a.positions == b.positions);
    CHECK(a.instances[0].object_to_world != b.instances[0].object_to_world);
    CHECK(a.instances[0].object_to_world == c.instances[0].object_to_world);
}
