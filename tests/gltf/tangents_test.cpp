#include "tests/gltf/checks.hpp"
#include "tests/gltf/loading.hpp"

#include <cmath>
#include <doctest/doctest.h>

using namespace raymill;
using namespace raymill::tests;

namespace {

/// The mesh with a normal texture and no tangents of its own, flattened.
scene::FlatScene bumped(const std::vector<Geometry>& parts, std::optional<TextureTransform> transform = {}) {
    GltfWriter writer;
    Material m = lambert({1, 1, 1});
    m.normal_texture = {writer.texture_rgba8(1, 1, {128, 128, 255, 255}), 0, transform};
    const Index material = writer.material(m);
    std::vector<Primitive> primitives;
    for (const auto& g : parts) primitives.push_back({g, material});
    writer.node({.mesh = writer.mesh(primitives)});
    auto flat = flatten_good(load_good(writer));
    check_consistent(flat);
    REQUIRE(flat.tangents.size() == flat.positions.size());
    return flat;
}

glm::vec3 bitangent(const scene::FlatScene& flat, std::size_t v) {
    return glm::cross(flat.normals[v], glm::vec3(flat.tangents[v])) * flat.tangents[v].w;
}

} // namespace

TEST_CASE("derived tangents point along growing u, bitangents up in the image, also where it is mirrored or turned") {
    // An upright image: right is +x, up is +y. Mirrored along u: right in the image is -x, up stays: handedness -1.
    Geometry g = quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0});
    auto flat = bumped({g});
    for (std::size_t v = 0; v < 4; ++v) {
        CHECK(glm::length(flat.tangents[v] - glm::vec4(1, 0, 0, 1)) < 1e-6f);
        CHECK(glm::length(bitangent(flat, v) - glm::vec3(0, 1, 0)) < 1e-6f);
    }
    for (auto& uv : g.uvs[0]) uv.x = 1 - uv.x;
    flat = bumped({g});
    for (std::size_t v = 0; v < 4; ++v) {
        CHECK(glm::length(flat.tangents[v] - glm::vec4(-1, 0, 0, -1)) < 1e-6f);
        CHECK(glm::length(bitangent(flat, v) - glm::vec3(0, 1, 0)) < 1e-6f);
    }
    // The transform of the normal texture counts: uv' = (v, -u) for 90 degrees, so u' grows downwards and the image's up is +x.
    flat = bumped({quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0})}, TextureTransform{.rotation = 1.57079633f});
    CHECK(glm::length(glm::vec3(flat.tangents[0]) - glm::vec3(0, -1, 0)) < 1e-6f);
    CHECK(glm::length(bitangent(flat, 0) - glm::vec3(1, 0, 0)) < 1e-6f);
}

TEST_CASE("a vertex between a mirrored and an unmirrored triangle is split, and nothing else is") {
    Geometry g;
    g.positions = {{0, -1, 0}, {0, 1, 0}, {1, 0, 0}, {-1, 0, 0}};
    g.normals.assign(4, {0, 0, 1});
    g.uvs = {{{0, 1}, {0, 0}, {1, 0.5f}, {1, 0.5f}}}; // u grows away from the seam on both sides
    g.indices = {0, 2, 1, 0, 1, 3};
    const auto flat = bumped({g});
    CHECK(flat.positions.size() == 6);
    for (const auto& [v0, v1, v2, material] : flat.triangles) {
        const bool right = flat.positions[v0].x + flat.positions[v1].x + flat.positions[v2].x > 0;
        for (const auto v : {v0, v1, v2})
            CHECK(glm::length(flat.tangents[v] - (right ? glm::vec4(1, 0, 0, 1) : glm::vec4(-1, 0, 0, -1))) < 1e-6f);
    }
}

TEST_CASE("tangents are unit, orthogonal to the normals, and agree across duplicated vertices") {
    Geometry sphere = icosphere({0, 0, 0}, 1, 2);
    sphere.uvs.emplace_back();
    for (const auto& p : sphere.positions) sphere.uvs[0].emplace_back(0.3f * p.x + 0.5f * p.z, -p.y); // no seam; both handednesses occur
    Geometry loose;
    for (const auto i : sphere.indices) loose.positions.push_back(sphere.positions[i]), loose.normals.push_back(sphere.normals[i]);
    loose.uvs.emplace_back();
    for (const auto i : sphere.indices) loose.uvs[0].push_back(sphere.uvs[0][i]);
    const auto shared = bumped({sphere}), separate = bumped({loose});
    REQUIRE(shared.triangles.size() == separate.triangles.size());
    for (std::size_t t = 0; t < shared.triangles.size(); ++t)
        for (const auto& [a, b] :
             {std::pair{shared.triangles[t].v0, separate.triangles[t].v0}, std::pair{shared.triangles[t].v1, separate.triangles[t].v1},
              std::pair{shared.triangles[t].v2, separate.triangles[t].v2}}) {
            CHECK(std::abs(glm::dot(glm::vec3(shared.tangents[a]), shared.normals[a])) < 1e-5f);
            CHECK(glm::length(glm::vec3(shared.tangents[a])) == doctest::Approx(1));
            CHECK(glm::length(shared.tangents[a] - separate.tangents[b]) < 1e-5f);
        }
}

