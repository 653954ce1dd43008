#include "tests/gltf/checks.hpp"
#include "tests/gltf/loading.hpp"

#include <cmath>
#include <doctest/doctest.h>
#include <numbers>

using namespace raymill;
using namespace raymill::tests;

namespace {

const float half_root = std::sqrt(0.5f);

/// Where a world point falls in the picture: (-1, -1) bottom left to (1, 1) top right.
glm::vec2 seen(const shading::SceneCamera& camera, const glm::vec3& world) {
    const glm::mat3 axes(camera.camera_to_world[0], camera.camera_to_world[1], camera.camera_to_world[2]);
    const glm::vec3 p = glm::transpose(axes) * (world - camera.camera_to_world[3]);
    const float depth = camera.kind == shading::CAMERA_ORTHOGRAPHIC ? 1.f : -p.z;
    return {p.x / depth / camera.half_width, p.y / depth / camera.half_height};
}

GltfWriter& with_quad(GltfWriter& writer) {
    writer.node({.mesh = writer.mesh({{quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0})}})});
    return writer;
}

Settings with(const std::string& name, const std::string& value) {
    Settings settings;
    const auto done = set(settings, name, value);
    REQUIRE_MESSAGE(done.has_value(), done.error().message());
    return settings;
}

/// World-space corners of all triangles as seen from outside, front face counter-clockwise.
std::vector<glm::vec3> world_corners(const scene::FlatScene& flat) {
    std::vector<glm::vec3> out;
    for (const auto& instance : flat.instances) {
        const auto& mesh = flat.meshes[instance.mesh];
        for (std::uint32_t t = 0; t < mesh.triangle_count; ++t) {
            auto [v0, v1, v2, material] = flat.triangles[mesh.first_triangle + t];
            if ((instance.flags & shading::INSTANCE_FLIPS_WINDING) != 0) std::swap(v1, v2);
            for (const auto v : {v0, v1, v2}) out.push_back(instance.object_to_world * glm::vec4(flat.positions[v], 1));
        }
    }
    return out;
}

} // namespace

TEST_CASE("yfov is the vertical field at any output shape: x = X / (-Z aspect tan(yfov / 2)), y = Y / (-Z tan(yfov / 2))") {
    // The file's aspectRatio must not count; a horizontal reading of yfov puts the point elsewhere unless the frame is square.
    GltfWriter writer;
    with_quad(writer);
    writer.node({.camera = writer.camera({.yfov = 1.1f, .znear = 0.25f, .zfar = 60.f, .aspect = 3.f})});
    const auto scene = load_good(writer);
    for (const char* size : {"640x360", "100x100", "50x400"}) {
        const Settings settings = with("size", size);
        const auto& camera = flatten_good(scene, settings).head.camera;
        const float t = std::tan(0.55f), aspect = static_cast<float>(settings.width) / static_cast<float>(settings.height);
        const glm::vec2 p = seen(camera, {0.3f, 0.7f, -2});
        CHECK(p.x == doctest::Approx(0.3f / (2 * aspect * t)));
        CHECK(p.y == doctest::Approx(0.7f / (2 * t)));
        CHECK(camera.near_plane == 0.25f);
        CHECK(camera.far_plane == 60.f);
    }
}

TEST_CASE("orthographic cameras show xmag to each side and ymag up and down, whatever the frame's shape") {
    GltfWriter writer;
    with_quad(writer);
    writer.node({.translation = glm::vec3(1, 2, 5), .camera = writer.camera({.orthographic = glm::vec2(2, 0.5f)})});
    const auto& camera = flatten_good(load_good(writer), with("size", "300x100")).head.camera;
    CHECK(camera.kind == shading::CAMERA_ORTHOGRAPHIC);
    CHECK(seen(camera, {3, 2.5f, 0}) == glm::vec2(1, 1));
    CHECK(seen(camera, {-1, 1.5f, -9}) == glm::vec2(-1, -1));
}

