#include "renderer/scene/deform.hpp"

#include "renderer/base/check.hpp"

#include <array>
#include <cmath>
#include <utility>

namespace raymill::scene {
namespace {

/// Columns are cross products of the other two: det(m) x transpose(inverse(m)).
glm::dmat3 cofactor(const glm::dmat3& m) { return {glm::cross(m[1], m[2]), glm::cross(m[2], m[0]), glm::cross(m[0], m[1])}; }

glm::vec3 unit_or_zero(const glm::dvec3& v) {
    const double length = glm::length(v);
    return length > 0 && std::isfinite(length) ? glm::vec3(v / length) : glm::vec3(0);
}

/// Normals that vanished (opposing morphs, collapsed joints) become the sum of the faces round the vertex.
void replace_zero_normals(DeformedStreams& out) {
    bool any = false;
    for (const auto& n : out.normals) any = any || n == glm::vec3(0);
    if (!any) return;
    std::vector<glm::dvec3> sums(out.normals.size(), glm::dvec3(0));
    for (std::size_t i = 0; i + 2 < out.indices.size(); i += 3) {
        const std::array corners = {out.indices[i], out.indices[i + 1], out.indices[i + 2]};
        const glm::dvec3 a = out.positions[corners[0]], b = out.positions[corners[1]], c = out.positions[corners[2]];
        for (const auto corner : corners) sums[corner] += glm::cross(b - a, c - a);
    }
    for (std::size_t v = 0; v < out.normals.size(); ++v) {
        if (out.normals[v] != glm::vec3(0)) continue;
        const glm::vec3 n = unit_or_zero(sums[v]);
        out.normals[v] = n == glm::vec3(0) ? glm::vec3(0, 1, 0) : n;
    }
}

} // namespace

std::vector<glm::dmat4> joint_matrices(const Skin& skin, std::span<const glm::dmat4> world) {
    std::vector<glm::dmat4> out;
    out.reserve(skin.joints.size());
    for (std::size_t j = 0; j < skin.joints.size(); ++j) out.push_back(world[skin.joints[j]] * glm::dmat4(skin.inverse_bind_matrices[j]));
    return out;
}

DeformedStreams deform(const Primitive& primitive, std::span<const float> weights, std::span<const glm::dmat4> joints,
                       const glm::dmat4* placement) {
    DeformedStreams out{primitive.positions, primitive.normals, primitive.tangents, primitive.indices};
    for (std::size_t t = 0; t < primitive.targets.size() && t < weights.size(); ++t) {
        const MorphTarget& target = primitive.targets[t];
        if (weights[t] == 0) continue;
        for (std::size_t v = 0; v < target.positions.size(); ++v) out.positions[v] += weights[t] * target.positions[v];
        for (std::size_t v = 0; v < target.normals.size() && v < out.normals.size(); ++v) out.normals[v] += weights[t] * target.normals[v];
        for (std::size_t v = 0; v < target.tangents.size() && v < out.tangents.size(); ++v)
            out.tangents[v] += glm::vec4(weights[t] * target.tangents[v], 0);
    }

    const bool skinned = !joints.empty() && !primitive.joints0.empty();
    std::vector<bool> mirrored;
    if (skinned || placement) mirrored.resize(out.positions.size());
    for (std::size_t v = 0; v < out.positions.size(); ++v) {
        glm::dmat3 normal_matrix(1);
        glm::dmat3 linear(1);
        if (skinned || placement) {
            glm::dmat4 m(1);
            if (skinned) {
                m = glm::dmat4(0);
                const auto add = [&](const glm::u16vec4& joint, const glm::vec4& weight) {
                    for (int i = 0; i < 4; ++i)
                        if (weight[i] != 0) m += joints[joint[i]] * static_cast<double>(weight[i]);
                };
                add(primitive.joints0[v], primitive.weights0[v]);
                if (!primitive.joints1.empty()) add(primitive.joints1[v], primitive.weights1[v]);
            } else {
                m = *placement;
            }
            out.positions[v] = glm::vec3(m * glm::dvec4(out.positions[v], 1));
            linear = glm::dmat3(m);
            mirrored[v] = glm::determinant(linear) < 0;
            normal_matrix = cofactor(linear) * (mirrored[v] ? -1.0 : 1.0);
        }
        if (!out.normals.empty()) out.normals[v] = unit_or_zero(normal_matrix * glm::dvec3(out.normals[v]));
        if (!out.tangents.empty()) out.tangents[v] = glm::vec4(unit_or_zero(linear * glm::dvec3(out.tangents[v])), out.tangents[v].w);
    }
    // A mirroring matrix turns a triangle's front to the back: turning the order of its corners round keeps the front where the normals
    // are.
    if (!mirrored.empty())
        for (std::size_t i = 0; i + 2 < out.indices.size(); i += 3)
            if (mirrored[out.indices[i]]) std::swap(out.indices[i + 1], out.indices[i + 2]);
    if (!mirrored.empty())
        for (std::size_t v = 0; v < out.tangents.size(); ++v)
            if (mirrored[v]) out.tangents[v].w = -out.tangents[v].w;
    replace_zero_normals(out);
    return out;
}

std::vector<glm::vec3> flat_normals(std::span<const glm::vec3> positions, std::span<const std::uint32_t> indices) {
    std::vector<glm::vec3> out(positions.size(), glm::vec3(0, 1, 0));
    for (std::size_t i = 0; i + 2 < indices.size(); i += 3) {
        const glm::dvec3 a = positions[indices[i]], b = positions[indices[i + 1]], c = positions[indices[i + 2]];
        const glm::vec3 n = unit_or_zero(glm::cross(b - a, c - a));
        for (std::size_t k = 0; k < 3; ++k) out[indices[i + k]] = n == glm::vec3(0) ? glm::vec3(0, 1, 0) : n;
    }
    return out;
}

} // namespace raymill::scene
