#pragma once
/// The tree that near lights are drawn from (shaders/shared/light_tree.h walks it; scene_data.h, LightNode, says what a node holds).
/// Deterministic; thread: any.
#include "renderer/scene/flat_scene.hpp"

#include <cstdint>
#include <vector>

namespace raymill::scene {

/// Where one near light is, where it shines and how strongly.
struct LightBounds {
    std::uint32_t light = 0; ///< index into FlatScene::lights
    glm::dvec3 lower{}, upper{};
    glm::dvec3 axis{0, 0, 1};
    double spread = 0;       ///< radians: its axes lie within this angle of `axis`
    double emission = 0;     ///< radians: it shines within this angle of each of its axes
    bool both_sides = false; ///< what shines along the axis shines against it too
    double intensity = 0;    ///< luminance: candela, or radiance x area; > 0
};

/// Fills flat.light_nodes and SceneLight::trail of the given lights. Splits by the surface area orientation heuristic: Conty Estevez and
/// Kulla, "Importance Sampling of Many Lights with Adaptive Tree Splitting" (HPG 2018), section 4.4. At most 2^24 lights: trails fit 32
/// levels.
void build_light_tree(FlatScene& flat, std::vector<LightBounds> lights);

} // namespace raymill::scene
