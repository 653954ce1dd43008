#pragma once
/// The steps of flatten(), each in a file of its own; they fill one FlatScene in this order: geometry, materials, camera, lights. Private
/// to renderer/scene.
#include "renderer/scene/animation.hpp"
#include "renderer/scene/flatten.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace raymill::scene {

/// What later steps need to know of earlier ones.
struct Flattening {
    const Scene& scene;
    const FlattenRequest& request;
    Pose pose;
    std::vector<bool> visited; ///< by node: it belongs to the chosen glTF scene
    std::uint32_t variant = NONE;
    std::vector<bool> used;         ///< by material (the default material last): some triangle has it
    std::vector<glm::vec3> emitted; ///< by material: mean radiance of its triangles; 0 where it does not emit
    glm::dvec3 lower{0}, upper{0};  ///< box round all instances; both 0 without any
    FlatScene flat;

    [[nodiscard]] const Material& material(std::uint32_t index) const; ///< also of the default material's index
    [[nodiscard]] std::uint32_t material_of(const Primitive& primitive) const;
};

/// Meshes, triangles and instances; `used`, the box, the flags that depend on geometry (not INSTANCE_HAS_ALPHA and INSTANCE_EMITS).
Status flatten_geometry(Flattening& f);
/// Materials, textures, texels; `emitted`; INSTANCE_HAS_ALPHA.
Status flatten_materials(Flattening& f);
Status flatten_camera(Flattening& f);
/// Lights, their table, the environment; INSTANCE_EMITS.
Status flatten_lights(Flattening& f);

/// SCENE_NO_* of a scene that is flattened but for these.
std::uint32_t absent_features(const FlatScene& flat);

/// A neutral studio: a soft gradient, darker below, with a large key light, a fill and a rim light. Lat-long radiance.
EnvironmentImage studio_environment();

/// "there are: 0 'left', 1 'right'", for messages; at most twenty.
std::string known_names(std::span<const std::string> names);

} // namespace raymill::scene
