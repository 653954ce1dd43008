#include "shaders/shared/path.h"
#include "shaders/shared/triangle.h"

#include "tests/support/gltf_writer.hpp"
#include "tests/support/statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <doctest/doctest.h>
#include <limits>
#include <vector>

using namespace raymill::shading;
using raymill::tests::Random;

namespace {

glm::vec3 any_direction(Random& random) {
    const float y = random.between(-1, 1), azimuth = random.between(0, 2 * PI), radius = std::sqrt(1 - y * y);
    return {radius * std::cos(azimuth), y, radius * std::sin(azimuth)};
}

/// A closed mesh: an icosphere with each vertex moved along its radius by up to a tenth.
struct Mesh {
    std::vector<glm::vec3> positions;
    std::vector<glm::uvec3> triangles;
    std::vector<std::vector<std::uint32_t>> around; ///< triangles at each vertex
};
Mesh bumpy_sphere(int levels, glm::vec3 center, float radius, Random& random) {
    // icosphere() shares vertices between triangles only where positions are equal; merge by position to move them together.
    const auto geometry = raymill::tests::icosphere({0, 0, 0}, 1, levels);
    Mesh mesh;
    std::vector<std::uint32_t> merged;
    for (const glm::vec3& p : geometry.positions) {
        const auto same = std::ranges::find(mesh.positions, p);
        merged.push_back(static_cast<std::uint32_t>(same - mesh.positions.begin()));
        if (same == mesh.positions.end()) mesh.positions.push_back(p);
    }
    for (glm::vec3& p : mesh.positions) p = center + p * (radius * random.between(0.9f, 1.1f));
    mesh.around.resize(mesh.positions.size());
    for (std::size_t i = 0; i < geometry.indices.size(); i += 3) {
        const auto number = static_cast<std::uint32_t>(mesh.triangles.size());
        mesh.triangles.emplace_back(merged[geometry.indices[i]], merged[geometry.indices[i + 1]], merged[geometry.indices[i + 2]]);
        for (int corner = 0; corner < 3; ++corner) mesh.around[mesh.triangles.back()[corner]].push_back(number);
    }
    return mesh;
}

bool hits(const Mesh& mesh, std::uint32_t triangle, const RayFrame& frame, glm::vec3 origin) {
    const glm::uvec3 t = mesh.triangles[triangle];
    TriangleHit hit;
    return intersect_triangle(frame, origin, 1e30f, mesh.positions[t.x], mesh.positions[t.y], mesh.positions[t.z], hit);
}

/// A scene of one triangle in one instance, over host memory.
struct OneTriangle {
    std::array<glm::vec3, 3> positions{};
    std::array<glm::vec3, 3> normals{};
    SceneTriangle triangle{0, 1, 2, 0};
    SceneMesh mesh{};
    SceneInstance instance{};
    SceneMaterial material{};
    SceneData scene{};

    OneTriangle() {
        mesh.first_normal = mesh.first_tangent = mesh.first_color = NONE;
        mesh.first_uv0 = mesh.first_uv1 = mesh.first_uv2 = mesh.first_uv3 = NONE;
        for (TextureUse* use : {&material.base_color_texture, &material.metallic_roughness_texture, &material.normal_texture,
                                &material.emission_texture, &material.specular_texture, &material.specular_color_texture})
            use->texture = NONE;
        place(glm::mat4(1));
        scene.positions.at = positions.data();
        scene.normals.at = normals.data();
        scene.triangles.at = &triangle;
        scene.meshes.at = &mesh;
        scene.instances.at = &instance;
        scene.materials.at = &material;
    }
    void place(const glm::dmat4& matrix) {
        instance.object_to_world = glm::mat4x3(glm::mat4(matrix));
        instance.world_to_object = glm::mat4x3(glm::mat4(glm::inverse(matrix)));
        instance.flags = glm::determinant(matrix) < 0 ? INSTANCE_FLIPS_WINDING : 0u;
    }
    [[nodiscard]] SurfacePoint at(float u, float v, glm::vec3 direction) const {
        const RayHit hit{0, 0, 1, u, v};
        return make_surface_point(scene, hit, direction);
    }
};

} // namespace

