#include "renderer/gltf/parts.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace raymill::gltf {
namespace {

scene::Camera camera(const Object& object) {
    scene::Camera out;
    out.name = object.text("name");
    const std::string type = object.text("type");
    if (type == "perspective") {
        const auto lens = object.object("perspective");
        if (!lens) bad(object.path("perspective"), "is missing");
        out.yfov = lens->number("yfov");
        if (!(out.yfov > 0 && out.yfov < std::numbers::pi_v<float>))
            bad(lens->path("yfov"), "is " + std::to_string(out.yfov) + "; it lies between 0 and pi");
        out.znear = lens->number("znear");
        out.zfar = lens->number("zfar", 0);
        if (!(out.znear > 0)) bad(lens->path("znear"), "is " + std::to_string(out.znear) + "; it is above 0");
        if (lens->has("zfar") && !(out.zfar > out.znear)) bad(lens->path("zfar"), "is not beyond znear");
        if (lens->has("aspectRatio") && !(lens->number("aspectRatio") > 0)) bad(lens->path("aspectRatio"), "is not above 0");
    } else if (type == "orthographic") {
        const auto lens = object.object("orthographic");
        if (!lens) bad(object.path("orthographic"), "is missing");
        out.orthographic = true;
        out.xmag = lens->number("xmag");
        out.ymag = lens->number("ymag");
        if (!(out.xmag > 0) || !(out.ymag > 0)) bad(lens->path(), "xmag and ymag are above 0");
        out.znear = lens->number("znear");
        out.zfar = lens->number("zfar");
        if (!(out.znear >= 0)) bad(lens->path("znear"), "is below 0");
        if (!(out.zfar > out.znear)) bad(lens->path("zfar"), "is not beyond znear");
    } else {
        bad(object.path("type"), "is '" + printable(type) + "'; perspective and orthographic are known");
    }
    return out;
}

scene::Light light(const Object& object) {
    scene::Light out;
    out.name = object.text("name");
    const auto color = object.numbers<3>("color").value_or(std::array{1.f, 1.f, 1.f});
    const float intensity = object.number("intensity", 1);
    out.intensity = glm::vec3(color[0], color[1], color[2]) * intensity;
    for (int i = 0; i < 3; ++i)
        if (!(out.intensity[i] >= 0) || !std::isfinite(out.intensity[i]))
            bad(object.path(), "colour and intensity are 0 or more, and finite");
    if (object.has("range")) {
        out.range = object.number("range");
        if (!(out.range > 0)) bad(object.path("range"), "is not above 0");
    }
    const std::string type = object.text("type");
    if (type == "point")
        out.kind = shading::LIGHT_POINT;
    else if (type == "directional")
        out.kind = shading::LIGHT_DIRECTIONAL;
    else if (type == "spot")
        out.kind = shading::LIGHT_SPOT;
    else
        bad(object.path("type"), "is '" + printable(type) + "'; point, spot and directional are known");
    if (out.kind == shading::LIGHT_SPOT) {
        out.outer_cone = std::numbers::pi_v<float> / 4;
        if (const auto cone = object.object("spot")) {
            out.inner_cone = cone->number("innerConeAngle", 0);
            out.outer_cone = cone->number("outerConeAngle", out.outer_cone);
            // A little slack: exporters write pi / 2 with few digits, and equal angles for a hard edge.
            if (!(out.inner_cone >= 0) || !(out.outer_cone >= out.inner_cone) || !(out.outer_cone > 0) || !(out.outer_cone < 1.571f))
                bad(cone->path(), "0 <= innerConeAngle < outerConeAngle <= pi / 2 does not hold");
        }
    }
    return out;
}

scene::Node node(Loading& loading, const Object& object, std::uint64_t node_count, std::uint64_t skin_count) {
    const scene::Scene& scene = loading.scene;
    scene::Node out;
    out.name = object.text("name");
    if (const auto m = object.numbers<16>("matrix")) {
        glm::mat4 matrix;
        for (int i = 0; i < 16; ++i) matrix[i / 4][i % 4] = (*m)[static_cast<std::size_t>(i)];
        for (int column = 0; column < 4; ++column) {
            const float expected = column == 3 ? 1.f : 0.f;
            if (!(std::abs(matrix[column].w - expected) < 1e-5f)) bad(object.path("matrix"), "its last row is not 0, 0, 0, 1");
            matrix[column].w = expected;
        }
        out.matrix = matrix;
    }
    if (const auto t = object.numbers<3>("translation")) out.transform.translation = {(*t)[0], (*t)[1], (*t)[2]};
    if (const auto s = object.numbers<3>("scale")) out.transform.scale = {(*s)[0], (*s)[1], (*s)[2]};
    if (const auto r = object.numbers<4>("rotation")) {
        const glm::dquat q(static_cast<double>((*r)[3]), static_cast<double>((*r)[0]), static_cast<double>((*r)[1]),
                           static_cast<double>((*r)[2]));
        const double length = glm::length(q);
        if (!(length > 1e-6)) bad(object.path("rotation"), "is no rotation: its length is 0");
        out.transform.rotation = glm::quat(q / length);
    }
    if (out.matrix && (object.has("translation") || object.has("rotation") || object.has("scale")))
        bad(object.path(), "has both a matrix and translation, rotation or scale");
    out.children = object.indices("children", node_count, "nodes");
    out.mesh = object.optional_index("mesh", scene.meshes.size(), "meshes");
    out.camera = object.optional_index("camera", scene.cameras.size(), "cameras");
    out.skin = object.optional_index("skin", skin_count, "skins");
    if (const auto punctual = object.extension("KHR_lights_punctual")) out.light = punctual->index("light", scene.lights.size(), "lights");
    out.weights = object.list("weights");
    if (!out.weights.empty()) {
        const std::uint64_t targets = out.mesh == scene::NONE ? 0 : scene.meshes[out.mesh].target_count;
        if (out.weights.size() != targets)
            bad(object.path("weights"),
                "has " + std::to_string(out.weights.size()) + " weights for " + std::to_string(targets) + " morph targets");
    }
    return out;
}

/// Parents, and an order in which each node follows its parent. Faults for several parents and for cycles.
void order_nodes(scene::Scene& scene) {
    for (std::uint32_t n = 0; n < scene.nodes.size(); ++n)
        for (std::size_t c = 0; c < scene.nodes[n].children.size(); ++c) {
            scene::Node& child = scene.nodes[scene.nodes[n].children[c]];
            const std::string where = place(place("nodes", n) + ".children", c);
            if (child.parent != scene::NONE)
                bad(where, place("nodes", scene.nodes[n].children[c]) + " is a child of " + place("nodes", child.parent) +
                               " already; a node has one parent");
            child.parent = n;
        }
    auto& order = scene.parents_first;
    order.reserve(scene.nodes.size());
    for (std::uint32_t n = 0; n < scene.nodes.size(); ++n)
        if (scene.nodes[n].parent == scene::NONE) order.push_back(n);
    for (std::size_t i = 0; i < order.size(); ++i)
        order.insert(order.end(), scene.nodes[order[i]].children.begin(), scene.nodes[order[i]].children.end());
    if (order.size() == scene.nodes.size()) return;
    // With one parent each, what no root leads to goes round in a circle.
    std::vector<bool> reached(scene.nodes.size(), false);
    for (const auto n : order) reached[n] = true;
    const auto lost = static_cast<std::uint64_t>(std::find(reached.begin(), reached.end(), false) - reached.begin());
    bad(place("nodes", lost), "is its own ancestor, or below a node that is");
}

void read_scenes(Loading& loading) {
    const Object root = loading.document.root();
    scene::Scene& scene = loading.scene;
    const std::size_t count = root.size("scenes");
    for (std::size_t i = 0; i < count; ++i) {
        const Object object = root.at("scenes", i);
        scene::SceneRoots roots{object.text("name"), object.indices("nodes", scene.nodes.size(), "nodes")};
        std::vector<std::uint32_t> sorted = roots.nodes;
        std::sort(sorted.begin(), sorted.end());
        if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end())
            bad(object.path("nodes"), "names " + place("nodes", *twice) + " twice");
        for (const auto n : roots.nodes)
            if (scene.nodes[n].parent != scene::NONE)
                bad(object.path("nodes"),
                    place("nodes", n) + " is a child of " + place("nodes", scene.nodes[n].parent) + "; a scene names roots only");
        scene.scenes.push_back(std::move(roots));
    }
    scene.default_scene = root.optional_index("scene", count, "scenes");
    if (scene.default_scene == scene::NONE && count > 0) scene.default_scene = 0;
}

