// What a scene is said to lack (SCENE_NO_*): kernels are compiled without it, so that a flag set wrongly draws a scene wrongly, and one
// left out costs time only. Could break by a feature that is looked for in the wrong place, or in one of its places only.
#include "tests/gltf/loading.hpp"

#include <doctest/doctest.h>

using namespace raymill;
using namespace raymill::tests;

namespace {

constexpr std::uint32_t all_absent = shading::SCENE_NO_TEXTURES | shading::SCENE_NO_NORMAL_MAPS | shading::SCENE_NO_COLORS |
                                     shading::SCENE_NO_VERTEX_NORMALS | shading::SCENE_NO_GLOSS | shading::SCENE_NO_UNLIT |
                                     shading::SCENE_NO_TRIANGLE_LIGHTS | shading::SCENE_NO_LAMPS | shading::SCENE_NO_DIRECTIONAL;

/// A bare triangle beside what `add` makes of a second one: the feature may be anywhere in the scene.
template<class Add> std::uint32_t present(Add add) {
    GltfWriter writer;
    const Geometry bare = triangle({0, 0, 0}, {1, 0, 0}, {0, 1, 0});
    writer.node({.mesh = writer.mesh({{bare, writer.material(lambert({0.5f, 0.5f, 0.5f}))}})});
    Geometry geometry = bare;
    Material material = lambert({0.5f, 0.5f, 0.5f});
    add(writer, geometry, material);
    writer.node({.mesh = writer.mesh({{geometry, writer.material(material)}})});
    return all_absent & ~flatten_good(load_good(writer)).head.flags;
}

template<class Change> std::uint32_t with_material(Change change) {
    return present([&](GltfWriter& writer, Geometry& geometry, Material& material) {
               geometry.uvs = {{{0, 0}, {1, 0}, {0, 1}}};
               geometry.normals.assign(3, {0, 0, 1});
               geometry.tangents.assign(3, {1, 0, 0, 1});
               change(material, writer.texture_rgba8(1, 1, {128, 128, 255, 255}));
           }) &
           ~shading::SCENE_NO_VERTEX_NORMALS;
}

} // namespace

TEST_CASE("a scene lacks nothing that is anywhere in it, and all that is nowhere") {
    using namespace shading;
    CHECK(present([](auto&, auto&, auto&) {}) == 0);
    CHECK(present([](auto&, Geometry& g, auto&) { g.normals.assign(3, {0, 0, 1}); }) == SCENE_NO_VERTEX_NORMALS);
    CHECK(present([](auto&, Geometry& g, auto&) { g.colors.assign(3, {1, 0, 0, 1}); }) == SCENE_NO_COLORS);
    CHECK(present([](auto&, auto&, Material& m) { m.emissive = {1, 1, 1}; }) == SCENE_NO_TRIANGLE_LIGHTS);
    const auto with_light = [](const char* kind) {
        return present([kind](GltfWriter& w, auto&, auto&) { w.node({.light = w.light({.type = kind})}); });
    };
    CHECK(with_light("point") == SCENE_NO_LAMPS);
    CHECK(with_light("spot") == SCENE_NO_LAMPS);
    CHECK(with_light("directional") == SCENE_NO_DIRECTIONAL);
    CHECK(present([](auto&, auto&, Material& m) { m.unlit = true; }) == SCENE_NO_UNLIT);
    CHECK(present([](auto&, auto&, Material& m) { m.specular = 0.1f; }) == SCENE_NO_GLOSS);
    CHECK(present([](auto&, auto&, Material& m) { m.metallic = 0.1f; }) == SCENE_NO_GLOSS);
    CHECK(with_material([](Material& m, Index t) { m.base_color_texture.texture = t; }) == SCENE_NO_TEXTURES);
    CHECK(with_material([](Material& m, Index t) { m.normal_texture.texture = t; }) == (SCENE_NO_TEXTURES | SCENE_NO_NORMAL_MAPS));
    CHECK(with_material([](Material& m, Index t) { m.metallic = 1, m.metallic_roughness_texture.texture = t; }) ==
          (SCENE_NO_TEXTURES | SCENE_NO_GLOSS));
    CHECK(with_material([](Material& m, Index t) { m.specular = 1, m.specular_texture.texture = t; }) ==
          (SCENE_NO_TEXTURES | SCENE_NO_GLOSS));
    CHECK(with_material([](Material& m, Index t) { m.specular = 1, m.specular_color_texture.texture = t; }) ==
          (SCENE_NO_TEXTURES | SCENE_NO_GLOSS));
    CHECK(with_material([](Material& m, Index t) {
              m.emissive = {1, 1, 1}, m.emissive_texture.texture = t;
          }) == (SCENE_NO_TEXTURES | SCENE_NO_TRIANGLE_LIGHTS));
}
