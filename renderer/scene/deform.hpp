#pragma once
/// Morph targets, skins and placements applied to one primitive on the CPU. Used by flatten only. Thread: any.
#include "renderer/scene/scene.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace raymill::scene {

struct DeformedStreams {
    std::vector<glm::vec3> positions;
    std::vector<glm::vec3> normals; ///< as the primitive's: empty where it has none
    std::vector<glm::vec4> tangents;
    std::vector<std::uint32_t> indices; ///< three a triangle; turned round where its first corner's matrix mirrors
};

/// Matrices of a skin's joints at one pose: world(joint) x inverse bind matrix (glTF 2.0, 3.7.3.1: the skinned node's own transform plays
/// no part).
std::vector<glm::dmat4> joint_matrices(const Skin& skin, std::span<const glm::dmat4> world);

/// `primitive` with morph `weights` (empty: none), then its skin's `joints` (empty: none), then `placement` (null: none). Normals go by the
/// cofactor matrix, which is det x the inverse transpose and stays right for singular matrices; they come out unit, or the face normal
/// where that fails.
DeformedStreams deform(const Primitive& primitive, std::span<const float> weights, std::span<const glm::dmat4> joints,
                       const glm::dmat4* placement);

/// Normals of triangles that share no vertices, from positions alone (a degenerate triangle gets +y).
std::vector<glm::vec3> flat_normals(std::span<const glm::vec3> positions, std::span<const std::uint32_t> indices);

} // namespace raymill::scene
