// The form that devices walk: what its boxes hold, that each triangle is in it once, its bounds.
#include "renderer/accel/quantise.hpp"
#include "tests/support/flat_scenes.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <doctest/doctest.h>
#include <numeric>

namespace {

using namespace raymill;
using accel::TraceHierarchy;

struct Walk {
    const scene::FlatScene& scene;
    const TraceHierarchy& trace;
    std::vector<std::uint32_t> seen;                             // triangles, or instances in the top level
    std::vector<std::pair<std::uint32_t, std::uint32_t>> opened; // instance and triangle, in the top level
    unsigned levels = 0;
    bool contained = true, has_slack = true;

    // Exact bounds of what hangs below a child.
    accel::Box below(std::uint32_t child, bool top, unsigned level) {
        if ((child & shading::TRACE_LEAF) == 0) return node(child, top, level);
        const std::uint32_t index = child & ~shading::TRACE_LEAF;
        if ((index & shading::TRACE_INSTANCE) != 0) {
            CHECK(top);
            seen.push_back(index & ~shading::TRACE_INSTANCE);
            return instance_box(seen.back());
        }
        const shading::TraceTriangle& t = trace.triangles[index];
        const std::uint32_t triangle = t.triangle & ~shading::TRACE_HAS_ALPHA;
        if (top)
            opened.emplace_back(trace.triangle_instances[index], triangle);
        else
            seen.push_back(triangle);
        return {glm::min(t.v0, glm::min(t.v1, t.v2)), glm::max(t.v0, glm::max(t.v1, t.v2))};
    }

    // Of the vertices themselves, in world space: tighter than anything the builder uses.
    [[nodiscard]] accel::Box instance_box(std::uint32_t index) const {
        const shading::SceneInstance& placed = scene.instances[index];
        const shading::SceneMesh& mesh = scene.meshes[placed.mesh];
        accel::Box box{glm::vec3(INFINITY), glm::vec3(-INFINITY)};
        for (std::uint32_t i = 0; i < mesh.vertex_count; ++i) {
            const glm::dvec3 p(scene.positions[mesh.first_vertex + i]);
            const glm::vec3 world(glm::dmat4x3(placed.object_to_world) * glm::dvec4(p, 1));
            box.lower = glm::min(box.lower, world), box.upper = glm::max(box.upper, world);
        }
        return box;
    }

    accel::Box node(std::uint32_t index, bool top, unsigned level) {
        levels = std::max(levels, level);
        const shading::TraceNode& n = trace.nodes[index];
        accel::Box all{glm::vec3(INFINITY), glm::vec3(-INFINITY)};
        for (unsigned i = 0; i < accel::child_count(n); ++i) {
            const accel::Box exact = below(accel::child_of(n, i), top, level + 1), box = accel::child_box(n, i);
            for (int axis = 0; axis < 3; ++axis) {
                contained = contained && box.lower[axis] <= exact.lower[axis] && box.upper[axis] >= exact.upper[axis];
                const float slack = 0.5f * accel::grid_slack * std::max(std::abs(exact.lower[axis]), std::abs(exact.upper[axis]));
                has_slack = has_slack && exact.lower[axis] - box.lower[axis] >= slack && box.upper[axis] - exact.upper[axis] >= slack;
            }
            all.lower = glm::min(all.lower, exact.lower), all.upper = glm::max(all.upper, exact.upper);
        }
        return all;
    }
};

std::vector<std::uint32_t> sorted(std::vector<std::uint32_t> values) {
    std::ranges::sort(values);
    return values;
}

constexpr accel::Opening nothing{.single = false, .most_triangles = 0};

TraceHierarchy quantised(const scene::FlatScene& scene, unsigned threads = 1, const accel::Opening& opening = nothing) {
    auto trace = accel::quantise(scene, accel::build(scene, threads, opening));
    REQUIRE(trace.has_value());
    return std::move(*trace);
}

} // namespace

TEST_CASE("boxes on the grids hold all that is below them, and leave room for the rounding of a walk") {
    // A bound rounded the wrong way, an exponent one too small (255 cells do not span the node) or a swapped byte shows at once. Flat,
    // mirrored and turned instances are among them, and a scene far from the origin, where a cell is coarser than the mesh's details.
    for (const float away : {0.f, 1000.f, -3e6f}) {
        scene::FlatScene scene = tests::random_instances(3, 60);
        for (shading::SceneInstance& instance : scene.instances) instance.object_to_world[3] += glm::vec3(away);
        const TraceHierarchy trace = quantised(scene);
        Walk top{scene, trace, {}, {}};
        top.node(0, true, 1);
        CHECK(top.contained);
        std::vector<std::uint32_t> all(scene.instances.size());
        std::iota(all.begin(), all.end(), 0u);
        CHECK(sorted(top.seen) == all);
        unsigned deepest = 0;
        for (std::size_t i = 0; i < scene.meshes.size(); ++i) {
            const auto placed = std::ranges::find_if(scene.instances, [i](const auto& instance) { return instance.mesh == i; });
            Walk bottom{scene, trace, {}, {}};
            bottom.node(trace.instances[static_cast<std::size_t>(placed - scene.instances.begin())].root, false, 1);
            CHECK(bottom.contained);
            CHECK(bottom.has_slack);
            std::vector<std::uint32_t> triangles(scene.meshes[i].triangle_count);
            std::iota(triangles.begin(), triangles.end(), scene.meshes[i].first_triangle);
            CHECK(sorted(bottom.seen) == triangles);
            deepest = std::max(deepest, bottom.levels);
        }
        CHECK(top.levels + deepest <= trace.stack_entries);
    }
}

