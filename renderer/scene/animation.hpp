#pragma once
/// A scene's moving parts at one time. Pure functions of their arguments; thread: any.
#include "renderer/scene/scene.hpp"

#include <span>
#include <string>
#include <vector>

namespace raymill::scene {

/// All nodes at one moment.
struct Pose {
    std::vector<glm::dmat4> world;           ///< node to world, one a node
    std::vector<std::vector<float>> weights; ///< of each node's morph targets; empty where its mesh has none
};

/// Which animations `choice` means: "all", a name, or an index. Code::usage with the known names where there is no such animation; "all"
/// and "" are always right, also without any animation.
Result<std::vector<std::uint32_t>> choose_animations(const Scene& scene, const std::string& choice);

/// The scene at `seconds`: before its first key a channel has its first value, after the last its last (glTF 2.0, appendix C). Where
/// several of `animations` move the same part of a node, the later one counts.
Pose evaluate(const Scene& scene, std::span<const std::uint32_t> animations, double seconds);

/// One sampler at `seconds`: `width` values (a unit quaternion for rotations). glTF 2.0, appendix C: step, linear (rotations: slerp the
/// short way), cubic spline (Hermite; tangents scaled by the key's distance; rotations normalised).
std::vector<float> sample(const Sampler& sampler, Path path, double seconds);

} // namespace raymill::scene
