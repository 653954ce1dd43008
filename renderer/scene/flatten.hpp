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

/// Bounds of one frame. Past one, the error says which.
struct FlattenLimits {
    std::uint64_t max_elements = 1ull << 28;           ///< vertices, and triangles (a skinned or morphed node has a mesh of its own)
    std::uint64_t max_lights = 1ull << 24;             ///< punctual lights, and triangles of instances that emit
    std::uint64_t max_texel_words = 0xffffffffull;     ///< of 4 bytes: they are indexed by 32 bits
    std::uint64_t max_environment_texels = 1ull << 27; ///< 16384 x 8192
};

struct FlattenRequest {
    Settings settings;                             ///< camera, look_at, scene, variant, env*, animation and size are read here
    double seconds = 0;                            ///< scene time
    const EnvironmentImage* environment = nullptr; ///< settings.env's image where it names a file; not kept
    FlattenLimits limits{};
};

/// Code::usage where a setting names what the scene does not have (the known names are listed); Code::bad_input where the scene is at
/// fault.
Result<FlatScene> flatten(const Scene& scene, const FlattenRequest& request);

/// Whether `env` is a constant radiance "R,G,B" (three finite numbers >= 0) and not a file's name; the facade asks before it opens a file.
bool is_constant_environment(const std::string& env);

} // namespace raymill::scene
