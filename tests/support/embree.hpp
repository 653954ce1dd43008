#pragma once
/// Embree 3 over a FlatScene: hits to compare with. Alpha is not asked: every triangle counts. Thread: one.
#include "renderer/scene/flat_scene.hpp"
#include "shaders/shared/path.h"

#include <memory>

namespace raymill::tests {

class Embree {
  public:
    /// `scene` is kept by reference. `robust`: Embree's mode without leaks, to compare hits with; without it, to compare speed with. Trees
    /// of its high quality.
    explicit Embree(const scene::FlatScene& scene, bool robust = true);
    ~Embree();
    /// Instance NONE without a hit. The triangle is global, as in FlatScene.
    [[nodiscard]] shading::RayHit closest(glm::vec3 origin, glm::vec3 direction, float t_max) const;
    [[nodiscard]] bool occluded(glm::vec3 origin, glm::vec3 direction, float t_max) const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace raymill::tests
