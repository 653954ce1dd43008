#include "tests/support/gltf_writer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

namespace raymill::tests {

Geometry triangle(glm::vec3 a, glm::vec3 b, glm::vec3 c) {
    Geometry g;
    g.positions = {a, b, c};
    g.indices = {0, 1, 2};
    return g;
}

Geometry quad(glm::vec3 center, glm::vec3 u, glm::vec3 v) {
    Geometry g;
    g.positions = {center - u - v, center + u - v, center + u + v, center - u + v};
    g.normals.assign(4, glm::normalize(glm::cross(u, v)));
    g.uvs = {{{0, 1}, {1, 1}, {1, 0}, {0, 0}}};
    g.indices = {0, 1, 2, 0, 2, 3};
    return g;
}

Geometry joined(Geometry a, const Geometry& b) {
    const auto base = static_cast<std::uint32_t>(a.positions.size());
    for (const auto index : b.indices) a.indices.push_back(base + index);
    a.positions.insert(a.positions.end(), b.positions.begin(), b.positions.end());
    a.normals.insert(a.normals.end(), b.normals.begin(), b.normals.end());
    a.tangents.insert(a.tangents.end(), b.tangents.begin(), b.tangents.end());
    a.colors.insert(a.colors.end(), b.colors.begin(), b.colors.end());
    for (std::size_t set = 0; set < a.uvs.size() && set < b.uvs.size(); ++set)
        a.uvs[set].insert(a.uvs[set].end(), b.uvs[set].begin(), b.uvs[set].end());
    return a;
}

Geometry box(glm::vec3 center, glm::vec3 size, bool inward) {
    const glm::vec3 h = size * 0.5f;
    const float side = inward ? -1.f : 1.f;
    // (outward axis, u) of each face; v = axis x u, so that u x v is the axis. Swapping the sign of u turns the face round.
    const std::array<std::pair<glm::vec3, glm::vec3>, 6> faces = {{{{1, 0, 0}, {0, 0, -1}},
                                                                   {{-1, 0, 0}, {0, 0, 1}},
                                                                   {{0, 1, 0}, {1, 0, 0}},
                                                                   {{0, -1, 0}, {1, 0, 0}},
                                                                   {{0, 0, 1}, {1, 0, 0}},
                                                                   {{0, 0, -1}, {-1, 0, 0}}}};
    Geometry g;
    for (const auto& [axis, u] : faces) {
        const glm::vec3 v = glm::cross(axis, u);
        const Geometry face = quad(center + axis * h, side * u * h, v * h);
        g = g.positions.empty() ? face : joined(std::move(g), face);
    }
    return g;
}

Geometry icosphere(glm::vec3 center, float radius, int levels, bool inward) {
    const float t = (1 + std::sqrt(5.f)) / 2;
    std::vector<glm::vec3> points = {{-1, t, 0},  {1, t, 0},  {-1, -t, 0}, {1, -t, 0}, {0, -1, t},  {0, 1, t},
                                     {0, -1, -t}, {0, 1, -t}, {t, 0, -1},  {t, 0, 1},  {-t, 0, -1}, {-t, 0, 1}};
    for (auto& p : points) p = glm::normalize(p);
    std::vector<std::uint32_t> indices = {0, 11, 5,  0, 5,  1, 0, 1, 7, 0, 7,  10, 0, 10, 11, 1, 5, 9, 5, 11,
                                          4, 11, 10, 2, 10, 7, 6, 7, 1, 8, 3,  9,  4, 3,  4,  2, 3, 2, 6, 3,
                                          6, 8,  3,  8, 9,  4, 9, 5, 2, 4, 11, 6,  2, 10, 8,  6, 7, 9, 8, 1};
    for (int level = 0; level < levels; ++level) {
        std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> middles;
        const auto middle = [&](std::uint32_t a, std::uint32_t b) {
            const auto [at, fresh] = middles.try_emplace(std::minmax(a, b), static_cast<std::uint32_t>(points.size()));
            if (fresh) points.push_back(glm::normalize(points[a] + points[b]));
            return at->second;
        };
        std::vector<std::uint32_t> finer;
        for (std::size_t i = 0; i < indices.size(); i += 3) {
            const auto a = indices[i], b = indices[i + 1], c = indices[i + 2];
            const auto ab = middle(a, b), bc = middle(b, c), ca = middle(c, a);
            for (const auto index : {a, ab, ca, b, bc, ab, c, ca, bc, ab, bc, ca}) finer.push_back(index);
        }
        indices = std::move(finer);
    }
    Geometry g;
    for (const auto& p : points) {
        g.positions.push_back(center + radius * p);
        g.normals.push_back(inward ? -p : p);
    }
    if (inward)
        for (std::size_t i = 0; i < indices.size(); i += 3) std::swap(indices[i + 1], indices[i + 2]);
    g.indices = std::move(indices);
    return g;
}

Geometry disk(glm::vec3 center, glm::vec3 u, glm::vec3 v, int sides) {
    Geometry g;
    g.positions.push_back(center);
    for (int i = 0; i < sides; ++i) {
        const double angle = 2 * 3.14159265358979323846 * i / sides;
        g.positions.push_back(center + static_cast<float>(std::cos(angle)) * u + static_cast<float>(std::sin(angle)) * v);
    }
    g.normals.assign(g.positions.size(), glm::normalize(glm::cross(u, v)));
    for (int i = 0; i < sides; ++i)
        for (const int index : {0, 1 + i, 1 + (i + 1) % sides}) g.indices.push_back(static_cast<std::uint32_t>(index));
    return g;
}

} // namespace raymill::tests
