// What a flattened scene lacks, so that kernels can be compiled without it.
#include "renderer/scene/flatten_parts.hpp"

#include <algorithm>

namespace raymill::scene {
namespace {

using shading::NONE;

bool has_textures(const shading::SceneMaterial& m) {
    const auto used = [](const shading::TextureUse& use) { return use.texture != NONE; };
    return used(m.base_color_texture) || used(m.metallic_roughness_texture) || used(m.normal_texture) || used(m.emission_texture) ||
           used(m.specular_texture) || used(m.specular_color_texture);
}

} // namespace

std::uint32_t absent_features(const FlatScene& flat) {
    std::uint32_t flags = 0;
    const auto absent = [&flags](std::uint32_t flag, const auto& range, auto has) {
        if (std::ranges::none_of(range, has)) flags |= flag;
    };
    absent(shading::SCENE_NO_TEXTURES, flat.materials, has_textures);
    absent(shading::SCENE_NO_NORMAL_MAPS, flat.materials, [](const shading::SceneMaterial& m) { return m.normal_texture.texture != NONE; });
    absent(shading::SCENE_NO_GLOSS, flat.materials, [](const shading::SceneMaterial& m) { return m.metallic > 0 || m.specular > 0; });
    absent(shading::SCENE_NO_UNLIT, flat.materials,
           [](const shading::SceneMaterial& m) { return (m.flags & shading::MATERIAL_UNLIT) != 0; });
    absent(shading::SCENE_NO_COLORS, flat.meshes, [](const shading::SceneMesh& m) { return m.first_color != NONE; });
    absent(shading::SCENE_NO_VERTEX_NORMALS, flat.meshes, [](const shading::SceneMesh& m) { return m.first_normal != NONE; });
    absent(shading::SCENE_NO_TRIANGLE_LIGHTS, flat.lights, [](const shading::SceneLight& l) { return l.kind == shading::LIGHT_TRIANGLE; });
    absent(shading::SCENE_NO_DIRECTIONAL, flat.lights, [](const shading::SceneLight& l) { return l.kind == shading::LIGHT_DIRECTIONAL; });
    absent(shading::SCENE_NO_LAMPS, flat.lights,
           [](const shading::SceneLight& l) { return l.kind == shading::LIGHT_POINT || l.kind == shading::LIGHT_SPOT; });
    return flags;
}

} // namespace raymill::scene
