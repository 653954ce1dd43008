#include "renderer/scene/flatten_parts.hpp"
#include "renderer/scene/light_table.hpp"
#include "renderer/scene/light_tree.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numbers>
#include <optional>

namespace raymill::scene {
namespace {

constexpr double pi = std::numbers::pi;

bool any_positive(const glm::vec3& c) { return c.x > 0 || c.y > 0 || c.z > 0; }

std::optional<glm::vec3> constant_radiance(const std::string& text) {
    std::array<float, 3> values{};
    const char* at = text.data();
    const char* const end = at + text.size();
    for (std::size_t i = 0; i < 3; ++i) {
        if (i > 0 && (at == end || *at++ != ',')) return {};
        while (at != end && *at == ' ') ++at;
        const auto [next, error] = std::from_chars(at, end, values[i]);
        if (error != std::errc() || !std::isfinite(values[i]) || values[i] < 0) return {};
        at = next;
    }
    if (at != end) return {};
    return glm::vec3(values[0], values[1], values[2]);
}

/// The table under construction: far lights with what they send through a square metre (W), near ones with their bounds.
struct Lights {
    FlatScene& flat;
    std::vector<double> powers;
    std::vector<LightBounds> near_lights;
    void add_far(const shading::SceneLight& light, double power) {
        flat.lights.push_back(light);
        powers.push_back(power);
    }
    void add_near(const shading::SceneLight& light, LightBounds bounds) {
        bounds.light = static_cast<std::uint32_t>(flat.lights.size());
        flat.lights.push_back(light);
        powers.push_back(0);
        near_lights.push_back(bounds);
    }
};

void add_punctual(const Flattening& f, Lights& lights) {
    for (std::uint32_t n = 0; n < f.scene.nodes.size(); ++n) {
        if (!f.visited[n] || f.scene.nodes[n].light == NONE) continue;
        const Light& source = f.scene.lights[f.scene.nodes[n].light];
        if (!any_positive(source.intensity)) continue;
        const glm::dmat4& world = f.pose.world[n];
        shading::SceneLight light{};
        light.kind = source.kind;
        light.intensity = source.intensity;
        light.position = glm::vec3(glm::dvec3(world[3]));
        light.range = source.range;
        const glm::dvec3 direction = -glm::dvec3(world[2]);
        light.direction = glm::length(direction) > 0 ? glm::vec3(glm::normalize(direction)) : glm::vec3(0, 0, -1);
        const double intensity = luminance(source.intensity);
        LightBounds bounds;
        bounds.lower = bounds.upper = glm::dvec3(light.position);
        bounds.intensity = intensity;
        switch (source.kind) {
        case shading::LIGHT_SPOT: {
            // KHR_lights_punctual, "Inner and Outer Cone Angles": the scale and offset of its reference code.
            const double inner = std::cos(static_cast<double>(source.inner_cone)), outer = std::cos(static_cast<double>(source.outer_cone));
            const double scale = 1 / std::max(0.001, inner - outer);
            light.cone_scale = static_cast<float>(scale);
            light.cone_offset = static_cast<float>(-outer * scale);
            bounds.axis = glm::dvec3(light.direction);
            bounds.emission = static_cast<double>(source.outer_cone);
            lights.add_near(light, bounds);
            break;
        }
        case shading::LIGHT_DIRECTIONAL:
            light.position = glm::vec3(0), light.range = 0;
            lights.add_far(light, intensity);
            break;
        default:
            light.direction = glm::vec3(0);
            bounds.spread = pi;
            bounds.emission = pi / 2;
            lights.add_near(light, bounds);
            break;
        }
    }
}

/// One entry a triangle with area whose material emits.
Status add_triangles(Flattening& f, Lights& lights) {
    FlatScene& flat = f.flat;
    std::vector<bool> mesh_emits(flat.meshes.size(), false);
    for (std::size_t m = 0; m < flat.meshes.size(); ++m) {
        const auto& mesh = flat.meshes[m];
        for (std::uint32_t t = 0; t < mesh.triangle_count && !mesh_emits[m]; ++t)
            mesh_emits[m] = any_positive(f.emitted[flat.triangles[mesh.first_triangle + t].material]);
    }
    for (std::uint32_t i = 0; i < flat.instances.size(); ++i) {
        auto& instance = flat.instances[i];
        if (!mesh_emits[instance.mesh]) continue;
        const auto& mesh = flat.meshes[instance.mesh];
        if (flat.triangle_light.size() + mesh.triangle_count > f.request.limits.max_lights)
            return fail(Code::bad_input, "",
                        "more than " + std::to_string(f.request.limits.max_lights) + " triangles in instances that emit");
        instance.flags |= shading::INSTANCE_EMITS;
        instance.first_triangle_light = static_cast<std::uint32_t>(flat.triangle_light.size());
        for (std::uint32_t t = 0; t < mesh.triangle_count; ++t) {
            const std::uint32_t triangle = mesh.first_triangle + t;
            const auto& [v0, v1, v2, material] = flat.triangles[triangle];
            flat.triangle_light.push_back(NONE);
            const glm::vec3& emitted = f.emitted[material];
            if (!any_positive(emitted)) continue;
            const auto world = [&](std::uint32_t v) { return glm::dvec3(instance.object_to_world * glm::vec4(flat.positions[v], 1)); };
            const glm::dvec3 a = world(v0), b = world(v1), c = world(v2);
            const glm::dvec3 normal = glm::cross(b - a, c - a);
            const double area = 0.5 * glm::length(normal);
            if (!(area > 0)) continue;
            shading::SceneLight light{};
            light.kind = shading::LIGHT_TRIANGLE;
            light.instance = i;
            light.triangle = triangle;
            flat.triangle_light.back() = static_cast<std::uint32_t>(flat.lights.size());
            LightBounds bounds;
            bounds.lower = glm::min(a, glm::min(b, c));
            bounds.upper = glm::max(a, glm::max(b, c));
            bounds.axis = normal / (2 * area);
            bounds.emission = pi / 2;
            bounds.both_sides = true; // shaders/shared/surface.h, "Sides"
            bounds.intensity = luminance(emitted) * area;
            lights.add_near(light, bounds);
        }
    }
    return {};
}

/// Radiance in, one light out.
Status add_environment(Flattening& f, Lights& lights, const EnvironmentImage& image) {
    shading::SceneData& head = f.flat.head;
    const float strength = f.request.settings.env_strength;
    const std::uint64_t count = std::uint64_t{image.width} * image.height;
    if (count == 0 || count > f.request.limits.max_environment_texels || image.texels.size() != count)
        return fail(Code::bad_input, "env",
                    "an environment has between 1 and " + std::to_string(f.request.limits.max_environment_texels) + " texels");
    std::vector<glm::vec3> radiance(image.texels.size());
    double flux = 0; // integral of luminance over the sphere
    for (std::uint32_t y = 0; y < image.height; ++y)
        for (std::uint32_t x = 0; x < image.width; ++x) {
            const std::size_t i = static_cast<std::size_t>(y) * image.width + x;
            const glm::vec3 value = image.texels[i] * strength;
            if (!std::isfinite(value.x) || !std::isfinite(value.y) || !std::isfinite(value.z))
                return fail(Code::bad_input, "env", "texel (" + std::to_string(x) + ", " + std::to_string(y) + ") is not finite");
            radiance[i] = glm::max(value, glm::vec3(0)); // resampled images ring below 0
            flux += luminance(radiance[i]) * texel_solid_angle(image.width, image.height, y);
        }
    head.flags |= shading::SCENE_HAS_ENVIRONMENT;
    head.environment_width = image.width;
    head.environment_height = image.height;
    f.flat.environment = build_environment(image.width, image.height, radiance);
    if (!(flux > 0)) return {};
    head.environment_light = static_cast<std::uint32_t>(f.flat.lights.size());
    shading::SceneLight light{};
    light.kind = shading::LIGHT_ENVIRONMENT;
    lights.add_far(light, flux);
    return {};
}

void add_constant(Flattening& f, Lights& lights, const glm::vec3& radiance) {
    shading::SceneData& head = f.flat.head;
    head.flags |= shading::SCENE_HAS_ENVIRONMENT | shading::SCENE_ENVIRONMENT_CONSTANT;
    head.environment_constant = radiance;
    if (!any_positive(radiance)) return;
    head.environment_light = static_cast<std::uint32_t>(f.flat.lights.size());
    shading::SceneLight light{};
    light.kind = shading::LIGHT_ENVIRONMENT;
    lights.add_far(light, 4 * pi * luminance(radiance));
}

} // namespace

bool is_constant_environment(const std::string& env) { return constant_radiance(env).has_value(); }

EnvironmentImage studio_environment() {
    constexpr int width = 128, height = 64;
    EnvironmentImage image{width, height, {}};
    image.texels.reserve(std::size_t{width} * height);
    // Soft lights: where (unit vector), how wide (radians, from the middle to half of the edge), how bright. A white wall that faces the
    // key has a radiance near 1 with the gradient's share. Neutral to the eye: warm key against cool fill.
    struct SoftLight {
        glm::dvec3 direction;
        double width;
        glm::dvec3 radiance;
    };
    const SoftLight soft_lights[] = {{glm::normalize(glm::dvec3(0.7, 0.9, 0.8)), 0.42, glm::dvec3(4.4, 4.25, 4.05)},
                                     {glm::normalize(glm::dvec3(-1.0, 0.35, 0.5)), 0.5, glm::dvec3(0.95, 1.0, 1.08)},
                                     {glm::normalize(glm::dvec3(-0.3, 0.8, -1.0)), 0.35, glm::dvec3(2.4, 2.4, 2.45)}};
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
            const double theta = pi * (y + 0.5) / height, phi = 2 * pi * ((x + 0.5) / width - 0.5);
            const glm::dvec3 d(std::sin(theta) * std::cos(phi), std::cos(theta), std::sin(theta) * std::sin(phi));
            const double up = 0.5 + 0.5 * d.y;
            glm::dvec3 radiance = glm::dvec3(0.10 + 0.32 * up * up);
            for (const auto& light : soft_lights) {
                const double angle = std::acos(std::clamp(glm::dot(d, light.direction), -1.0, 1.0));
                const double edge = std::clamp((light.width + 0.12 - angle) / 0.24, 0.0, 1.0);
                radiance += light.radiance * (edge * edge * (3 - 2 * edge));
            }
            image.texels.emplace_back(radiance);
        }
    return image;
}