TEST_CASE("a camera's axes are unit and right-handed whatever scale, mirror or parent it hangs on") {
    GltfWriter writer;
    with_quad(writer);
    const Index arm = writer.node({.translation = glm::vec3(0, 3, 0), .scale = glm::vec3(2, 2, 2)});
    writer.node({.parent = arm,
                 .translation = glm::vec3(1, 0, 0),
                 .scale = glm::vec3(-3, 5, 0.5f),
                 .rotation = glm::vec4(0, half_root, 0, half_root),
                 .camera = writer.camera({})});
    const auto& camera = flatten_good(load_good(writer)).head.camera;
    const glm::mat3 axes(camera.camera_to_world[0], camera.camera_to_world[1], camera.camera_to_world[2]);
    CHECK(glm::determinant(axes) == doctest::Approx(1));
    for (int i = 0; i < 3; ++i) CHECK(glm::length(axes[i]) == doctest::Approx(1));
    CHECK(glm::length(axes[2] - glm::vec3(1, 0, 0)) < 1e-6f);
    CHECK(glm::length(camera.camera_to_world[3] - glm::vec3(2, 3, 0)) < 1e-6f);
}

TEST_CASE("cameras are found by node name, camera name or index; the first is taken without a choice; unknown ones list the known") {
    GltfWriter writer;
    with_quad(writer);
    writer.node({.name = "left", .translation = glm::vec3(1, 0, 0), .camera = writer.camera({.name = "lens a"})});
    writer.node({.name = "right", .translation = glm::vec3(2, 0, 0), .camera = writer.camera({.name = "lens b"})});
    writer.node({.translation = glm::vec3(3, 0, 0), .camera = writer.camera({.name = "1"})});
    const auto scene = load_good(writer);
    const auto x = [&](const std::string& choice) { return flatten_good(scene, with("camera", choice)).head.camera.camera_to_world[3].x; };
    CHECK(flatten_good(scene).head.camera.camera_to_world[3].x == 1);
    CHECK(x("right") == 2);
    CHECK(x("lens b") == 2);
    CHECK(x("0") == 1);
    CHECK(x("1") == 3); // a name before an index
    const auto unknown = scene::flatten(scene, {.settings = with("camera", "top")});
    REQUIRE(!unknown);
    CHECK(unknown.error().code == Code::usage);
    CHECK(unknown.error().message() == "camera: 'top' is not in test.glb; there are: 0 'left', 1 'right', 2 '1'");
}

TEST_CASE("look-at overrides cameras: the target is in the middle, up is up, nothing is cut near or far") {
    GltfWriter writer;
    with_quad(writer);
    writer.node({.camera = writer.camera({})});
    const auto scene = load_good(writer);
    const auto& camera = flatten_good(scene, with("look-at", "1,2,3,-1,0.5,0,50")).head.camera;
    CHECK(glm::length(seen(camera, {-1, 0.5f, 0})) < 1e-6f);
    CHECK(seen(camera, {-1, 0.6f, 0}).y > 0);
    CHECK(std::abs(seen(camera, {-1, 0.6f, 0}).x) < 1e-6f);
    CHECK(camera.near_plane == 0);
    CHECK(camera.far_plane == 0);
    CHECK(camera.half_height == doctest::Approx(std::tan(25.0 / 180 * std::numbers::pi)));
    // Straight down must not be NaN.
    check_consistent(flatten_good(scene, with("look-at", "0,5,0,0,0,0,50")));
    Settings nowhere;
    nowhere.look_at = LookAt{{1, 1, 1}, {1, 1, 1}, 50};
    CHECK(!scene::flatten(scene, {.settings = nowhere}));
}