TEST_CASE("no ray leaves a closed mesh through an edge or a vertex") {
    // 1.2 million rays from inside, aimed exactly at vertices and at points of edges, at sizes from 1 mm to 100 km and far from the world's
    // origin: of the triangles round the vertex or the edge (all that rounding could choose from) one must be hit. With edge functions of
    // rotated products (Moeller and Trumbore's test, or Pluecker coordinates) some rays per million slip through.
    Random random(51);
    struct Size {
        float radius;
        glm::vec3 center;
    };
    int escaped = 0, rays = 0;
    for (const Size& size : {Size{1, {0, 0, 0}}, Size{1e-3f, {0, 0, 0}}, Size{1e5f, {0, 0, 0}}, Size{1, {1000, -300, 77}}}) {
        const Mesh mesh = bumpy_sphere(3, size.center, size.radius, random);
        for (int i = 0; i < 150000; ++i) {
            const glm::vec3 origin = size.center + any_direction(random) * (0.5f * size.radius * random.unit());
            const std::uint32_t chosen = random.bits() % static_cast<std::uint32_t>(mesh.triangles.size());
            const std::uint32_t a = mesh.triangles[chosen].x, b = mesh.triangles[chosen].y;
            for (const glm::vec3& target : {mesh.positions[a], glm::mix(mesh.positions[a], mesh.positions[b], random.unit())}) {
                const RayFrame frame = make_ray_frame(i % 2 == 0 ? glm::normalize(target - origin) : target - origin);
                bool hit = false;
                for (const std::uint32_t vertex : {a, b})
                    for (const std::uint32_t triangle : mesh.around[vertex]) hit = hit || hits(mesh, triangle, frame, origin);
                ++rays;
                escaped += hit ? 0 : 1;
            }
        }
    }
    CHECK(rays >= 1000000);
    CHECK(escaped == 0);
}

TEST_CASE("along an axis, through the corners of a grid, no ray slips between the cells") {
    // The hardest case for signs: edge functions that are exactly 0.
    std::vector<std::array<glm::vec3, 3>> triangles;
    for (int x = 0; x < 8; ++x)
        for (int y = 0; y < 8; ++y) {
            const auto p = [&](int i, int j) { return glm::vec3(static_cast<float>(x + i), static_cast<float>(y + j), 5); };
            triangles.push_back({p(0, 0), p(1, 0), p(1, 1)});
            triangles.push_back({p(0, 0), p(1, 1), p(0, 1)});
        }
    for (int i = 0; i <= 32; ++i)
        for (int j = 0; j <= 32; ++j) {
            const glm::vec3 origin(static_cast<float>(i) / 4, static_cast<float>(j) / 4, 0);
            bool hit = false;
            for (const auto& t : triangles) {
                TriangleHit h;
                hit = hit || intersect_triangle(make_ray_frame({0, 0, 1}), origin, 1e30f, t[0], t[1], t[2], h);
            }
            REQUIRE(hit);
        }
}

TEST_CASE("a hit's barycentrics and ray parameter give the same point") {
    Random random(52);
    int compared = 0;
    for (int i = 0; i < 100000; ++i) {
        const glm::vec3 a = any_direction(random), b = any_direction(random), c = any_direction(random);
        float s = random.unit(), t = random.unit();
        if (s + t > 1) s = 1 - s, t = 1 - t;
        const glm::vec3 target = (1 - s - t) * a + s * b + t * c, origin = 3.0f * any_direction(random);
        const glm::vec3 direction = (target - origin) * random.between(0.1f, 10);
        TriangleHit hit;
        // Seen at less than three degrees, or thin as a needle, a triangle's weights are worse than this by their condition.
        const glm::vec3 normal = cross(b - a, c - a);
        if (glm::length(normal) < 0.05f || std::abs(dot(glm::normalize(normal), glm::normalize(direction))) < 0.05f) continue;
        if (!intersect_triangle(make_ray_frame(direction), origin, 1e30f, a, b, c, hit)) continue; // target on an edge
        ++compared;
        const glm::vec3 by_weights = (1 - hit.u - hit.v) * a + hit.u * b + hit.v * c, by_ray = origin + hit.t * direction;
        REQUIRE(glm::length(by_weights - by_ray) < 2e-5f);
    }
    CHECK(compared > 80000);
}