TEST_CASE("the quantised hierarchy is the same for any number of threads") {
    const scene::FlatScene scene = tests::random_instances(4, 300);
    const TraceHierarchy one = quantised(scene, 1), five = quantised(scene, 5);
    REQUIRE(one.nodes.size() == five.nodes.size());
    CHECK(std::memcmp(one.nodes.data(), five.nodes.data(), one.nodes.size() * sizeof(one.nodes[0])) == 0);
    CHECK(std::memcmp(one.triangles.data(), five.triangles.data(), one.triangles.size() * sizeof(one.triangles[0])) == 0);
}

TEST_CASE("a scene at the limit of nodes or triangles is taken, one past it is refused by name") {
    const scene::FlatScene scene = tests::random_instances(5, 20);
    const accel::Hierarchy hierarchy = accel::build(scene, 1, nothing);
    const TraceHierarchy trace = quantised(scene);
    CHECK(accel::quantise(scene, hierarchy, {.nodes = trace.nodes.size(), .triangles = trace.triangles.size()}).has_value());
    const auto nodes = accel::quantise(scene, hierarchy, {.nodes = trace.nodes.size() - 1, .triangles = trace.triangles.size()});
    REQUIRE_FALSE(nodes.has_value());
    CHECK(nodes.error().code == Code::unsupported);
    CHECK(nodes.error().what.find("nodes") != std::string::npos);
    const auto triangles = accel::quantise(scene, hierarchy, {.nodes = trace.nodes.size(), .triangles = trace.triangles.size() - 1});
    REQUIRE_FALSE(triangles.has_value());
    CHECK(triangles.error().what.find("triangles") != std::string::npos);
}

TEST_CASE("a scene without triangles, and a mesh without any, quantise to a root without children") {
    tests::FlatSceneBuilder build;
    const auto empty = build.mesh({}, {}, build.material(glm::vec4(1)));
    build.instance(empty, tests::moved(glm::vec3(1)));
    const TraceHierarchy trace = quantised(build.finish(glm::vec3(0, 0, 5), glm::vec3(0), 40, 1, glm::vec3(1)));
    CHECK(trace.nodes.size() == 1);
    CHECK(accel::child_count(trace.nodes[0]) == 0);
}

TEST_CASE("instances whose matrices are not finite are left out, all others are in") {
    scene::FlatScene scene = tests::random_instances(6, 10);
    scene.instances[4].world_to_object[1].y = NAN;
    scene.instances[7].object_to_world[3].x = INFINITY;
    const accel::Hierarchy hierarchy = accel::build(scene, 1, nothing);
    CHECK(sorted(hierarchy.top.items) == std::vector<std::uint32_t>{0, 1, 2, 3, 5, 6, 8, 9});
}

TEST_CASE(
    "opened instances stand in the top level with each of their triangles once, where the instance puts them, and the others as before") {
    // From none to all opened, and in between: what is placed once, and what is small.
    scene::FlatScene scene = tests::random_instances(7, 60);
    scene.instances[4].world_to_object[1].y = NAN;
    for (const accel::Opening& opening :
         {nothing, accel::Opening{.single = true, .most_triangles = 0}, accel::Opening{.single = true, .most_triangles = 300},
          accel::Opening{.single = true, .most_triangles = 1u << 30}}) {
        CAPTURE(opening.most_triangles);
        const TraceHierarchy trace = quantised(scene, 2, opening);
        Walk top{scene, trace, {}, {}};
        top.node(0, true, 1);
        CHECK(top.contained);
        std::vector<std::uint64_t> uses(scene.meshes.size());
        for (std::uint32_t i = 0; i < scene.instances.size(); ++i) uses[scene.instances[i].mesh] += i == 4 ? 0 : 1;
        std::vector<std::uint32_t> instances;
        std::vector<std::pair<std::uint32_t, std::uint32_t>> triangles;
        for (std::uint32_t i = 0; i < scene.instances.size(); ++i) {
            const auto& mesh = scene.meshes[scene.instances[i].mesh];
            if (i == 4) continue;
            const auto used = uses[scene.instances[i].mesh];
            if (!(opening.single && used == 1) && used * mesh.triangle_count > opening.most_triangles)
                instances.push_back(i);
            else
                for (std::uint32_t t = 0; t < mesh.triangle_count; ++t) triangles.emplace_back(i, mesh.first_triangle + t);
        }
        CHECK(sorted(top.seen) == instances);
        std::ranges::sort(top.opened);
        CHECK(top.opened == triangles);
        if (opening.most_triangles == 300) CHECK((!instances.empty() && !triangles.empty()));
    }
}