TEST_CASE("without a camera every corner of the box is in the picture and some corner is near its edge, for wide, tall and flat things") {
    for (const glm::vec3& size :
         {glm::vec3(1, 1, 1), glm::vec3(100, 1, 1), glm::vec3(0.01f, 5, 0.02f), glm::vec3(3, 0, 3), glm::vec3(2, 2, 0)})
        for (const char* shape : {"1280x720", "100x900"}) {
            GltfWriter writer;
            Geometry g = box({0, 0, 0}, size);
            g.normals.clear(); // a flat box's are NaN
            writer.node({.translation = glm::vec3(7, -3, 2), .mesh = writer.mesh({{g}})});
            const auto flat = flatten_good(load_good(writer), with("size", shape));
            float largest = 0;
            for (int corner = 0; corner < 8; ++corner) {
                const glm::vec3 p =
                    glm::vec3(7, -3, 2) + size * 0.5f * glm::vec3((corner & 1) ? 1 : -1, (corner & 2) ? 1 : -1, (corner & 4) ? 1 : -1);
                const glm::vec2 at = seen(flat.head.camera, p);
                largest = std::max({largest, std::abs(at.x), std::abs(at.y)});
            }
            CHECK(largest < 0.95f);
            CHECK(largest > 0.8f);
        }
}

TEST_CASE("a node of negative determinant is the mirrored mesh: same triangles, same side") {
    GltfWriter mirrored, plain;
    const Geometry g = triangle({0.5f, 0, 0}, {2, 0, 0.25f}, {1, 1, 0});
    Geometry turned = g;
    for (auto& p : turned.positions) p.x = -p.x;
    std::swap(turned.indices[1], turned.indices[2]);
    mirrored.node({.scale = glm::vec3(-1, 1, 1), .mesh = mirrored.mesh({{g}})});
    plain.node({.mesh = plain.mesh({{turned}})});
    const auto a = flatten_good(load_good(mirrored)), b = flatten_good(load_good(plain));
    CHECK(a.instances[0].flags == shading::INSTANCE_FLIPS_WINDING);
    CHECK(b.instances[0].flags == 0);
    CHECK(world_corners(a) == world_corners(b));
}

TEST_CASE("a node flattened by a scale of 0 is drawn flat, one shrunk to a point is left out") {
    GltfWriter writer;
    const Index cube = writer.mesh({{box({0, 0, 0}, {2, 2, 2})}});
    writer.node({.translation = glm::vec3(0, 5, 0), .scale = glm::vec3(1, 0, 1), .mesh = cube});
    writer.node({.scale = glm::vec3(0, 0, 0), .mesh = cube});
    const auto flat = flatten_good(load_good(writer));
    check_consistent(flat);
    REQUIRE(flat.instances.size() == 1);
    for (const auto& p : world_corners(flat)) CHECK(p.y == 5);
    // Top and bottom keep their normals.
    std::size_t up = 0, down = 0;
    for (const auto& n : flat.normals) up += n.y > 0.999f ? 1 : 0, down += n.y < -0.999f ? 1 : 0;
    CHECK(up >= 4);
    CHECK(down >= 4);
}

TEST_CASE("a mesh is stored once however many nodes place it, and hierarchies multiply in order") {
    GltfWriter writer;
    const Index cube = writer.mesh({{box({0, 0, 0}, {2, 2, 2})}});
    const Index parent =
        writer.node({.translation = glm::vec3(10, 0, 0), .scale = glm::vec3(2, 2, 2), .rotation = glm::vec4(0, 0, half_root, half_root)});
    for (int i = 0; i < 5; ++i) writer.node({.parent = parent, .translation = glm::vec3(i, 0, 0), .mesh = cube});
    const auto flat = flatten_good(load_good(writer));
    CHECK(flat.meshes.size() == 1);
    REQUIRE(flat.instances.size() == 5);
    for (int i = 0; i < 5; ++i) {
        // translate x rotate (x to y) x scale, then the child: (i, 0, 0) -> (10, 2 i, 0).
        const auto& instance = flat.instances[static_cast<std::size_t>(i)];
        CHECK(glm::length(instance.object_to_world[3] - glm::vec3(10, 2.f * static_cast<float>(i), 0)) < 1e-5f);
        const glm::vec3 there = instance.object_to_world * glm::vec4(0.3f, 0.4f, 0.5f, 1);
        CHECK(glm::length(instance.world_to_object * glm::vec4(there, 1) - glm::vec3(0.3f, 0.4f, 0.5f)) < 1e-5f);
        CHECK(instance.name == static_cast<std::uint32_t>(i) + 1);
    }
}

