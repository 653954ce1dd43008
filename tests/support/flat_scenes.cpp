#include "tests/support/flat_scenes.hpp"

#include <array>
#include <cmath>
#include <glm/gtc/matrix_transform.hpp>
#include <map>
#include <random>

namespace raymill::tests {

using namespace shading;

FlatSceneBuilder::FlatSceneBuilder() {
    flat.head.environment_light = NONE;
    flat.head.camera = {};
}

std::uint32_t FlatSceneBuilder::material(glm::vec4 base_color) {
    SceneMaterial m{};
    m.base_color = base_color;
    m.roughness = 1;
    m.ior = 1.5f;
    m.specular_color = glm::vec3(1);
    m.normal_scale = 1;
    m.alpha_cutoff = 0.5f;
    m.alpha_mode = base_color.w < 1 ? ALPHA_BLEND : ALPHA_OPAQUE;
    for (TextureUse* use : {&m.base_color_texture, &m.metallic_roughness_texture, &m.normal_texture, &m.emission_texture,
                            &m.specular_texture, &m.specular_color_texture})
        *use = {NONE, 0, 1, 0, 0, 0, 1, 0};
    flat.materials.push_back(m);
    return static_cast<std::uint32_t>(flat.materials.size() - 1);
}

std::uint32_t FlatSceneBuilder::mesh(const std::vector<glm::vec3>& positions, const std::vector<std::uint32_t>& indices,
                                     std::uint32_t material) {
    SceneMesh m{};
    m.first_triangle = static_cast<std::uint32_t>(flat.triangles.size());
    m.triangle_count = static_cast<std::uint32_t>(indices.size() / 3);
    m.first_vertex = static_cast<std::uint32_t>(flat.positions.size());
    m.vertex_count = static_cast<std::uint32_t>(positions.size());
    m.first_normal = m.first_tangent = m.first_color = m.first_uv0 = m.first_uv1 = m.first_uv2 = m.first_uv3 = NONE;
    for (std::size_t i = 0; i + 2 < indices.size(); i += 3)
        flat.triangles.push_back({m.first_vertex + indices[i], m.first_vertex + indices[i + 1], m.first_vertex + indices[i + 2], material});
    flat.positions.insert(flat.positions.end(), positions.begin(), positions.end());
    flat.meshes.push_back(m);
    return static_cast<std::uint32_t>(flat.meshes.size() - 1);
}

std::uint32_t FlatSceneBuilder::ball(unsigned levels, std::uint32_t material) {
    const float g = 0.5f * (1 + std::sqrt(5.f));
    std::vector<glm::vec3> points{{-1, g, 0},  {1, g, 0},  {-1, -g, 0}, {1, -g, 0}, {0, -1, g},  {0, 1, g},
                                  {0, -1, -g}, {0, 1, -g}, {g, 0, -1},  {g, 0, 1},  {-g, 0, -1}, {-g, 0, 1}};
    for (glm::vec3& p : points) p = glm::normalize(p);
    std::vector<std::uint32_t> corners{0, 11, 5, 0, 5, 1, 0, 1, 7, 0, 7, 10, 0, 10, 11, 1, 5, 9, 5, 11, 4,  11, 10, 2,  10, 7, 6, 7, 1, 8,
                                       3, 9,  4, 3, 4, 2, 3, 2, 6, 3, 6, 8,  3, 8,  9,  4, 9, 5, 2, 4,  11, 6,  2,  10, 8,  6, 7, 9, 8, 1};
    for (unsigned level = 0; level < levels; ++level) {
        std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> middles;
        const auto middle = [&](std::uint32_t a, std::uint32_t b) {
            const auto [at, added] = middles.try_emplace({std::min(a, b), std::max(a, b)}, static_cast<std::uint32_t>(points.size()));
            if (added) points.push_back(glm::normalize(points[a] + points[b]));
            return at->second;
        };
        std::vector<std::uint32_t> finer;
        for (std::size_t i = 0; i < corners.size(); i += 3) {
            const std::uint32_t a = corners[i], b = corners[i + 1], c = corners[i + 2];
            const std::uint32_t ab = middle(a, b), bc = middle(b, c), ca = middle(c, a);
            finer.insert(finer.end(), {a, ab, ca, b, bc, ab, c, ca, bc, ab, bc, ca});
        }
        corners = std::move(finer);
    }
    return mesh(points, corners, material);
}

std::uint32_t FlatSceneBuilder::square(std::uint32_t material) {
    const std::uint32_t index = mesh({{-1, 0, -1}, {-1, 0, 1}, {1, 0, 1}, {1, 0, -1}}, {0, 1, 2, 0, 2, 3}, material);
    flat.meshes[index].first_uv0 = static_cast<std::uint32_t>(flat.uvs.size());
    flat.uvs.insert(flat.uvs.end(), {{0, 0}, {0, 1}, {1, 1}, {1, 0}});
    return index;
}

std::uint32_t FlatSceneBuilder::cube(std::uint32_t material) {
    std::vector<glm::vec3> points;
    for (unsigned i = 0; i < 8; ++i) points.emplace_back((i & 1) != 0 ? 1 : -1, (i & 2) != 0 ? 1 : -1, (i & 4) != 0 ? 1 : -1);
    return mesh(points, {0, 2, 1, 1, 2, 3, 4, 5, 6, 5, 7, 6, 0, 1, 4, 1, 5, 4, 2, 6, 3, 3, 6, 7, 0, 4, 2, 2, 4, 6, 1, 3, 5, 3, 7, 5},
                material);
}

void FlatSceneBuilder::instance(std::uint32_t mesh, const glm::mat4x3& object_to_world) {
    SceneInstance placed{};
    placed.object_to_world = object_to_world;
    const glm::mat4 full(glm::vec4(object_to_world[0], 0), glm::vec4(object_to_world[1], 0), glm::vec4(object_to_world[2], 0),
                         glm::vec4(object_to_world[3], 1));
    placed.world_to_object = glm::mat4x3(glm::inverse(glm::dmat4(full)));
    placed.mesh = mesh;
    if (glm::determinant(glm::mat3(full)) < 0) placed.flags |= INSTANCE_FLIPS_WINDING;
    const SceneMesh& m = flat.meshes[mesh];
    for (std::uint32_t i = 0; i < m.triangle_count; ++i)
        if (flat.materials[flat.triangles[m.first_triangle + i].material].alpha_mode != ALPHA_OPAQUE) placed.flags |= INSTANCE_HAS_ALPHA;
    placed.first_triangle_light = NONE;
    placed.name = static_cast<std::uint32_t>(flat.instances.size());
    flat.instances.push_back(placed);
}

std::uint32_t FlatSceneBuilder::plain_texture(glm::u8vec4 color) {
    flat.textures.push_back(
        {static_cast<std::uint32_t>(flat.texels.size()), 1, 1, TEXEL_RGBA8_SRGB, WRAP_REPEAT, WRAP_REPEAT, FILTER_LINEAR, NONE});
    flat.texels.push_back(color.x | std::uint32_t{color.y} << 8 | std::uint32_t{color.z} << 16 | std::uint32_t{color.w} << 24);
    return static_cast<std::uint32_t>(flat.textures.size() - 1);
}

scene::FlatScene FlatSceneBuilder::finish(glm::vec3 eye, glm::vec3 target, float fov_y_degrees, float aspect, glm::vec3 environment) {
    SceneData& head = flat.head;
    head.environment_constant = environment;
    head.flags = SCENE_HAS_ENVIRONMENT | SCENE_ENVIRONMENT_CONSTANT;
    for (const SceneInstance& placed : flat.instances)
        if ((placed.flags & INSTANCE_HAS_ALPHA) != 0) head.flags |= SCENE_HAS_ALPHA;
    SceneLight light{};
    light.kind = LIGHT_ENVIRONMENT;
    light.pmf = light.alias_threshold = 1;
    light.instance = light.triangle = NONE;
    flat.lights.push_back(light);
    head.light_count = 1;
    head.distant_share = 1;
    head.environment_light = 0;
    head.scene_radius = 1000;
    head.instance_count = static_cast<std::uint32_t>(flat.instances.size());
    const glm::vec3 back = glm::normalize(eye - target), right = glm::normalize(glm::cross(glm::vec3(0, 1, 0), back));
    head.camera.camera_to_world = glm::mat4x3(right, glm::cross(back, right), back, eye);
    head.camera.kind = CAMERA_PERSPECTIVE;
    head.camera.half_height = std::tan(glm::radians(fov_y_degrees) / 2);
    head.camera.half_width = head.camera.half_height * aspect;
    return flat;
}

glm::mat4x3 moved(glm::vec3 by) { return glm::mat4x3(glm::translate(glm::mat4(1), by)); }
glm::mat4x3 scaled(glm::vec3 by) { return glm::mat4x3(glm::scale(glm::mat4(1), by)); }
glm::mat4x3 turned(glm::vec3 axis, float degrees) { return glm::mat4x3(glm::rotate(glm::mat4(1), glm::radians(degrees), axis)); }
glm::mat4x3 combined(const glm::mat4x3& a, const glm::mat4x3& b) { return glm::mat4x3(glm::mat4(a) * glm::mat4(b)); }

scene::FlatScene random_instances(unsigned seed, unsigned count) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> unit(-1, 1);
    FlatSceneBuilder build;
    const std::array meshes{build.ball(3, build.material(glm::vec4(0.8f, 0.3f, 0.2f, 1))),
                            build.cube(build.material(glm::vec4(0.7f, 0.7f, 0.7f, 1))),
                            build.square(build.material(glm::vec4(0.2f, 0.4f, 0.8f, 1)))};
    for (unsigned i = 0; i < count; ++i) {
        const glm::vec3 axis = glm::normalize(glm::vec3(unit(random), unit(random), unit(random)) + glm::vec3(1e-3f));
        glm::vec3 size(0.2f + 0.6f * std::abs(unit(random)));
        if (i % 3 == 1) size *= glm::vec3(1, 0.01f, 3); // flat
        if (i % 4 == 2) size.x = -size.x;               // mirrored
        const glm::vec3 place = 6.f * glm::vec3(unit(random), unit(random), unit(random));
        build.instance(meshes[i % 3], combined(moved(place), combined(turned(axis, 180 * unit(random)), scaled(size))));
    }
    return build.finish(glm::vec3(0, 2, 14), glm::vec3(0), 50, 1, glm::vec3(1));
}

} // namespace raymill::tests