Status flatten_lights(Flattening& f) {
    const Settings& settings = f.request.settings;
    shading::SceneData& head = f.flat.head;
    Lights lights{f.flat, {}, {}};
    head.environment_light = NONE;
    add_punctual(f, lights);
    if (auto done = add_triangles(f, lights); !done) return done;
    if (const auto constant = constant_radiance(settings.env)) {
        add_constant(f, lights, *constant * settings.env_strength);
    } else if (f.request.environment) {
        if (auto done = add_environment(f, lights, *f.request.environment); !done) return done;
    } else if (!settings.env.empty()) {
        return fail(Code::usage, "env", "'" + settings.env + "' is neither three numbers R,G,B nor an environment that was read");
    } else if (f.flat.lights.empty()) {
        if (auto done = add_environment(f, lights, studio_environment()); !done) return done;
        f.flat.notes.emplace_back("there is no light in the scene: lit by a neutral studio environment; give one with --env");
    }
    if (settings.env_hidden) head.flags |= shading::SCENE_ENVIRONMENT_HIDDEN;
    const double turn = static_cast<double>(settings.env_rotation) / 360;
    head.environment_rotation = static_cast<float>(turn - std::floor(turn));
    if (f.flat.lights.size() > f.request.limits.max_lights)
        return fail(Code::bad_input, "", "more than " + std::to_string(f.request.limits.max_lights) + " lights");
    // Each far light gets as many draws as all near ones together, as long as near ones keep a quarter.
    const auto far_count = static_cast<double>(f.flat.lights.size() - lights.near_lights.size());
    const double share = lights.near_lights.empty() ? 1 : std::min(far_count / (far_count + 1), 0.75);
    head.distant_share = far_count > 0 ? static_cast<float>(share) : 0.0f;
    fill_light_table(f.flat.lights, lights.powers, head.environment_light, static_cast<double>(head.distant_share));
    build_light_tree(f.flat, std::move(lights.near_lights));
    head.light_count = static_cast<std::uint32_t>(f.flat.lights.size());
    return {};
}

} // namespace raymill::scene
