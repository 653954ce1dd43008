#include "tests/gltf/checks.hpp"
#include "tests/gltf/loading.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <doctest/doctest.h>

using namespace raymill;
using namespace raymill::tests;
using Json = nlohmann::json;

namespace {

/// Triangles as sorted positions, each turned so that its smallest corner comes first (the order of corners round it is kept).
std::vector<std::array<std::array<float, 3>, 3>> triangles_of(const scene::Primitive& p) {
    std::vector<std::array<std::array<float, 3>, 3>> out;
    for (std::size_t i = 0; i < p.indices.size(); i += 3) {
        std::array<std::array<float, 3>, 3> t;
        for (std::size_t k = 0; k < 3; ++k) {
            const glm::vec3& v = p.positions[p.indices[i + k]];
            t[k] = {v.x, v.y, v.z};
        }
        std::rotate(t.begin(), std::min_element(t.begin(), t.end()), t.end());
        out.push_back(t);
    }
    std::sort(out.begin(), out.end());
    return out;
}

scene::Primitive primitive_of(const Geometry& g) {
    GltfWriter writer;
    writer.node({.mesh = writer.mesh({{g}})});
    const auto scene = load_good(writer);
    REQUIRE(scene.meshes[0].primitives.size() == 1);
    return scene.meshes[0].primitives[0];
}

scene::Scene load_changed(const GltfWriter& writer, const Json& json) {
    auto scene = load_bytes(make_glb(json.dump(), writer.buffer()));
    REQUIRE_MESSAGE(scene.has_value(), scene.error().message());
    return *std::move(scene);
}

template<class T> Index view_of(GltfWriter& writer, const std::vector<T>& values, std::optional<int> stride = {}) {
    return writer.buffer_view(std::as_bytes(std::span(values)), stride);
}

/// A row of points that a strip zigzags over; every triangle faces +z.
std::vector<glm::vec3> zigzag(std::size_t count) {
    std::vector<glm::vec3> out;
    for (std::size_t i = 0; i < count; ++i) out.emplace_back(static_cast<float>(i) * 0.5f, i % 2 == 0 ? 0.f : -1.f, 0.f);
    return out;
}

} // namespace

TEST_CASE("strips and fans, indexed or not, are the triangles that the specification lists, the same way round") {
    for (const std::size_t count : {3u, 4u, 5u, 8u}) {
        Geometry strip, list;
        strip.positions = list.positions = zigzag(count);
        strip.mode = 5;
        for (std::uint32_t i = 0; i + 2 < count; ++i)
            for (const std::uint32_t corner : {i, i + 1 + i % 2, i + 2 - i % 2}) list.indices.push_back(corner);
        CHECK(triangles_of(primitive_of(strip)) == triangles_of(primitive_of(list)));
        // All of them face +z: a strip read without turning every second triangle does not.
        for (const auto& t : triangles_of(primitive_of(strip)))
            CHECK((t[1][0] - t[0][0]) * (t[2][1] - t[0][1]) - (t[2][0] - t[0][0]) * (t[1][1] - t[0][1]) > 0);
        for (std::uint32_t i = 0; i < count; ++i) strip.indices.push_back(i);
        CHECK(triangles_of(primitive_of(strip)) == triangles_of(primitive_of(list)));

        Geometry fan = disk({0, 0, 0}, {1, 0, 0}, {0, 1, 0}, static_cast<int>(count)), slices = fan;
        fan.indices.clear();
        slices.indices.clear();
        fan.mode = 6;
        for (std::uint32_t i = 0; i + 2 < fan.positions.size(); ++i)
            for (const std::uint32_t corner : {i + 1, i + 2, 0u}) slices.indices.push_back(corner);
        CHECK(triangles_of(primitive_of(fan)) == triangles_of(primitive_of(slices)));
    }
}

TEST_CASE("strips joined by repeated vertices lose the triangles without area and nothing else") {
    Geometry g;
    g.positions = zigzag(8);
    g.mode = 5;
    g.indices = {0, 1, 2, 3, 3, 4, 4, 5, 6, 7};
    CHECK(primitive_of(g).indices.size() == 3 * 4);
}

TEST_CASE("non-indexed triangles equal indexed ones, and vertices that no triangle uses are dropped") {
    Geometry plain = quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0}), loose = plain, sparse_use = plain;
    loose.positions.clear(), loose.normals.clear(), loose.uvs.clear();
    for (const auto i : plain.indices) loose.positions.push_back(plain.positions[i]), loose.normals.push_back(plain.normals[i]);
    loose.indices.clear();
    CHECK(triangles_of(primitive_of(loose)) == triangles_of(primitive_of(plain)));
    sparse_use.positions.insert(sparse_use.positions.begin(), 100, glm::vec3(7));
    sparse_use.normals.insert(sparse_use.normals.begin(), 100, glm::vec3(0, 0, 1));
    sparse_use.uvs.clear();
    for (auto& i : sparse_use.indices) i += 100;
    const auto compacted = primitive_of(sparse_use);
    CHECK(compacted.positions.size() == 4);
    CHECK(triangles_of(compacted) == triangles_of(primitive_of(plain)));
}