TEST_CASE("both sides are hit, only between 0 and t_max, and never with a NaN or without an area") {
    const glm::vec3 a(0, 0, 2), b(1, 0, 2), c(0, 1, 2);
    TriangleHit hit{7, 7, 7};
    const glm::vec3 inside(0.25f, 0.25f, 0);
    const auto test = [&](glm::vec3 origin, glm::vec3 direction, float t_max, glm::vec3 third) {
        return intersect_triangle(make_ray_frame(direction), origin, t_max, a, b, third, hit);
    };
    CHECK(test(inside, {0, 0, 1}, 3, c));
    CHECK(hit.t == 2);
    CHECK(hit.u == doctest::Approx(0.25));
    CHECK(hit.v == doctest::Approx(0.25));
    CHECK(test(inside + glm::vec3(0, 0, 4), {0, 0, -1}, 3, c));
    hit = {7, 7, 7};
    CHECK_FALSE(test(inside, {0, 0, 1}, 2, c));                      // ends on it
    CHECK_FALSE(test(inside, {0, 0, -1}, 9, c));                     // behind
    CHECK_FALSE(test(inside + glm::vec3(0, 0, 2), {0, 0, 1}, 9, c)); // begins on it
    CHECK_FALSE(test(inside, {0, 0, 1}, 9, b));                      // no area
    CHECK_FALSE(test(inside, {0, 0, 1}, 9, {0, std::nanf(""), 2}));
    CHECK_FALSE(test({0, 0.5f, 2}, {1, 0, 0}, 9, c)); // edge-on
    CHECK(hit.t == 7);
}

TEST_CASE("a ray that leaves a surface does not meet it again, from millimetres to 100 kilometres") {
    // Any acne shows as a hit of the very triangle the ray leaves. Directions down to 1e-4 above the surface; instances moved, turned and
    // scaled; hits found in object space, as traversal does; triangles down to needles of 1 : 100000. Not too far either: at most 1e-4 of
    // the largest coordinate in play.
    Random random(53);
    int again = 0, rays = 0;
    float farthest = 0;
    for (int i = 0; i < 200000; ++i) {
        const float size = std::pow(10.0f, random.between(-3, 5)), distance = i % 3 == 0 ? 0 : std::pow(10.0f, random.between(-3, 5));
        OneTriangle one;
        for (glm::vec3& p : one.positions)
            p = size * glm::vec3(random.between(-1, 1), random.between(-1, 1), i % 5 == 0 ? 0.5f : random.between(-1, 1));
        glm::dmat4 matrix(1);
        double scale = 1;
        if (i % 2 == 0) {
            const glm::mat3 turn = make_frame(any_direction(random));
            scale = static_cast<double>(std::pow(10.0f, random.between(-2, 2)));
            for (int column = 0; column < 3; ++column)
                matrix[column] = glm::dvec4(glm::dvec3(turn[column]) * scale * (i % 4 == 0 && column == 0 ? -1.0 : 1.0), 0);
            matrix[3] = glm::dvec4(glm::dvec3(any_direction(random)) * static_cast<double>(distance), 1);
        }
        one.place(matrix);
        float u = random.unit(), v = random.unit();
        if (u + v > 1) u = 1 - u, v = 1 - v;
        const SurfacePoint point = one.at(u, v, any_direction(random));
        if (point.area < 1e-5f * size * size * static_cast<float>(scale * scale)) continue;
        const glm::vec3 origin = leaving_origin(point);
        glm::vec3 direction = any_direction(random);
        direction -= point.geometric_normal * dot(direction, point.geometric_normal);
        direction = glm::normalize(glm::normalize(direction) + point.geometric_normal * std::pow(10.0f, random.between(-4, 1)));
        const glm::vec3 object_origin = transform_point(one.instance.world_to_object, origin);
        const glm::vec3 object_direction = transform_vector(one.instance.world_to_object, direction);
        TriangleHit hit;
        ++rays;
        again += intersect_triangle(make_ray_frame(object_direction), object_origin, 1e30f, one.positions[0], one.positions[1],
                                    one.positions[2], hit);
        const float reach = size * static_cast<float>(scale) + distance;
        farthest = std::max(farthest, glm::length(origin - point.position) / reach);
    }
    INFO("rays " << rays << ", farthest offset " << farthest << " of the coordinates");
    CHECK(rays > 190000);
    CHECK(again == 0);
    CHECK(farthest < 1e-4f);
}