TEST_CASE("only the chosen scene is drawn; a scene that is not there is a wrong use") {
    GltfWriter writer;
    with_quad(writer);
    with_quad(writer);
    auto json = nlohmann::json::parse(writer.json());
    json["scenes"] = {{{"nodes", {0}}}, {{"nodes", {0, 1}}}, nlohmann::json::object()};
    json["scene"] = 0;
    const auto scene = load_bytes(make_glb(json.dump(), writer.buffer()));
    REQUIRE(scene);
    CHECK(flatten_good(*scene).instances.size() == 1);
    CHECK(flatten_good(*scene, with("scene", "1")).instances.size() == 2);
    CHECK(flatten_good(*scene, with("scene", "2")).instances.empty());
    const auto none = scene::flatten(*scene, {.settings = with("scene", "3")});
    REQUIRE(!none);
    CHECK(none.error().code == Code::usage);
    CHECK(none.error().message() == "scene: 3 is not in test.glb, which has 3");
}

TEST_CASE("texture transforms are translation x rotation x scale, with v downwards and their own texture coordinates") {
    // uv (1, 0), scaled by (2, 3), turned by 90 degrees, moved: scale first gives (2, 0), the turn (0, -2), the move (0.25, -1.5).
    GltfWriter writer;
    const Index texture = writer.texture_rgba8(1, 1, {255, 255, 255, 255});
    Material m = lambert({1, 1, 1});
    const TextureTransform turn{.offset = {0.25f, 0.5f}, .scale = {2, 3}, .rotation = std::numbers::pi_v<float> / 2, .uv_set = 1};
    m.base_color_texture = {texture, 0, turn};
    Geometry g = quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0});
    g.uvs.push_back(std::vector<glm::vec2>(4, {0.125f, 0.25f}));
    writer.node({.mesh = writer.mesh({{g, writer.material(m)}})});
    const auto flat = flatten_good(load_good(writer));
    const auto& use = flat.materials[0].base_color_texture;
    const auto apply = [&](float u, float v) {
        return glm::vec2(use.m00 * u + use.m01 * v + use.m02, use.m10 * u + use.m11 * v + use.m12);
    };
    CHECK(glm::length(apply(1, 0) - glm::vec2(0.25f, -1.5f)) < 1e-6f);
    CHECK(glm::length(apply(0, 1) - glm::vec2(3.25f, 0.5f)) < 1e-6f);
    CHECK(use.uv_set == 1);
    CHECK(flat.meshes[0].first_uv0 == shading::NONE);
    REQUIRE(flat.meshes[0].first_uv1 == 0);
    CHECK(flat.uvs[0] == glm::vec2(0.125f, 0.25f));
}

TEST_CASE("materials reach the flat scene with their extensions and defaults") {
    GltfWriter writer;
    Material m;
    m.base_color = {0.1f, 0.2f, 0.3f, 0.4f};
    m.metallic = 0.25f, m.roughness = 0.75f;
    m.emissive = {0.5f, 0, 1};
    m.emissive_strength = 4.f, m.ior = 1.33f, m.specular = 0.5f;
    m.specular_color = glm::vec3(0.9f, 0.8f, 2);
    m.alpha_mode = "BLEND", m.double_sided = true;
    Material unlit;
    unlit.unlit = true, unlit.emissive = {1, 1, 1};
    Geometry g = quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0});
    writer.node({.mesh = writer.mesh({{g, writer.material(m)}, {g, writer.material(unlit)}, {g}})});
    const auto flat = flatten_good(load_good(writer));
    REQUIRE(flat.materials.size() == 3);
    const auto& a = flat.materials[0];
    CHECK(a.base_color == glm::vec4(0.1f, 0.2f, 0.3f, 0.4f));
    CHECK(a.metallic == 0.25f);
    CHECK(a.roughness == 0.75f);
    CHECK(a.emission == glm::vec3(2, 0, 4));
    CHECK(a.ior == 1.33f);
    CHECK(a.specular == 0.5f);
    CHECK(a.specular_color == glm::vec3(0.9f, 0.8f, 2));
    CHECK(a.alpha_mode == shading::ALPHA_BLEND);
    CHECK(a.flags == shading::MATERIAL_DOUBLE_SIDED);
    CHECK(a.base_color_texture.texture == shading::NONE);
    CHECK(flat.materials[1].flags == shading::MATERIAL_UNLIT);
    CHECK(flat.materials[1].emission == glm::vec3(0)); // unlit surfaces show their base colour alone
    const auto& standard = flat.materials[2];
    CHECK((standard.base_color == glm::vec4(1) && standard.metallic == 1 && standard.roughness == 1 && standard.ior == 1.5f &&
           standard.specular == 1));
    CHECK(flat.instances[0].flags == (shading::INSTANCE_HAS_ALPHA | shading::INSTANCE_EMITS));
}

