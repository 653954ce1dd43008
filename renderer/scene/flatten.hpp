#pragma once
/// From a Scene to the arrays of one moment (FlatScene): geometry merged a glTF mesh and shared by its instances, skins and morph targets
/// applied on the CPU, materials, textures, lights with their sampling tables, the environment, the camera. Deterministic: the same
/// arguments give the same bytes. Images are not decoded again. Thread: any; scenes are only read.
#include "renderer/base/settings.hpp"
#include "renderer/scene/flat_scene.hpp"
#include "renderer/scene/scene.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace raymill::scene {

/// A lat-long image of linear radiance, row by row from the top (+y): `texels[y * width + x]`. Read by renderer/film.
struct EnvironmentImage {
    std::uint32_t width = 0, height = 0;
    std::vector<glm::vec3> texels;
};

struct FlattenRequest {
    Settings settings;                             ///< camera, look_at, scene, variant, env*, animation and size are read here
    double seconds = 0;                            ///< scene time
    const EnvironmentImage* environment = nullptr; ///< settings.env's image where it names a file; not kept
};

/// Most lights (emissive triangles of all instances, punctual lights, the environment) of one frame.
inline constexpr std::uint64_t max_lights = 1ull << 24;
/// Most vertices, and most triangles, of all meshes of one frame (a skinned or morphed node has a mesh of its own).
inline constexpr std::uint64_t max_elements = 1ull << 28;
/// Most 32-bit words of texels: they are indexed by 32 bits.
inline constexpr std::uint64_t max_texel_words = 0xffffffffull;

/// Code::usage where a setting names what the scene does not have (the known names are listed); Code::bad_input where the scene is at
/// fault.
Result<FlatScene> flatten(const Scene& scene, const FlattenRequest& request);

/// Whether `env` is a constant radiance "R,G,B" (three finite numbers >= 0) and not a file's name; the facade asks before it opens a file.
bool is_constant_environment(const std::string& env);

} // namespace raymill::scene