void read_skins(Loading& loading) {
    const Object root = loading.document.root();
    scene::Scene& scene = loading.scene;
    for (std::size_t i = 0; i < root.size("skins"); ++i) {
        const Object object = root.at("skins", i);
        scene::Skin skin{object.text("name"), object.indices("joints", scene.nodes.size(), "nodes"), {}};
        if (skin.joints.empty()) bad(object.path("joints"), "is missing or empty");
        if (skin.joints.size() > 65536)
            bad(object.path("joints"), "has " + std::to_string(skin.joints.size()) + " joints; at most 65536 are read");
        const std::uint32_t matrices = object.optional_index("inverseBindMatrices", loading.accessors.size(), "accessors");
        if (matrices == scene::NONE) {
            skin.inverse_bind_matrices.assign(skin.joints.size(), glm::mat4(1));
        } else {
            skin.inverse_bind_matrices = loading.accessors.mat4s(matrices);
            if (skin.inverse_bind_matrices.size() < skin.joints.size())
                bad(object.path("inverseBindMatrices"), place("accessors", matrices) + " has " +
                                                            std::to_string(skin.inverse_bind_matrices.size()) + " matrices for " +
                                                            std::to_string(skin.joints.size()) + " joints");
            skin.inverse_bind_matrices.resize(skin.joints.size());
        }
        scene.skins.push_back(std::move(skin));
    }
}