TEST_CASE("normals face the ray, in mirrored instances too") {
    OneTriangle one;
    one.positions = {glm::vec3(0, 0, 0), {1, 0, 0}, {0, 1, 0}}; // front is +z
    CHECK(one.at(0.2f, 0.2f, {0, 0, -1}).geometric_normal == glm::vec3(0, 0, 1));
    CHECK(one.at(0.2f, 0.2f, {0, 0, 1}).geometric_normal == glm::vec3(0, 0, -1));
    CHECK(one.at(0.2f, 0.2f, {0, 0, 1}).normal == glm::vec3(0, 0, -1));
    one.mesh.first_normal = 0;
    one.normals.fill(glm::normalize(glm::vec3(0.3f, 0, 1)));
    const glm::vec3 from_front = one.at(0.2f, 0.2f, {0, 0, -1}).normal, from_behind = one.at(0.2f, 0.2f, {0, 0, 1}).normal;
    CHECK(from_front.x == doctest::Approx(0.3 / std::sqrt(1.09)));
    CHECK(glm::length(from_front + from_behind) < 1e-6f);
    // Mirrored in x: the front face is still +z, and the normal leans the other way.
    glm::dmat4 mirror(1);
    mirror[0][0] = -1;
    one.place(mirror);
    const SurfacePoint mirrored = one.at(0.2f, 0.2f, {0, 0, -1});
    CHECK(mirrored.geometric_normal == glm::vec3(0, 0, 1));
    CHECK(mirrored.normal.x == doctest::Approx(-0.3 / std::sqrt(1.09)));
    CHECK(mirrored.position.x == doctest::Approx(-0.2));
    // Normals given against the winding, and normals that face away from the viewer, come out on the viewer's side.
    one.place(glm::dmat4(1));
    one.normals.fill({0, 0, -1});
    CHECK(one.at(0.2f, 0.2f, {0, 0, -1}).normal == glm::vec3(0, 0, 1));
    one.normals.fill(glm::normalize(glm::vec3(1, 0, 0.05f)));
    const glm::vec3 grazing = glm::normalize(glm::vec3(1, 0, -0.02f));
    CHECK(dot(one.at(0.2f, 0.2f, grazing).normal, -grazing) > 0);
    one.normals.fill(glm::vec3(0)); // nothing to interpolate
    CHECK(one.at(0.2f, 0.2f, {0, 0, -1}).normal == glm::vec3(0, 0, 1));
}

TEST_CASE("scaled instances have the scaled triangle's area and normals through the inverse transpose") {
    OneTriangle one;
    one.positions = {glm::vec3(0, 0, 0), {1, 0, 0}, {0, 1, 0}};
    one.mesh.first_normal = 0;
    one.normals.fill(glm::normalize(glm::vec3(1, 0, 1)));
    glm::dmat4 scale(1);
    scale[0][0] = 4, scale[1][1] = 3, scale[2][2] = 2;
    one.place(scale);
    const SurfacePoint point = one.at(0.25f, 0.25f, {0, 0, -1});
    CHECK(point.area == doctest::Approx(6));
    const glm::vec3 expected = glm::normalize(glm::vec3(1.0f / 4, 0, 1.0f / 2));
    CHECK(glm::length(point.normal - expected) < 1e-6f);
}

TEST_CASE("light below a flat surface's horizon never counts, and none is lost above it") {
    Random random(54);
    for (int i = 0; i < 20000; ++i) {
        OneTriangle one;
        for (glm::vec3& p : one.positions) p = any_direction(random);
        one.mesh.first_normal = i % 2 == 0 ? NONE : 0;
        one.normals.fill(glm::normalize(cross(one.positions[1] - one.positions[0], one.positions[2] - one.positions[0])));
        const SurfacePoint point = one.at(0.3f, 0.3f, any_direction(random));
        if (point.area < 0.05f) continue;
        const glm::vec3 light = any_direction(random);
        const float above = dot(point.geometric_normal, light);
        if (above < -1e-3f) REQUIRE(light_factor(point, light) == 0);
        if (above > 0.01f) REQUIRE(light_factor(point, light) > 0.999999f);
    }
}

