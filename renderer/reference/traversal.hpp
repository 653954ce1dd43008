#pragma once
/// Rays through a two-level hierarchy, one at a time. Tests of the GPU's traversal compare hits with these. Thread: a Traversal is one
/// thread's.
#include "renderer/accel/bvh.hpp"
#include "shaders/shared/path.h"

#include <cstdint>
#include <vector>

namespace raymill::reference {

class Traversal {
  public:
    /// Both are kept by reference. `scene`'s buffer references point at host memory (scene::referring).
    Traversal(const shading::SceneData& scene, const accel::Hierarchy& hierarchy) : scene_(scene), hierarchy_(hierarchy) {}

    /// The nearest hit with 0 < t < t_max that accept_hit takes; `instance` is NONE where there is none. `direction`: any length but 0.
    shading::RayHit closest(glm::vec3 origin, glm::vec3 direction, float t_max, std::uint32_t alpha_key);

    /// What a shadow ray keeps: the product of its hits' transmittances, 0 as soon as something opaque is met.
    float transmittance(glm::vec3 origin, glm::vec3 direction, float t_max);

  private:
    /// Calls `on_leaf(item)` for the items of all leaves that the ray meets before `t_max` (which on_leaf may lower), near boxes first.
    /// Ends when it returns false.
    template<class OnLeaf> bool walk(const accel::Tree& tree, glm::vec3 origin, glm::vec3 direction, const float& t_max, OnLeaf on_leaf);

    /// Calls `on_hit(hit, has_alpha)` for triangles that the ray meets before `t_max` (which on_hit may lower). Ends when it returns false.
    template<class OnHit> void each_hit(glm::vec3 origin, glm::vec3 direction, const float& t_max, OnHit on_hit);

    const shading::SceneData& scene_;
    const accel::Hierarchy& hierarchy_;
    std::vector<std::uint32_t> stack_;
};

} // namespace raymill::reference