TEST_CASE("BLEND where every alpha is 1 is opaque; an alpha below 1 in factor, texture or vertex colour is not") {
    const auto alpha_mode = [](float factor, std::uint8_t texel, float color) {
        GltfWriter writer;
        Material m;
        m.alpha_mode = "BLEND", m.base_color.w = factor;
        m.base_color_texture.texture = writer.texture_rgba8(2, 1, {255, 255, 255, 255, 255, 255, 255, texel});
        Geometry g = quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0});
        g.colors.assign(4, {1, 1, 1, color});
        writer.node({.mesh = writer.mesh({{g, writer.material(m)}})});
        const auto flat = flatten_good(load_good(writer));
        CHECK(((flat.head.flags & shading::SCENE_HAS_ALPHA) != 0) == (flat.materials[0].alpha_mode != shading::ALPHA_OPAQUE));
        return flat.materials[0].alpha_mode;
    };
    CHECK(alpha_mode(1, 255, 1) == shading::ALPHA_OPAQUE);
    CHECK(alpha_mode(0.99f, 255, 1) == shading::ALPHA_BLEND);
    CHECK(alpha_mode(1, 254, 1) == shading::ALPHA_BLEND);
    CHECK(alpha_mode(1, 255, 0.5f) == shading::ALPHA_BLEND);
}

TEST_CASE("variants swap materials by name, leave others alone, and unknown ones list the known") {
    GltfWriter writer;
    const Index red = writer.material(lambert({1, 0, 0})), green = writer.material(lambert({0, 1, 0}));
    writer.variants({"summer", "winter"});
    Geometry g = quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0});
    writer.node({.mesh = writer.mesh({{g, red, {{1, green}}}, {g, red}})});
    const auto scene = load_good(writer);
    const auto materials = [&](const std::string& variant) {
        Settings settings;
        settings.variant = variant;
        const auto flat = flatten_good(scene, settings);
        return std::pair(flat.triangles[0].material, flat.triangles[2].material);
    };
    CHECK(materials("") == std::pair(0u, 0u));
    CHECK(materials("summer") == std::pair(0u, 0u));
    CHECK(materials("winter") == std::pair(1u, 0u));
    Settings settings;
    settings.variant = "spring";
    const auto unknown = scene::flatten(scene, {.settings = settings});
    REQUIRE(!unknown);
    CHECK(unknown.error().message() == "variant: 'spring' is not in test.glb; there are: 0 'summer', 1 'winter'");
}

TEST_CASE("a primitive without normals stays flat beside one that has them") {
    GltfWriter writer;
    Geometry smooth = icosphere({0, 0, 0}, 1, 1), bare = box({3, 0, 0}, {1, 1, 1});
    bare.normals.clear(), bare.uvs.clear();
    writer.node({.mesh = writer.mesh({{smooth}, {bare}})});
    const auto flat = flatten_good(load_good(writer));
    check_consistent(flat);
    REQUIRE(flat.meshes[0].first_normal != shading::NONE);
    for (const auto& [v0, v1, v2, material] : flat.triangles) {
        if (flat.positions[v0].x < 2) continue;
        const glm::vec3 face = glm::normalize(glm::cross(flat.positions[v1] - flat.positions[v0], flat.positions[v2] - flat.positions[v0]));
        for (const auto v : {v0, v1, v2}) CHECK(glm::dot(face, flat.normals[v]) > 0.9999f);
    }
    GltfWriter alone;
    alone.node({.mesh = alone.mesh({{bare}})});
    CHECK(flatten_good(load_good(alone)).meshes[0].first_normal == shading::NONE);
}