TEST_CASE("points and lines are noted as not drawn, and the rest is drawn") {
    GltfWriter writer;
    Geometry points = triangle({0, 0, 0}, {1, 0, 0}, {0, 1, 0}), lines = points;
    points.mode = 0, lines.mode = 3;
    writer.node({.mesh = writer.mesh({{points}, {lines}, {triangle({0, 0, 0}, {1, 0, 0}, {0, 1, 0})}, {lines}})});
    const auto scene = load_good(writer);
    CHECK(scene.meshes[0].primitives.size() == 1);
    CHECK(scene.notes == std::vector<std::string>{"points are not drawn (at meshes[0].primitives[0])",
                                                  "lines are not drawn (2 times, first at meshes[0].primitives[1])"});
}

TEST_CASE("a sparse accessor equals the plain one that it describes, over zeros and over a bufferView") {
    Geometry g = quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0});
    GltfWriter writer;
    writer.node({.mesh = writer.mesh({{g}})});
    const auto plain = load_good(writer);
    const std::vector<std::uint8_t> all = {0, 1, 2, 3}, some = {1, 3};
    const std::vector<glm::vec3> replaced = {g.positions[1], g.positions[3]};
    std::vector<glm::vec3> wrong = g.positions;
    wrong[1] = wrong[3] = glm::vec3(9);
    const Index all_view = view_of(writer, all), some_view = view_of(writer, some), positions = view_of(writer, g.positions),
                two = view_of(writer, replaced), base = view_of(writer, wrong);
    Json json = Json::parse(writer.json());
    Json& accessor = json["accessors"][0];
    accessor.erase("bufferView");
    accessor["sparse"] = {
        {"count", 4}, {"indices", {{"bufferView", all_view}, {"componentType", 5121}}}, {"values", {{"bufferView", positions}}}};
    CHECK(load_changed(writer, json).meshes[0].primitives[0].positions == plain.meshes[0].primitives[0].positions);
    accessor["bufferView"] = base;
    accessor["sparse"] = {
        {"count", 2}, {"indices", {{"bufferView", some_view}, {"componentType", 5121}}}, {"values", {{"bufferView", two}}}};
    CHECK(load_changed(writer, json).meshes[0].primitives[0].positions == plain.meshes[0].primitives[0].positions);
    // Without bufferView and sparse it is zeros: all triangles without area, harmless.
    accessor.erase("bufferView"), accessor.erase("sparse");
    const auto zeros = load_changed(writer, json);
    CHECK(zeros.meshes[0].primitives[0].positions == std::vector<glm::vec3>(4, glm::vec3(0)));
    check_consistent(flatten_good(zeros));
}

TEST_CASE("interleaved and offset vertices equal separate ones") {
    Geometry g = quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0});
    GltfWriter writer;
    Material m = lambert({1, 1, 1});
    m.base_color_texture.texture = writer.texture_rgba8(1, 1, {255, 255, 255, 255});
    writer.node({.mesh = writer.mesh({{g, writer.material(m)}})});
    const auto plain = load_good(writer);
    struct Vertex {
        float marker;
        glm::vec3 position, normal;
        glm::vec2 uv;
        float tail;
    };
    static_assert(sizeof(Vertex) == 40);
    std::vector<Vertex> vertices;
    for (std::size_t i = 0; i < 4; ++i) vertices.push_back({-1, g.positions[i], g.normals[i], g.uvs[0][i], -1});
    const Index view = view_of(writer, vertices, 40);
    const Index position = writer.accessor(view, 5126, 4, "VEC3", false, 4), normal = writer.accessor(view, 5126, 4, "VEC3", false, 16),
                uv = writer.accessor(view, 5126, 4, "VEC2", false, 28);
    Json json = Json::parse(writer.json());
    json["meshes"][0]["primitives"][0]["attributes"] = {{"POSITION", position}, {"NORMAL", normal}, {"TEXCOORD_0", uv}};
    const auto mixed = load_changed(writer, json);
    const auto &a = plain.meshes[0].primitives[0], &b = mixed.meshes[0].primitives[0];
    CHECK(a.positions == b.positions);
    CHECK(a.normals == b.normals);
    CHECK(a.uvs[0] == b.uvs[0]);
    CHECK(a.uvs[0].size() == 4);
}

