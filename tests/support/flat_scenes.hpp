#pragma once
/// Small scenes made directly in flattened form, for tests of hierarchies and devices that need no file.
#include "renderer/scene/flat_scene.hpp"

#include <cstdint>
#include <vector>

namespace raymill::tests {

/// Adds meshes, materials and instances to a FlatScene; `finish` sets what depends on all of them.
class FlatSceneBuilder {
  public:
    FlatSceneBuilder();

    /// A Lambert material (specular 0) of this colour; alpha below 1 makes it BLEND.
    std::uint32_t material(glm::vec4 base_color);
    /// A mesh of these triangles (three indices each), all of one material. Returns its index.
    std::uint32_t mesh(const std::vector<glm::vec3>& positions, const std::vector<std::uint32_t>& indices, std::uint32_t material);
    /// A ball of radius 1: an icosahedron, subdivided. 20 * 4^levels triangles.
    std::uint32_t ball(unsigned levels, std::uint32_t material);
    /// A square of half edge 1 in the plane y = 0, facing +y, with texture coordinates.
    std::uint32_t square(std::uint32_t material);
    /// A cube of half edge 1.
    std::uint32_t cube(std::uint32_t material);
    void instance(std::uint32_t mesh, const glm::mat4x3& object_to_world);

    /// A texture of one colour, sRGB RGBA8, 1 x 1; returns its index.
    std::uint32_t plain_texture(glm::u8vec4 color);

    /// Looks from `eye` at `target`; the environment has this constant radiance and is the one light.
    scene::FlatScene finish(glm::vec3 eye, glm::vec3 target, float fov_y_degrees, float aspect, glm::vec3 environment);

    scene::FlatScene flat;
};

glm::mat4x3 moved(glm::vec3 by);
glm::mat4x3 scaled(glm::vec3 by);
glm::mat4x3 turned(glm::vec3 axis, float degrees);
/// First `b`, then `a`.
glm::mat4x3 combined(const glm::mat4x3& a, const glm::mat4x3& b);

/// A few hundred balls, cubes and squares at random places, sizes (also mirrored and very flat ones) and turns, round the origin.
scene::FlatScene random_instances(unsigned seed, unsigned count);

} // namespace raymill::tests
