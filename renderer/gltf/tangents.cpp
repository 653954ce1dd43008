#include "renderer/gltf/parts.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <unordered_map>

namespace raymill::gltf {
namespace {

/// Corners that may share a tangent: those at the same position, with the same normal and uv, of triangles of the same handedness.
struct Key {
    std::array<std::uint32_t, 8> bits;
    bool mirrored;
    friend bool operator==(const Key&, const Key&) = default;
};
struct KeyHash {
    std::size_t operator()(const Key& key) const {
        std::uint64_t h = key.mirrored ? 1469598103934665603ull : 1099511628211ull;
        for (const auto b : key.bits) h = (h ^ b) * 0x9E3779B97F4A7C15ull, h ^= h >> 29;
        return h;
    }
};

Key key_of(const glm::vec3& p, const glm::vec3& n, const glm::vec2& t, bool mirrored) {
    // + 0 makes -0 and 0 one.
    return {{std::bit_cast<std::uint32_t>(p.x + 0.f), std::bit_cast<std::uint32_t>(p.y + 0.f), std::bit_cast<std::uint32_t>(p.z + 0.f),
             std::bit_cast<std::uint32_t>(n.x + 0.f), std::bit_cast<std::uint32_t>(n.y + 0.f), std::bit_cast<std::uint32_t>(n.z + 0.f),
             std::bit_cast<std::uint32_t>(t.x + 0.f), std::bit_cast<std::uint32_t>(t.y + 0.f)},
            mirrored};
}

glm::dvec3 unit(const glm::dvec3& v) {
    const double length = glm::length(v);
    return length > 0 && std::isfinite(length) ? v / length : glm::dvec3(0);
}

glm::dvec3 across(const glm::dvec3& v, const glm::dvec3& normal) { return v - normal * glm::dot(normal, v); }

/// Some direction in the plane of the normal, where uvs say nothing.
glm::dvec3 any_tangent(const glm::dvec3& normal) {
    return unit(across(std::abs(normal.x) < 0.9 ? glm::dvec3(1, 0, 0) : glm::dvec3(0, 0, 1), normal));
}

} // namespace

void derive_tangents(scene::Primitive& primitive, const std::vector<glm::vec2>& uv) {
    const std::size_t corners = primitive.indices.size();
    std::vector<std::uint32_t> group_of(corners);
    std::vector<bool> mirrored_of(corners, false), known_of(corners, false);
    std::vector<glm::dvec3> sums;
    std::unordered_map<Key, std::uint32_t, KeyHash> groups;
    for (std::size_t i = 0; i + 2 < corners; i += 3) {
        const std::array v = {primitive.indices[i], primitive.indices[i + 1], primitive.indices[i + 2]};
        const std::array<glm::dvec3, 3> p = {primitive.positions[v[0]], primitive.positions[v[1]], primitive.positions[v[2]]};
        const glm::dvec2 d1 = glm::dvec2(uv[v[1]]) - glm::dvec2(uv[v[0]]), d2 = glm::dvec2(uv[v[2]]) - glm::dvec2(uv[v[0]]);
        const double area = d1.x * d2.y - d2.x * d1.y;
        // v runs downwards in glTF, so an image that is not mirrored has a negative area here; its bitangent, n x t, points up in the
        // image.
        const bool mirrored = area > 0;
        const glm::dvec3 along_u = area != 0 ? ((p[1] - p[0]) * d2.y - (p[2] - p[0]) * d1.y) / area : glm::dvec3(0);
        for (std::size_t k = 0; k < 3; ++k) {
            const glm::dvec3 n = primitive.normals[v[k]];
            const auto [at, fresh] = groups.try_emplace(key_of(primitive.positions[v[k]], primitive.normals[v[k]], uv[v[k]], mirrored),
                                                        static_cast<std::uint32_t>(sums.size()));
            if (fresh) sums.emplace_back(0);
            group_of[i + k] = at->second;
            mirrored_of[i + k] = mirrored;
            known_of[i + k] = area != 0 && std::isfinite(area);
            const glm::dvec3 e1 = unit(across(p[(k + 1) % 3] - p[k], n)), e2 = unit(across(p[(k + 2) % 3] - p[k], n));
            const double angle = std::acos(std::clamp(glm::dot(e1, e2), -1.0, 1.0));
            if (known_of[i + k]) sums[at->second] += angle * unit(across(along_u, n));
        }
    }

    // Each vertex takes the handedness of its first corner that has one; corners of the other handedness get a vertex of their own.
    const std::size_t count = primitive.positions.size();
    std::array<std::vector<std::uint32_t>, 2> vertex_for; // by handedness: the new vertex of an old one
    vertex_for.fill(std::vector<std::uint32_t>(count, scene::NONE));
    std::vector<std::uint32_t> from(count);
    for (std::size_t v = 0; v < count; ++v) from[v] = static_cast<std::uint32_t>(v);
    primitive.tangents.assign(count, glm::vec4(0));
    for (const bool known : {true, false})
        for (std::size_t i = 0; i < corners; ++i) {
            if (known_of[i] != known) continue;
            const std::uint32_t v = primitive.indices[i];
            const std::size_t hand = mirrored_of[i] ? 1 : 0;
            // A corner whose triangle says nothing goes with what the vertex has.
            if (!known && (vertex_for[0][v] != scene::NONE || vertex_for[1][v] != scene::NONE)) {
                primitive.indices[i] = vertex_for[0][v] != scene::NONE ? vertex_for[0][v] : vertex_for[1][v];
                continue;
            }
            if (vertex_for[hand][v] == scene::NONE) {
                std::uint32_t to = v;
                if (vertex_for[1 - hand][v] != scene::NONE) {
                    to = static_cast<std::uint32_t>(from.size());
                    from.push_back(v);
                    primitive.tangents.emplace_back(0);
                }
                const glm::dvec3 n = primitive.normals[v];
                glm::dvec3 t = unit(across(sums[group_of[i]], n));
                if (t == glm::dvec3(0)) t = any_tangent(n);
                primitive.tangents[to] = glm::vec4(glm::vec3(t), hand == 1 ? -1.f : 1.f);
                vertex_for[hand][v] = to;
            }
            primitive.indices[i] = vertex_for[hand][v];
        }
    if (from.size() == count) return;
    std::vector<glm::vec4> tangents = std::move(primitive.tangents);
    primitive.tangents.clear();
    reorder(primitive, from);
    primitive.tangents = std::move(tangents);
}

} // namespace raymill::gltf