TEST_CASE("every component type gives the values that the specification's formulas give") {
    // glTF 2.0, 3.6.2.2, with the ends of each range: c / 127 not below -1, c / 255, c / 32767, c / 65535.
    GltfWriter writer;
    writer.node({.mesh = writer.mesh({{triangle({0, 0, 0}, {1, 0, 0}, {0, 1, 0})}})});
    const auto positions_of = [&](Index accessor) {
        Json json = Json::parse(writer.json());
        json["meshes"][0]["primitives"][0]["attributes"]["POSITION"] = accessor;
        return load_changed(writer, json).meshes[0].primitives[0].positions;
    };
    // Vertices begin at multiples of 4 bytes.
    const std::vector<std::int8_t> bytes = {-128, -127, 0, 0, 64, 127, 1, 0, -1, 2, 3, 0};
    const Index b = view_of(writer, bytes, 4);
    CHECK(positions_of(writer.accessor(b, 5120, 3, "VEC3", true)) ==
          std::vector<glm::vec3>{{-1, -1, 0}, {64 / 127.f, 1, 1 / 127.f}, {-1 / 127.f, 2 / 127.f, 3 / 127.f}});
    CHECK(positions_of(writer.accessor(b, 5120, 3, "VEC3")) == std::vector<glm::vec3>{{-128, -127, 0}, {64, 127, 1}, {-1, 2, 3}});
    const std::vector<std::uint8_t> ubytes = {0, 255, 51, 0, 128, 1, 2, 0, 3, 4, 5, 0};
    const Index ub = view_of(writer, ubytes, 4);
    CHECK(positions_of(writer.accessor(ub, 5121, 3, "VEC3", true)) ==
          std::vector<glm::vec3>{{0, 1, 0.2f}, {128 / 255.f, 1 / 255.f, 2 / 255.f}, {3 / 255.f, 4 / 255.f, 5 / 255.f}});
    const std::vector<std::int16_t> shorts = {-32768, -32767, 0, 0, 16384, 32767, 1, 0, -1, 2, 3, 0};
    const Index s = view_of(writer, shorts, 8);
    CHECK(positions_of(writer.accessor(s, 5122, 3, "VEC3", true))[0] == glm::vec3(-1, -1, 0));
    CHECK(positions_of(writer.accessor(s, 5122, 3, "VEC3"))[0] == glm::vec3(-32768, -32767, 0));
    const std::vector<std::uint16_t> ushorts = {0, 65535, 13107, 0, 1, 2, 3, 0, 4, 5, 6, 0};
    const Index us = view_of(writer, ushorts, 8);
    CHECK(positions_of(writer.accessor(us, 5123, 3, "VEC3", true))[0] == glm::vec3(0, 1, 0.2f));
    CHECK(positions_of(writer.accessor(us, 5123, 3, "VEC3"))[0] == glm::vec3(0, 65535, 13107));
    const std::vector<std::uint32_t> uints = {0, 16777216, 3, 4, 5, 6, 7, 8, 9};
    CHECK(positions_of(writer.accessor(view_of(writer, uints), 5125, 3, "VEC3"))[0] == glm::vec3(0, 16777216, 3));
}

TEST_CASE("indices of one, two and four bytes mean the same") {
    GltfWriter writer;
    writer.node({.mesh = writer.mesh({{quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0})}})});
    const auto plain = triangles_of(load_good(writer).meshes[0].primitives[0]);
    const std::vector<std::uint8_t> one = {0, 1, 2, 0, 2, 3};
    const std::vector<std::uint16_t> two = {0, 1, 2, 0, 2, 3};
    for (const auto& [view, type] : {std::pair{view_of(writer, one), 5121}, std::pair{view_of(writer, two), 5123}}) {
        const Index accessor = writer.accessor(view, type, 6, "SCALAR");
        Json json = Json::parse(writer.json());
        json["meshes"][0]["primitives"][0]["indices"] = accessor;
        CHECK(triangles_of(load_changed(writer, json).meshes[0].primitives[0]) == plain);
    }
}

TEST_CASE("vertex colours of three components get alpha 1, and reach the flat scene") {
    GltfWriter writer;
    writer.node({.mesh = writer.mesh({{triangle({0, 0, 0}, {1, 0, 0}, {0, 1, 0})}})});
    const std::vector<std::uint8_t> rgb = {255, 0, 0, 0, 0, 255, 0, 0, 0, 0, 51, 0};
    const Index accessor = writer.accessor(view_of(writer, rgb, 4), 5121, 3, "VEC3", true);
    Json json = Json::parse(writer.json());
    json["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"] = accessor;
    const auto flat = flatten_good(load_changed(writer, json));
    CHECK(flat.colors == std::vector<glm::vec4>{{1, 0, 0, 1}, {0, 1, 0, 1}, {0, 0, 0.2f, 1}});
}