TEST_CASE("a normal map's light fades to nothing at the smooth surface's horizon") {
    Random random(57);
    for (int i = 0; i < 100000; ++i) {
        const glm::vec3 smooth = any_direction(random), light = any_direction(random);
        const float factor = shadow_terminator_factor(smooth, glm::normalize(smooth + 0.8f * any_direction(random)), light);
        REQUIRE(factor >= 0);
        REQUIRE(factor <= 1.0000001f);
        if (dot(smooth, light) <= 0) REQUIRE(factor == 0);
    }
    const glm::vec3 leaning = glm::normalize(glm::vec3(0.5f, 0, 1));
    CHECK(shadow_terminator_factor({0, 0, 1}, leaning, glm::normalize(glm::vec3(1, 0, 1e-3f))) < 0.01f); // continuous: no hard edge
}

TEST_CASE("rays of a smooth-shaded ball leave from the ball, those of a hollow or of a smoothed box from their triangles") {
    // A unit ball of triangles whose vertex normals lean up to 10 degrees: points in triangles lie up to 1.5 % inside the ball; what is
    // left after the lift is below a tenth of that. Seen from inside (a hollow), or with normals that lean 55 degrees (a box's corners),
    // nothing moves.
    Random random(56);
    const auto ball = raymill::tests::icosphere({0, 0, 0}, 1, 2);
    float deepest = 0, left = 0;
    for (std::size_t t = 0; t < ball.indices.size(); t += 3) {
        OneTriangle one;
        for (std::size_t k = 0; k < 3; ++k)
            one.positions[k] = ball.positions[ball.indices[t + k]], one.normals[k] = ball.normals[ball.indices[t + k]];
        one.mesh.first_normal = 0;
        const float u = random.unit() / 2, v = random.unit() / 2;
        const glm::vec3 outwards = glm::normalize(one.positions[0]);
        const SurfacePoint outside = one.at(u, v, -outwards), inside = one.at(u, v, outwards);
        deepest = std::max(deepest, 1 - glm::length(outside.position));
        left = std::max(left, std::abs(1 - glm::length(outside.position + outside.lift)));
        REQUIRE(dot(outside.lift, outside.geometric_normal) >= 0);
        REQUIRE(glm::length(inside.lift) < 1e-6f);
    }
    INFO("deepest " << deepest << ", left " << left);
    CHECK(deepest > 0.01f);
    CHECK(left < 0.1f * deepest);

    OneTriangle box;
    box.positions = {glm::vec3(-1, -1, 1), {1, -1, 1}, {1, 1, 1}};
    for (std::size_t k = 0; k < 3; ++k) box.normals[k] = glm::normalize(box.positions[k]);
    box.mesh.first_normal = 0;
    CHECK(box.at(0.3f, 0.3f, {0, 0, -1}).lift == glm::vec3(0));
}

TEST_CASE("local frames are orthonormal and right-handed for every normal") {
    Random random(55);
    std::vector<glm::vec3> normals = {{0, 0, 1}, {0, 0, -1}, {1, 0, 0}, {0, -1, 0}, {0, 1e-7f, -1}, {1e-4f, 0, -1}};
    for (int i = 0; i < 10000; ++i) normals.push_back(any_direction(random));
    for (const glm::vec3& normal : normals) {
        const glm::mat3 frame = make_frame(glm::normalize(normal));
        REQUIRE(std::abs(glm::determinant(frame) - 1) < 1e-5f);
        const glm::mat3 product = glm::transpose(frame) * frame;
        for (int column = 0; column < 3; ++column) REQUIRE(glm::length(product[column] - glm::mat3(1)[column]) < 1e-5f);
        REQUIRE(glm::length(to_local(frame, to_world(frame, {1, 2, 3})) - glm::vec3(1, 2, 3)) < 1e-5f);
    }
}
