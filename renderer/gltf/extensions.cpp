#include "renderer/gltf/parts.hpp"

#include <algorithm>
#include <map>

namespace raymill::gltf {
namespace {

/// Extensions whose fallback is the same scene (compression), or that say nothing about pixels.
constexpr std::string_view harmless[] = {
    "KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_meshopt_compression", "KHR_xmp_json_ld",
    "KHR_node_hoverability",      "KHR_node_selectability",  "KHR_interactivity",       "MSFT_lod"};

struct Use {
    std::uint64_t times = 0;
    std::string first;
};

/// All extensions of all objects; recursion is bounded by max_json_depth.
void count_uses(const Json& json, const std::string& path, std::map<std::string, Use>& uses) {
    if (json.is_array()) {
        for (std::size_t i = 0; i < json.size(); ++i)
            if (json[i].is_structured()) count_uses(json[i], place(path, i), uses);
    } else if (json.is_object()) {
        for (const auto& [key, value] : json.items()) {
            if (key == "extras" || !value.is_structured()) continue;
            if (key == "extensions" && value.is_object())
                for (const auto& [name, extension] : value.items()) {
                    Use& use = uses[name];
                    if (use.times++ == 0) use.first = path.empty() ? "the file" : path;
                }
            count_uses(value, path.empty() ? printable(key) : path + "." + printable(key), uses);
        }
    }
}

bool contains(const auto& list, std::string_view name) { return std::find(std::begin(list), std::end(list), name) != std::end(list); }

} // namespace

const std::vector<std::string>& supported_extensions() {
    static const std::vector<std::string> names = {
        "KHR_lights_punctual", "KHR_materials_emissive_strength", "KHR_materials_ior",     "KHR_materials_specular",
        "KHR_materials_unlit", "KHR_materials_variants",          "KHR_mesh_quantization", "KHR_texture_transform"};
    return names;
}

void read_extensions(Loading& loading) {
    const Object root = loading.document.root();
    scene::Scene& scene = loading.scene;
    for (const auto& name : root.texts("extensionsUsed")) scene.extensions_used.push_back(printable(name));
    for (const auto& name : root.texts("extensionsRequired")) scene.extensions_required.push_back(printable(name));
    for (std::size_t i = 0; i < scene.extensions_required.size(); ++i)
        if (!contains(supported_extensions(), scene.extensions_required[i]))
            unsupported(place("extensionsRequired", i), "needs " + scene.extensions_required[i] + ", which is not supported");
    std::map<std::string, Use> uses;
    count_uses(root.json(), "", uses);
    for (const auto& [name, use] : uses)
        if (!contains(supported_extensions(), name) && !contains(harmless, name))
            scene.notes.push_back("drawn without " + printable(name) + " (used " +
                                  (use.times == 1 ? "once" : std::to_string(use.times) + " times") + ", " +
                                  (use.times == 1 ? "at " : "first at ") + use.first + ")");
}

} // namespace raymill::gltf
