// raymill inspect: what is in a scene, what it needs, what would not be drawn as meant.
#include "farm/cli/commands.hpp"
#include "farm/cli/json_line.hpp"
#include "farm/cli/server.hpp"
#include "farm/cli/shot.hpp"
#include "renderer/gltf/load.hpp"
#include "renderer/gltf/summary.hpp"

#include <cstdio>

namespace raymill::cli {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const gltf::Summary& s, const std::vector<std::string>& files) {
    Json cameras = Json::array(), lights = Json::array(), animations = Json::array(), images = Json::array();
    for (const auto& c : s.cameras)
        cameras.push_back({{"name", c.name}, {"node", c.node}, {"kind", c.kind}, {"yfov_degrees", c.yfov_degrees}});
    for (const auto& l : s.lights) lights.push_back({{"name", l.name}, {"node", l.node}, {"kind", l.kind}});
    for (const auto& a : s.animations) animations.push_back({{"name", a.name}, {"seconds", a.seconds}, {"channels", a.channels}});
    for (const auto& i : s.images) images.push_back({{"name", i.name}, {"width", i.width}, {"height", i.height}, {"bits", i.bits}});
    return {{"file", s.file},
            {"files", files},
            {"scenes", s.scenes},
            {"nodes", s.nodes},
            {"meshes", s.meshes},
            {"primitives", s.primitives},
            {"materials", s.materials},
            {"emissive_materials", s.emissive_materials},
            {"skins", s.skins},
            {"morph_targets", s.morph_targets},
            {"unique_triangles", s.unique_triangles},
            {"instanced_triangles", s.instanced_triangles},
            {"instances", s.instances},
            {"images", images},
            {"cameras", cameras},
            {"lights", lights},
            {"animations", animations},
            {"variants", s.variants},
            {"extensions_used", s.extensions_used},
            {"extensions_required", s.extensions_required},
            {"not_drawn", s.not_drawn},
            {"remarks", s.remarks}};
}

std::string named(const std::string& name) { return name.empty() ? "(no name)" : name; }

void print(const gltf::Summary& s, const std::vector<std::string>& files) {
    const auto line = [](const char* what, const std::string& value) {
        char head[32];
        std::snprintf(head, sizeof head, "%-11s ", what);
        print_line(head + value);
    };
    const auto count = [](std::uint64_t n, const char* one, const char* more) { return std::to_string(n) + " " + (n == 1 ? one : more); };
    line("file", s.file + " and " + count(files.size() - 1, "file more", "files more"));
    line("triangles", std::to_string(s.unique_triangles) + " of its own, " + std::to_string(s.instanced_triangles) + " as drawn by " +
                          count(s.instances, "instance", "instances"));
    line("content", count(s.scenes, "scene", "scenes") + ", " + count(s.nodes, "node", "nodes") + ", " + count(s.meshes, "mesh", "meshes") +
                        ", " + count(s.materials, "material", "materials") + " (" + std::to_string(s.emissive_materials) +
                        " emit light), " + count(s.skins, "skin", "skins") + ", " +
                        count(s.morph_targets, "morph target", "morph targets"));
    for (std::size_t i = 0; i < s.cameras.size(); ++i) {
        char angle[32];
        std::snprintf(angle, sizeof angle, ", %.1f degrees", s.cameras[i].yfov_degrees);
        line("camera", std::to_string(i) + ": " + named(s.cameras[i].name) + ", " + s.cameras[i].kind +
                           (s.cameras[i].kind == "perspective" ? angle : ""));
    }
    if (s.cameras.empty()) line("camera", "none: the scene is framed as a whole");
    for (const auto& l : s.lights) line("light", named(l.name) + ", " + l.kind);
    for (std::size_t i = 0; i < s.animations.size(); ++i) {
        char length[32];
        std::snprintf(length, sizeof length, ", %.2f s", s.animations[i].seconds);
        line("animation", std::to_string(i) + ": " + named(s.animations[i].name) + length);
    }
    for (const auto& i : s.images)
        line("image", named(i.name) + (i.width ? ", " + std::to_string(i.width) + "x" + std::to_string(i.height) + ", " +
                                                     std::to_string(i.bits) + " bits"
                                               : ", not read by any material in use"));
    for (const auto& v : s.variants) line("variant", v);
    for (const auto& e : s.extensions_used) line("extension", e);
    for (const auto& n : s.not_drawn) line("not drawn", n);
    for (const auto& r : s.remarks) line("remark", r);
    if (s.not_drawn.empty()) line("not drawn", "nothing: all of it is drawn as the file means it");
}

} // namespace

int run_inspect(Arguments& arguments) {
    std::string scene;
    arguments.positional("SCENE", scene, "a glTF file (.gltf, .glb)");
    add_manner(arguments);
    if (const auto over = arguments.parse()) return *over;
    const auto files = gltf::files_of(scene);
    if (!files) return report(scene_fault(files.error(), scene));
    const auto loaded = gltf::load(scene);
    if (!loaded) return report(scene_fault(loaded.error(), scene));
    const auto summary = gltf::summarize(*loaded);
    if (manner().json)
        print_json(json_of(summary, *files));
    else
        print(summary, *files);
    return 0;
}

} // namespace raymill::cli
