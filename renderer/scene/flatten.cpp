#include "renderer/scene/flatten.hpp"

#include "renderer/scene/flatten_parts.hpp"

#include <algorithm>

namespace raymill::scene {
namespace {

/// The nodes of the chosen glTF scene.
Status choose_nodes(Flattening& f) {
    const Scene& scene = f.scene;
    const auto& wanted = f.request.settings.scene;
    const std::uint32_t chosen = wanted.value_or(scene.default_scene);
    if (wanted && *wanted >= scene.scenes.size())
        return fail(Code::usage, "scene",
                    std::to_string(*wanted) + " is not in " + scene.file + ", which has " + std::to_string(scene.scenes.size()));
    f.visited.assign(scene.nodes.size(), chosen == NONE);
    if (chosen != NONE)
        for (const auto root : scene.scenes[chosen].nodes) f.visited[root] = true;
    for (const auto node : scene.parents_first)
        if (scene.nodes[node].parent != NONE && f.visited[scene.nodes[node].parent]) f.visited[node] = true;
    return {};
}

Status choose_variant(Flattening& f) {
    const std::string& name = f.request.settings.variant;
    if (name.empty()) return {};
    const auto& known = f.scene.variants;
    const auto at = std::find(known.begin(), known.end(), name);
    if (at == known.end()) return fail(Code::usage, "variant", "'" + name + "' is not in " + f.scene.file + "; " + known_names(known));
    f.variant = static_cast<std::uint32_t>(at - known.begin());
    return {};
}

/// 'all' animations at once where two of them move the same thing is rarely what was meant: say so.
void note_conflicts(Flattening& f, std::span<const std::uint32_t> animations) {
    std::vector<std::array<std::uint32_t, 4>> moved_by(f.scene.nodes.size(), {NONE, NONE, NONE, NONE});
    for (const auto a : animations)
        for (const auto& channel : f.scene.animations[a].channels) {
            auto& by = moved_by[channel.node][static_cast<std::size_t>(channel.path)];
            if (by != NONE && by != a) {
                const auto label = [&](std::uint32_t i) {
                    return f.scene.animations[i].name.empty() ? std::to_string(i) : "'" + f.scene.animations[i].name + "'";
                };
                f.flat.notes.push_back("animations " + label(by) + " and " + label(a) +
                                       " move the same nodes: the last one counts; choose one with --animation");
                return;
            }
            by = a;
        }
}

} // namespace

std::string known_names(std::span<const std::string> names) {
    if (names.empty()) return "it has none";
    std::string out = "there are: ";
    for (std::size_t i = 0; i < names.size() && i < 20; ++i)
        out += (i == 0 ? "" : ", ") + std::to_string(i) + (names[i].empty() ? "" : " '" + names[i] + "'");
    return names.size() > 20 ? out + ", ..." : out;
}

const Material& Flattening::material(std::uint32_t index) const {
    static const Material standard{};
    return index < scene.materials.size() ? scene.materials[index] : standard;
}

std::uint32_t Flattening::material_of(const Primitive& primitive) const {
    std::uint32_t material = primitive.material;
    if (variant != NONE && variant < primitive.variant_materials.size() && primitive.variant_materials[variant] != NONE)
        material = primitive.variant_materials[variant];
    return material == NONE ? static_cast<std::uint32_t>(scene.materials.size()) : material;
}

Result<FlatScene> flatten(const Scene& scene, const FlattenRequest& request) {
    Flattening f{.scene = scene, .request = request, .pose = {}, .visited = {}, .used = {}, .emitted = {}, .flat = {}};
    f.flat.notes = scene.notes;
    const auto animations = choose_animations(scene, request.settings.animation);
    if (!animations) return std::unexpected(animations.error());
    note_conflicts(f, *animations);
    f.pose = evaluate(scene, *animations, request.seconds);
    for (const auto step : {choose_nodes, choose_variant, flatten_geometry, flatten_materials, flatten_camera, flatten_lights})
        if (auto done = step(f); !done)
            return std::unexpected(done.error().code == Code::usage ? done.error() : done.error().within(scene.file));
    f.flat.head.instance_count = static_cast<std::uint32_t>(f.flat.instances.size());
    f.flat.head.flags |= absent_features(f.flat);
    return std::move(f.flat);
}

shading::SceneData referring(const FlatScene& flat) {
    shading::SceneData out = flat.head;
    out.positions.at = flat.positions.data();
    out.normals.at = flat.normals.data();
    out.tangents.at = flat.tangents.data();
    out.colors.at = flat.colors.data();
    out.uvs.at = flat.uvs.data();
    out.triangles.at = flat.triangles.data();
    out.meshes.at = flat.meshes.data();
    out.instances.at = flat.instances.data();
    out.materials.at = flat.materials.data();
    out.textures.at = flat.textures.data();
    out.texels.at = flat.texels.data();
    out.lights.at = flat.lights.data();
    out.light_nodes.at = flat.light_nodes.data();
    out.triangle_light.at = flat.triangle_light.data();
    out.environment.at = flat.environment.data();
    return out;
}

} // namespace raymill::scene
