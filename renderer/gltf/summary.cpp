#include "renderer/gltf/summary.hpp"

#include <algorithm>
#include <numbers>

namespace raymill::gltf {

Summary summarize(const scene::Scene& scene) {
    Summary out;
    out.file = scene.file;
    out.scenes = scene.scenes.size();
    out.nodes = scene.nodes.size();
    out.meshes = scene.meshes.size();
    out.materials = scene.materials.size();
    out.skins = scene.skins.size();
    std::vector<std::uint64_t> triangles;
    for (const auto& mesh : scene.meshes) {
        std::uint64_t sum = 0;
        for (const auto& primitive : mesh.primitives) sum += primitive.indices.size() / 3;
        triangles.push_back(sum);
        out.primitives += mesh.primitives.size();
        out.unique_triangles += sum;
        out.morph_targets += mesh.target_count;
    }
    bool occlusion = false;
    for (const auto& m : scene.materials) {
        out.emissive_materials += m.emission != glm::vec3(0) && !m.unlit ? 1 : 0;
        occlusion = occlusion || m.occlusion_texture.texture != scene::NONE;
    }
    for (const auto& image : scene.images) out.images.push_back({image.name, image.width, image.height, image.sixteen_bit ? 16u : 8u});

    std::vector<bool> drawn(scene.nodes.size(), scene.default_scene == scene::NONE);
    if (scene.default_scene != scene::NONE)
        for (const auto root : scene.scenes[scene.default_scene].nodes) drawn[root] = true;
    for (const auto n : scene.parents_first)
        if (scene.nodes[n].parent != scene::NONE && drawn[scene.nodes[n].parent]) drawn[n] = true;
    for (std::uint32_t n = 0; n < scene.nodes.size(); ++n) {
        const scene::Node& node = scene.nodes[n];
        if (!drawn[n]) continue;
        if (node.mesh != scene::NONE && triangles[node.mesh] > 0) ++out.instances, out.instanced_triangles += triangles[node.mesh];
        if (node.camera != scene::NONE) {
            const scene::Camera& camera = scene.cameras[node.camera];
            out.cameras.push_back({node.name.empty() ? camera.name : node.name, n, camera.orthographic ? "orthographic" : "perspective",
                                   static_cast<double>(camera.yfov) * 180 / std::numbers::pi});
        }
        if (node.light != scene::NONE) {
            const scene::Light& light = scene.lights[node.light];
            out.lights.push_back({node.name.empty() ? light.name : node.name,
                                  light.kind == shading::LIGHT_POINT  ? "point"
                                  : light.kind == shading::LIGHT_SPOT ? "spot"
                                                                      : "directional",
                                  n});
        }
    }
    for (const auto& a : scene.animations) out.animations.push_back({a.name, static_cast<double>(a.duration), a.channels.size()});
    out.variants = scene.variants;
    out.extensions_used = scene.extensions_used;
    out.extensions_required = scene.extensions_required;
    out.not_drawn = scene.notes;
    if (occlusion) out.remarks.emplace_back("occlusion textures are not applied: the path tracer computes occlusion itself");
    return out;
}

} // namespace raymill::gltf
