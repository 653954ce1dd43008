#include "tests/gltf/checks.hpp"

#include "renderer/scene/light_table.hpp"

#include <cmath>
#include <doctest/doctest.h>
#include <numbers>

namespace raymill {
namespace {

template<int N> bool finite(const glm::vec<N, float>& v) {
    for (int i = 0; i < N; ++i)
        if (!std::isfinite(v[i])) return false;
    return true;
}
template<class V> std::size_t count_bad(const std::vector<V>& values) {
    std::size_t bad = 0;
    for (const auto& v : values) bad += finite(v) ? 0 : 1;
    return bad;
}

} // namespace

/// The environment's table of patches: whole, finite, and with probabilities that add up to 1.
void check_environment(const scene::FlatScene& flat) {
    const std::size_t width = flat.head.environment_width, height = flat.head.environment_height;
    CHECK(flat.environment.size() == (width == 0 ? 0 : width * (height + 1)));
    if (width == 0) return;
    const auto edge = [](std::uint32_t end) { return end == 0xffffffffu ? 1.0 : end / 4294967296.0; };
    double of_patches = 0;
    for (std::size_t i = 0; i < flat.environment.size(); ++i) {
        CHECK(std::isfinite(flat.environment[i].density));
        const double row = edge(flat.environment[i].row_end) - (i < width ? 0.0 : edge(flat.environment[i - width].row_end));
        const double column = edge(flat.environment[i].column_end) - (i % width == 0 ? 0.0 : edge(flat.environment[i - 1].column_end));
        of_patches += row * column;
    }
    CHECK(of_patches == doctest::Approx(1).epsilon(1e-9));
}

void check_consistent(const scene::FlatScene& flat) {
    using shading::NONE;
    CHECK(count_bad(flat.positions) == 0);
    CHECK(count_bad(flat.normals) == 0);
    CHECK(count_bad(flat.tangents) == 0);
    CHECK(count_bad(flat.colors) == 0);
    CHECK(count_bad(flat.uvs) == 0);
    std::size_t bad = 0;
    for (const auto& n : flat.normals) bad += std::abs(glm::length(n) - 1) < 1e-4f ? 0 : 1;
    CHECK_MESSAGE(bad == 0, "normals that are not unit");
    bad = 0;
    for (const auto& t : flat.tangents) bad += std::abs(t.w) == 1 ? 0 : 1;
    CHECK_MESSAGE(bad == 0, "tangents without handedness");
    bad = 0;
    for (const auto& mesh : flat.meshes) {
        const auto inside = [](std::uint64_t first, std::uint64_t count, std::size_t size) {
            return first == NONE || first + count <= size;
        };
        CHECK(inside(mesh.first_triangle, mesh.triangle_count, flat.triangles.size()));
        CHECK(inside(mesh.first_vertex, mesh.vertex_count, flat.positions.size()));
        CHECK(inside(mesh.first_normal, mesh.vertex_count, flat.normals.size()));
        CHECK(inside(mesh.first_tangent, mesh.vertex_count, flat.tangents.size()));
        CHECK(inside(mesh.first_color, mesh.vertex_count, flat.colors.size()));
        for (const auto uv : {mesh.first_uv0, mesh.first_uv1, mesh.first_uv2, mesh.first_uv3})
            CHECK(inside(uv, mesh.vertex_count, flat.uvs.size()));
        for (std::uint32_t t = 0; t < mesh.triangle_count; ++t) {
            const auto& [v0, v1, v2, material] = flat.triangles[mesh.first_triangle + t];
            for (const auto v : {v0, v1, v2}) bad += v >= mesh.first_vertex && v - mesh.first_vertex < mesh.vertex_count ? 0 : 1;
            bad += material < flat.materials.size() ? 0 : 1;
        }
    }
    CHECK_MESSAGE(bad == 0, "triangles out of range");
    for (const auto& instance : flat.instances) {
        CHECK(instance.mesh < flat.meshes.size());
        for (int c = 0; c < 4; ++c) CHECK((finite(instance.object_to_world[c]) && finite(instance.world_to_object[c])));
        if ((instance.flags & shading::INSTANCE_EMITS) != 0)
            CHECK(std::uint64_t{instance.first_triangle_light} + flat.meshes[instance.mesh].triangle_count <= flat.triangle_light.size());
        else
            CHECK(instance.first_triangle_light == NONE);
    }
    for (const auto& m : flat.materials)
        for (const auto* use : {&m.base_color_texture, &m.metallic_roughness_texture, &m.normal_texture, &m.emission_texture,
                                &m.specular_texture, &m.specular_color_texture})
            CHECK((use->texture == NONE || (use->texture < flat.textures.size() && use->uv_set < shading::MAX_UV_SETS)));
    for (const auto& t : flat.textures) {
        const std::uint64_t words = std::uint64_t{t.width} * t.height * (t.format == shading::TEXEL_RGBA16_LINEAR ? 2 : 1);
        CHECK((words > 0 && t.first_texel + words <= flat.texels.size()));
    }
    double far_pmf = 0;
    std::size_t near_lights = 0;
    std::vector<scene::AliasCell> cells;
    for (const auto& light : flat.lights) {
        const bool is_far = light.kind == shading::LIGHT_DIRECTIONAL || light.kind == shading::LIGHT_ENVIRONMENT;
        CHECK((light.pmf > 0) == is_far);
        far_pmf += static_cast<double>(light.pmf);
        near_lights += is_far ? 0 : 1;
        cells.push_back({light.alias_threshold, light.alias});
    }
    const auto share = static_cast<double>(flat.head.distant_share);
    CHECK(far_pmf == doctest::Approx(share).epsilon(1e-6));
    const auto drawn = scene::probabilities(cells);
    if (share > 0)
        for (std::size_t i = 0; i < drawn.size(); ++i)
            CHECK(std::abs(drawn[i] * share - static_cast<double>(flat.lights[i].pmf)) <= 1e-6 * drawn[i]);
    CHECK(flat.light_nodes.size() == (near_lights == 0 ? 0 : 2 * near_lights - 1));
    CHECK(flat.head.light_count == flat.lights.size());
    CHECK(flat.head.instance_count == flat.instances.size());
    for (std::size_t i = 0; i < flat.triangle_light.size(); ++i)
        CHECK((flat.triangle_light[i] == NONE || flat.lights[flat.triangle_light[i]].kind == shading::LIGHT_TRIANGLE));
    check_environment(flat);
    for (int c = 0; c < 4; ++c) CHECK(finite(flat.head.camera.camera_to_world[c]));
    CHECK(flat.head.camera.half_height > 0);
    CHECK(flat.head.camera.half_width > 0);
    CHECK(flat.head.scene_radius > 0);
}

} // namespace raymill