TEST_CASE("one image used as colour and as numbers becomes two textures over the same texels") {
    GltfWriter writer;
    const Index texture =
        writer.texture_rgba8(2, 2, std::vector<std::uint8_t>(16, 200), {.mag_filter = 9728, .wrap_s = 33071, .wrap_t = 33648});
    Material m;
    m.base_color_texture.texture = m.metallic_roughness_texture.texture = texture;
    writer.node({.mesh = writer.mesh({{quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0}), writer.material(m)}})});
    const auto flat = flatten_good(load_good(writer));
    REQUIRE(flat.textures.size() == 2);
    CHECK(flat.texels.size() == 4);
    CHECK(flat.textures[flat.materials[0].base_color_texture.texture].format == shading::TEXEL_RGBA8_SRGB);
    CHECK(flat.textures[flat.materials[0].metallic_roughness_texture.texture].format == shading::TEXEL_RGBA8_LINEAR);
    for (const auto& t : flat.textures)
        CHECK((t.wrap_s == shading::WRAP_CLAMP && t.wrap_t == shading::WRAP_MIRROR && t.filtering == shading::FILTER_NEAREST));
}

TEST_CASE("the bounds of a frame hold: at each it flattens, one past it the bound is named") {
    GltfWriter writer;
    Material glow = emitter({1, 1, 1});
    glow.base_color_texture.texture = writer.texture_rgba8(2, 2, std::vector<std::uint8_t>(16, 255));
    writer.node({.mesh = writer.mesh({{quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0}), writer.material(glow)}})});
    writer.node({.light = writer.light({})});
    const auto scene = load_good(writer);
    const scene::EnvironmentImage sky{2, 1, std::vector<glm::vec3>(2, glm::vec3(1))};
    const auto try_limit = [&](std::uint64_t scene::FlattenLimits::*member, std::uint64_t bound, const std::string& words) {
        scene::FlattenRequest request{.settings = {}, .environment = &sky};
        request.limits.*member = bound;
        const auto good = scene::flatten(scene, request);
        CHECK_MESSAGE(good.has_value(), words);
        request.limits.*member = bound - 1;
        const auto past = scene::flatten(scene, request);
        REQUIRE(!past);
        check_one_line(past.error());
        CAPTURE(past.error().message());
        CHECK(past.error().message().find(words) != std::string::npos);
    };
    try_limit(&scene::FlattenLimits::max_elements, 4, "more than 3 vertices");
    try_limit(&scene::FlattenLimits::max_lights, 4, "more than 3 lights"); // two triangles, one point light, the sky
    try_limit(&scene::FlattenLimits::max_texel_words, 4, "more than 3 words");
    try_limit(&scene::FlattenLimits::max_environment_texels, 2, "between 1 and 1 texels");
}

TEST_CASE("a material that nothing uses keeps its place and is otherwise left alone, even where its texture has no image") {
    GltfWriter writer;
    Material unused;
    unused.alpha_mode = "BLEND";
    unused.base_color_texture.texture = writer.texture_rgba8(1, 1, {1, 2, 3, 4});
    writer.material(unused);
    writer.node({.mesh = writer.mesh({{triangle({0, 0, 0}, {1, 0, 0}, {0, 1, 0}), writer.material(lambert({1, 0, 0}))}})});
    auto json = nlohmann::json::parse(writer.json());
    json["textures"][0].erase("source");
    const auto scene = load_bytes(make_glb(json.dump(), writer.buffer()));
    REQUIRE(scene);
    const auto flat = flatten_good(*scene);
    check_consistent(flat);
    REQUIRE(flat.materials.size() == 2);
    CHECK(flat.triangles[0].material == 1);
    CHECK(flat.textures.empty());
    CHECK(flat.materials[0].base_color_texture.texture == shading::NONE);
}
