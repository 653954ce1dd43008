#pragma once
/// What is in a scene, in numbers and names, for `raymill inspect`. Pure; thread: any.
#include "renderer/scene/scene.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace raymill::gltf {

struct Summary {
    struct Texture {
        std::string name;
        std::uint32_t width = 0, height = 0; ///< 0: no material in use reads it
        std::uint32_t bits = 8;              ///< a channel
    };
    struct Camera {
        std::string name; ///< of its node, else its own; "" without either
        std::uint32_t node = 0;
        std::string kind; ///< "perspective" or "orthographic"
        double yfov_degrees = 0;
    };
    struct Light {
        std::string name, kind; ///< "point", "spot", "directional"
        std::uint32_t node = 0;
    };
    struct Animation {
        std::string name;
        double seconds = 0;
        std::uint64_t channels = 0;
    };
    std::string file;
    std::uint64_t scenes = 0, nodes = 0, meshes = 0, primitives = 0, materials = 0, skins = 0, morph_targets = 0;
    std::uint64_t unique_triangles = 0;    ///< of all meshes, each once
    std::uint64_t instanced_triangles = 0; ///< of the default scene as drawn
    std::uint64_t instances = 0;           ///< nodes of the default scene with a mesh
    std::uint64_t emissive_materials = 0;
    std::vector<Texture> images;
    std::vector<Camera> cameras; ///< camera nodes of the default scene: their order is --camera's index
    std::vector<Light> lights;
    std::vector<Animation> animations;
    std::vector<std::string> variants;
    std::vector<std::string> extensions_used, extensions_required;
    std::vector<std::string> not_drawn; ///< what is not drawn as the file means it
    std::vector<std::string> remarks;   ///< what is different on purpose, and right
};

Summary summarize(const scene::Scene& scene);

} // namespace raymill::gltf