TEST_CASE("corners count by their angle: a face cut in two weighs as much as one that is not") {
    // Three walls of a cube corner meet at a vertex whose normal is the diagonal; cutting one wall's right angle in two must change
    // nothing.
    const auto tangent_at_corner = [](bool cut) {
        Geometry g;
        g.positions = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0.5f, 0.5f, 0}};
        g.normals.assign(5, glm::normalize(glm::vec3(-1, -1, -1)));
        for (const auto& p : g.positions) g.uvs.resize(1), g.uvs[0].emplace_back(p.x + 0.2f * p.y, p.z - 0.7f * p.y);
        if (cut)
            g.indices = {0, 4, 1, 0, 2, 4, 0, 1, 3, 0, 3, 2};
        else
            g.indices = {0, 2, 1, 0, 1, 3, 0, 3, 2}, g.positions.pop_back(), g.normals.pop_back(), g.uvs[0].pop_back();
        const auto flat = bumped({g});
        for (const auto& [v0, v1, v2, material] : flat.triangles)
            if (flat.positions[v0] == glm::vec3(0)) return flat.tangents[v0];
        return glm::vec4(0);
    };
    CHECK(glm::length(tangent_at_corner(true) - tangent_at_corner(false)) < 1e-5f);
}

TEST_CASE("given tangents are kept, ignored without normals, and not asked for without a normal texture") {
    Geometry g = quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0});
    g.tangents.assign(4, glm::vec4(0, 1, 0, -1));
    CHECK(bumped({g}).tangents[2] == glm::vec4(0, 1, 0, -1));
    g.normals.clear();
    const auto flat = bumped({g});
    CHECK(glm::length(flat.tangents[0] - glm::vec4(1, 0, 0, 1)) < 1e-6f);
    CHECK(glm::length(flat.normals[0] - glm::vec3(0, 0, 1)) < 1e-6f);
    GltfWriter writer;
    Geometry plain = quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0});
    plain.tangents.assign(4, glm::vec4(0, 1, 0, -1));
    writer.node({.mesh = writer.mesh({{plain, writer.material(lambert({1, 1, 1}))}})});
    CHECK(flatten_good(load_good(writer)).meshes[0].first_tangent == shading::NONE);
}

TEST_CASE("coordinates that span no area, or are missing, give some unit tangent and no NaN") {
    Geometry flat_uv = quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0}), none = quad({3, 0, 0}, {1, 0, 0}, {0, 1, 0}),
             point = triangle({0, 0, 0}, {0, 0, 0}, {0, 0, 0});
    flat_uv.uvs[0].assign(4, glm::vec2(0.5f));
    none.uvs.clear();
    const auto flat = bumped({flat_uv, none, point});
    for (const auto& t : flat.tangents) CHECK(glm::length(glm::vec3(t)) == doctest::Approx(1));
}

TEST_CASE("a mirrored placement that goes into the vertices turns tangents and handedness with them") {
    // Skinned by a joint that mirrors x: the image's right is -x there, up stays +y, so n x t must be turned.
    GltfWriter writer;
    Material m = lambert({1, 1, 1});
    m.normal_texture.texture = writer.texture_rgba8(1, 1, {128, 128, 255, 255});
    Geometry g = quad({2, 0, 0}, {1, 0, 0}, {0, 1, 0});
    g.joints = {std::vector<glm::uvec4>(4, {0, 0, 0, 0})};
    g.weights = {std::vector<glm::vec4>(4, {1, 0, 0, 0})};
    const Index joint = writer.node({.scale = glm::vec3(-1, 1, 1)});
    writer.node({.mesh = writer.mesh({{g, writer.material(m)}}), .skin = writer.skin({joint})});
    const auto flat = flatten_good(load_good(writer));
    for (std::size_t v = 0; v < 4; ++v) {
        CHECK(flat.tangents[v] == glm::vec4(-1, 0, 0, -1));
        CHECK(flat.normals[v] == glm::vec3(0, 0, 1));
        CHECK(bitangent(flat, v) == glm::vec3(0, 1, 0));
    }
    const auto& [v0, v1, v2, material] = flat.triangles[0];
    CHECK(glm::cross(flat.positions[v1] - flat.positions[v0], flat.positions[v2] - flat.positions[v0]).z > 0);
}