/// Each mesh that a skin moves has joints, and they are the skin's.
void check_skins(const scene::Scene& scene) {
    // The largest joint of each mesh, found once however many nodes place it.
    constexpr std::int64_t unknown = -1;
    std::vector<std::int64_t> largest(scene.meshes.size(), unknown);
    for (std::uint32_t n = 0; n < scene.nodes.size(); ++n) {
        const scene::Node& node = scene.nodes[n];
        if (node.skin == scene::NONE) continue;
        if (node.mesh == scene::NONE) bad(place("nodes", n), "has a skin but no mesh");
        std::int64_t& joints = largest[node.mesh];
        if (joints == unknown) {
            joints = 0;
            const auto& primitives = scene.meshes[node.mesh].primitives;
            for (std::size_t p = 0; p < primitives.size(); ++p) {
                if (primitives[p].joints0.empty())
                    bad(place("meshes", node.mesh),
                        "is moved by the skin of " + place("nodes", n) + ", but one of its primitives has no JOINTS_0 and WEIGHTS_0");
                for (const auto* set : {&primitives[p].joints0, &primitives[p].joints1})
                    for (const auto& j : *set)
                        for (int k = 0; k < 4; ++k) joints = std::max<std::int64_t>(joints, j[k]);
            }
        }
        const std::size_t count = scene.skins[node.skin].joints.size();
        if (joints >= static_cast<std::int64_t>(count))
            bad(place("meshes", node.mesh), "has a vertex with joint " + std::to_string(joints) + ", but " + place("skins", node.skin) +
                                                " of " + place("nodes", n) + " has " + std::to_string(count) + " joints");
    }
}

} // namespace

void read_nodes(Loading& loading) {
    const Object root = loading.document.root();
    scene::Scene& scene = loading.scene;
    for (std::size_t i = 0; i < root.size("cameras"); ++i) scene.cameras.push_back(camera(root.at("cameras", i)));
    if (const auto punctual = root.extension("KHR_lights_punctual"))
        for (std::size_t i = 0; i < punctual->size("lights"); ++i) scene.lights.push_back(light(punctual->at("lights", i)));
    const std::size_t count = root.size("nodes");
    if (count > loading.limits().max_nodes)
        bad("nodes", std::to_string(count) + " are there; at most " + std::to_string(loading.limits().max_nodes) + " are read");
    const std::size_t skins = root.size("skins");
    scene.nodes.reserve(count);
    for (std::size_t i = 0; i < count; ++i) scene.nodes.push_back(node(loading, root.at("nodes", i), count, skins));
    order_nodes(scene);
    read_scenes(loading);
    read_skins(loading);
    check_skins(scene);
}

} // namespace raymill::gltf
