#include "tests/support/closed_form.hpp"

#include "renderer/accel/bvh.hpp"
#include "renderer/base/check.hpp"
#include "renderer/gltf/load.hpp"
#include "tests/support/statistics.hpp"

#include <array>
#include <cmath>
#include <doctest/doctest.h>
#include <glm/gtc/matrix_transform.hpp>

namespace raymill::tests {
namespace {

constexpr std::uint32_t seeds = 32;

Settings settings_of(const ClosedForm& scene) {
    Settings settings;
    settings.width = settings.height = scene.size;
    settings.env = scene.env.empty() ? "0,0,0" : scene.env;
    settings.env_rotation = scene.env_rotation;
    settings.env_hidden = scene.env_hidden;
    return settings;
}

shading::FrameParams params_of(const ClosedForm& scene, std::uint32_t strategy, std::uint32_t seed) {
    shading::FrameParams params{};
    params.width = params.height = scene.size;
    params.max_bounces = scene.max_bounces;
    params.pixel_filter = shading::FILTER_BOX;
    params.seed = seed;
    params.strategy = strategy;
    params.spp = scene.spp;
    return params;
}

void load(Device& device, const ClosedForm& scene) {
    GltfWriter writer;
    scene.write(writer);
    const scene::FlatScene flat = flat_scene(writer, settings_of(scene), scene.environment ? &*scene.environment : nullptr);
    const Status loaded = device.load(flat, accel::build(flat, 1));
    INFO(scene.name << ": " << (loaded ? "" : loaded.error().message()));
    REQUIRE(loaded);
}

std::vector<glm::vec4> render(Device& device, const ClosedForm& scene, std::uint32_t strategy, std::uint32_t seed) {
    std::vector<glm::vec4> pixels(std::size_t{scene.size} * scene.size);
    const auto stats = device.render(params_of(scene, strategy, seed), {0, 0, scene.size, scene.size}, pixels);
    INFO(scene.name << ": " << (stats ? "" : stats.error().message()));
    REQUIRE(stats);
    CHECK(stats->bad_samples == 0);
    return pixels;
}

} // namespace

scene::FlatScene flat_scene(const GltfWriter& writer, const Settings& settings, const scene::EnvironmentImage* environment) {
    const TemporaryFolder folder;
    const auto file = folder / "scene.glb";
    writer.write(file);
    const auto loaded = gltf::load(file);
    if (!loaded) FAIL(loaded.error().message());
    scene::FlattenRequest request;
    request.settings = settings;
    if (environment != nullptr) request.settings.env = "environment.exr"; // already read: the image counts
    request.environment = environment;
    auto flat = scene::flatten(*loaded, request);
    if (!flat) FAIL(flat.error().message());
    return std::move(*flat);
}

void look_at_patch(GltfWriter& writer, glm::vec3 eye, glm::vec3 target, float half, glm::vec3 up) {
    const glm::vec3 forward = glm::normalize(target - eye);
    if (std::abs(glm::dot(forward, up)) > 0.999f) up = {0, 0, -1};
    writer.node({.matrix = glm::inverse(glm::lookAt(eye, target, up)),
                 .camera = writer.camera({.znear = 0.001f, .orthographic = glm::vec2(half)})});
}

void check_closed_form(Device& device, const ClosedForm& scene) {
    load(device, scene);
    const std::vector<std::uint32_t> all = {shading::STRATEGY_MIS, shading::STRATEGY_BSDF_ONLY, shading::STRATEGY_LIGHTS_ONLY};
    std::vector<std::array<Mean, 3>> outcomes;
    for (const std::uint32_t strategy : scene.strategies.empty() ? all : scene.strategies) {
        std::array<std::vector<double>, 4> means;
        for (std::uint32_t seed = 0; seed < seeds; ++seed) {
            glm::dvec4 sum(0);
            for (const glm::vec4& pixel : render(device, scene, strategy, seed)) sum += glm::dvec4(pixel);
            for (int channel = 0; channel < 4; ++channel)
                means[static_cast<std::size_t>(channel)].push_back(sum[channel] / (scene.size * scene.size));
        }
        INFO(scene.name << ", strategy " << strategy);
        std::array<Mean, 3> outcome;
        for (std::size_t channel = 0; channel < 3; ++channel) {
            const double exact = scene.exact[static_cast<int>(channel)];
            const Mean mean = outcome[channel] = mean_of(means[channel]);
            INFO("channel " << channel << ": " << mean.value << " +- " << mean.standard_error << ", exact " << exact);
            CHECK(mean.standard_error <= 0.003 * exact);
            CHECK(std::abs(mean.value - exact) <= 4.5 * mean.standard_error + (1e-5 + scene.model_error) * exact);
            for (const auto& other : outcomes)
                CHECK(std::abs(mean.value - other[channel].value) <=
                      4.5 * std::hypot(mean.standard_error, other[channel].standard_error) + 1e-5 * exact);
        }
        outcomes.push_back(outcome);
        const Mean alpha = mean_of(means[3]);
        CHECK(std::abs(alpha.value - scene.exact_alpha) <= 4.5 * alpha.standard_error + 1e-6);
    }
}

namespace {

/// Each pixel's mean over the seeds against `exact(x, y)`.
void check_each_pixel(Device& device, const ClosedForm& scene, const std::function<double(std::uint32_t, std::uint32_t)>& exact) {
    load(device, scene);
    std::vector<std::vector<double>> values(std::size_t{scene.size} * scene.size);
    for (std::uint32_t seed = 0; seed < seeds; ++seed) {
        const auto pixels = render(device, scene, shading::STRATEGY_MIS, seed);
        for (std::size_t i = 0; i < pixels.size(); ++i) values[i].push_back(static_cast<double>(pixels[i].x));
    }
    for (std::uint32_t y = 0; y < scene.size; ++y)
        for (std::uint32_t x = 0; x < scene.size; ++x) {
            const Mean mean = mean_of(values[std::size_t{y} * scene.size + x]);
            INFO(scene.name << ", pixel (" << x << ", " << y << "): " << mean.value << " +- " << mean.standard_error << ", exact "
                            << exact(x, y));
            CHECK(std::abs(mean.value - exact(x, y)) <= 4.5 * mean.standard_error + 1e-4);
        }
}

/// Part of [x, x + 1) x [y, y + 1) that lies in the rectangle.
double coverage(std::uint32_t x, std::uint32_t y, double left, double top, double right, double bottom) {
    const auto overlap = [](double at, double low, double high) { return std::max(0.0, std::min(at + 1, high) - std::max(at, low)); };
    return overlap(x, left, right) * overlap(y, top, bottom);
}

} // namespace

void check_pixels(Device& device) {
    // An emitter of radiance 1 with corners at known places; each pixel shows the part of it that is covered. Breaks with a flipped or
    // swapped axis, half a pixel's shift (7 % of a row here), a wrong field of view, or samples that spill into neighbours.
    constexpr std::uint32_t size = 8;
    // In pixels: x_ndc = x / (-z tan(yfov / 2)) for a square picture.
    const double left = 1.3, top = 2.6, right = 5.8, bottom = 4.25;
    const auto rectangle = [&](double half_width, double z) {
        const auto to_world = [&](double px, double py) {
            return glm::vec3(glm::dvec3((2 * px / size - 1) * half_width, (1 - 2 * py / size) * half_width, z));
        };
        const glm::vec3 a = to_world(left, bottom), b = to_world(right, top);
        return quad((a + b) * 0.5f, {(b.x - a.x) / 2, 0, 0}, {0, (b.y - a.y) / 2, 0});
    };
    const auto exact = [&](std::uint32_t x, std::uint32_t y) { return coverage(x, y, left, top, right, bottom); };

    ClosedForm perspective{.name = "perspective", .write = {}, .size = size};
    perspective.write = [&](GltfWriter& writer) {
        writer.node({.mesh = writer.mesh({{rectangle(std::tan(0.4) * 3, -3), writer.material(emitter({1, 1, 1}))}})});
        writer.node({.camera = writer.camera({.yfov = 0.8f})});
    };
    check_each_pixel(device, perspective, exact);

    ClosedForm orthographic{.name = "orthographic", .write = {}, .size = size};
    orthographic.write = [&](GltfWriter& writer) {
        writer.node({.mesh = writer.mesh({{rectangle(2.5, -7), writer.material(emitter({1, 1, 1}))}})});
        writer.node({.camera = writer.camera({.orthographic = glm::vec2(2.5f)})});
    };
    check_each_pixel(device, orthographic, exact);

    // Seen in a mirror: the camera at x = 3 looks along -x (its right is -z) at a mirror through the origin with the normal (1, 0, 1). The
    // rectangle of the picture, 5 m ahead, is the image of one in the plane z = 2: (x, y, z) reflects to (-z, y, -x). White smooth metal
    // reflects everything.
    ClosedForm mirrored{.name = "mirror", .write = {}, .size = size};
    mirrored.write = [&](GltfWriter& writer) {
        Material mirror;
        mirror.metallic = 1, mirror.roughness = 0;
        writer.node({.mesh = writer.mesh({{quad({0, 0, 0}, {10, 0, -10}, {0, 10, 0}), writer.material(mirror)}})});
        Geometry target = rectangle(std::tan(0.4) * 5, -5);
        for (glm::vec3& p : target.positions) p = {p.x, p.y, 2};
        writer.node({.mesh = writer.mesh({{target, writer.material(emitter({1, 1, 1}))}})});
        const glm::mat4 view = glm::lookAt(glm::vec3(3, 0, 0), glm::vec3(0), glm::vec3(0, 1, 0));
        writer.node({.matrix = glm::inverse(view), .camera = writer.camera({.yfov = 0.8f})});
    };
    check_each_pixel(device, mirrored, exact);
}

void check_scaling(Device& device) {
    // Many bounces, so that roulette that looked at radiance would end other paths; area, punctual and environment lights at once.
    const auto scene_of = [](float scale) {
        ClosedForm scene{.name = "scaling", .write = {}, .max_bounces = 12, .spp = 16, .size = 12};
        scene.env = scale == 1 ? "0.25,0.5,0.125" : "0.5,1,0.25";
        scene.write = [scale](GltfWriter& writer) {
            Material glossy;
            glossy.base_color = {0.7f, 0.6f, 0.9f, 1};
            glossy.metallic = 0.25f, glossy.roughness = 0.4f;
            writer.node({.mesh = writer.mesh(
                             {{box({0, 1, 0}, {4, 2, 4}, true), writer.material(lambert({0.75f, 0.5f, 0.625f}))},
                              {box({0.5f, 0.4f, -0.5f}, {0.8f, 0.8f, 0.8f}), writer.material(glossy)},
                              {quad({0, 1.99f, 0}, {0.5f, 0, 0}, {0, 0, 0.5f}), writer.material(emitter(glm::vec3(2, 4, 1) * scale))}})});
            writer.node({.translation = glm::vec3(-1, 1.5f, 0.5f), .light = writer.light({.color = {1, 0.5f, 0.25f}, .intensity = scale})});
            writer.node({.translation = glm::vec3(0, 1, 1.9f), .camera = writer.camera({.yfov = 1.2f})});
        };
        return scene;
    };
    const ClosedForm once = scene_of(1), twice = scene_of(2);
    load(device, once);
    const auto dim = render(device, once, shading::STRATEGY_MIS, 1);
    load(device, twice);
    const auto bright = render(device, twice, shading::STRATEGY_MIS, 1);
    int lit = 0;
    for (std::size_t i = 0; i < dim.size(); ++i) {
        lit += dim[i].x > 0;
        const glm::vec3 doubled = 2.f * glm::vec3(dim[i]);
        CHECK(doubled == glm::vec3(bright[i]));
    }
    CHECK(lit == static_cast<int>(dim.size()));
}

namespace {

/// How the scene of check_equal_encodings is told.
struct Telling {
    std::string name;
    float scale = 1;
    glm::mat4 placement{1}; ///< of the object's node
    glm::mat4 before{1};    ///< applied to the object's vertices first: placement x before is the same for all
};

} // namespace

void check_equal_encodings(Device& device) {
    // A textured, normal-mapped, smooth-shaded object on a floor under a point light and an emitter. Breaks where a node's scale, mirroring
    // or winding reaches normals, tangents, areas or offsets wrongly.
    const auto scene_of = [](const Telling& telling) {
        ClosedForm scene{.name = telling.name, .write = {}, .max_bounces = 3, .spp = 64, .size = 16};
        scene.write = [telling](GltfWriter& writer) {
            const float s = telling.scale;
            Geometry object = icosphere({0, 0, 0}, 0.5f, 2);
            object.uvs.resize(1);
            for (const glm::vec3& p : object.positions) {
                object.uvs[0].push_back({p.x + 0.5f, 0.5f - p.y});
                glm::vec3 tangent = glm::vec3(1, 0, 0) - object.normals[object.tangents.size()] * object.normals[object.tangents.size()].x;
                tangent = glm::length(tangent) > 0.01f ? glm::normalize(tangent) : glm::vec3(0, 0, 1);
                object.tangents.emplace_back(tangent, 1.f);
            }
            const glm::mat3 linear(telling.before);
            const bool mirrors = glm::determinant(linear) < 0;
            const glm::mat3 of_normals = glm::transpose(glm::inverse(linear));
            for (glm::vec3& p : object.positions) p = glm::vec3(telling.before * glm::vec4(p, 1));
            for (glm::vec3& n : object.normals) n = glm::normalize(of_normals * n);
            for (glm::vec4& t : object.tangents) t = glm::vec4(glm::normalize(linear * glm::vec3(t)), mirrors ? -t.w : t.w);
            if (mirrors)
                for (std::size_t i = 0; i < object.indices.size(); i += 3) std::swap(object.indices[i + 1], object.indices[i + 2]);
            std::vector<std::uint8_t> colors, bumps;
            for (int i = 0; i < 16; ++i) {
                const auto v = static_cast<std::uint8_t>(60 + 12 * i);
                colors.insert(colors.end(), {v, static_cast<std::uint8_t>(255 - v), 128, 255});
                bumps.insert(bumps.end(), {static_cast<std::uint8_t>(i % 3 == 0 ? 170 : 110),
                                           static_cast<std::uint8_t>(i % 5 == 0 ? 90 : 150), 230, 255});
            }
            Material material = lambert({1, 1, 1});
            material.base_color_texture.texture = writer.texture_rgba8(4, 4, colors);
            material.normal_texture.texture = writer.texture_rgba8(4, 4, bumps);
            const Index group = writer.node({.scale = glm::vec3(s)});
            writer.node({.parent = group, .matrix = telling.placement, .mesh = writer.mesh({{object, writer.material(material)}})});
            writer.node(
                {.parent = group,
                 .mesh = writer.mesh({{quad({0, -0.6f, 0}, {2, 0, 0}, {0, 0, -2}), writer.material(lambert({0.5f, 0.6f, 0.7f}))},
                                      {quad({0.5f, 1.5f, 0.3f}, {0.3f, 0, 0}, {0, 0, 0.3f}), writer.material(emitter({3, 4, 5}))}})});
            // A punctual light's candelas do not scale with its node: I / d^2 stays when I grows with s^2.
            writer.node({.parent = group, .translation = glm::vec3(-1, 1, 1), .light = writer.light({.intensity = 4 * s * s})});
            writer.node(
                {.parent = group, .translation = glm::vec3(0.2f, 0.1f, 2.5f), .camera = writer.camera({.yfov = 0.7f, .znear = 0.01f * s})});
        };
        return scene;
    };
    const glm::mat4 unit(1), mirror = glm::scale(unit, glm::vec3(-1, 1, 1));
    const glm::mat4 stretched = glm::scale(glm::rotate(unit, 0.7f, glm::normalize(glm::vec3(1, 2, 3))), glm::vec3(1, 1.4f, 0.6f));
    struct Pair {
        Telling first, second;
        double tolerance = 2e-3;
    };
    // Normals stretched at the vertices are unit again before they are interpolated: a picture that differs a little, rightly.
    const std::vector<Pair> pairs = {
        {{.name = "as it is"}, {.name = "a thousand times larger", .scale = 1000}},
        {{.name = "as it is"}, {.name = "a thousand times smaller", .scale = 0.001f}},
        {{.name = "mirrored in its vertices", .before = mirror}, {.name = "mirrored by its node", .placement = mirror}},
        {{.name = "stretched in its vertices", .before = stretched}, {.name = "stretched by its node", .placement = stretched}, 5e-3},
        {{.name = "as it is"}, {.name = "mirrored in vertices and by its node", .placement = mirror, .before = mirror}},
    };
    for (const Pair& pair : pairs) {
        const ClosedForm first = scene_of(pair.first), second = scene_of(pair.second);
        load(device, first);
        const auto a = render(device, first, shading::STRATEGY_MIS, 3);
        load(device, second);
        const auto b = render(device, second, shading::STRATEGY_MIS, 3);
        // The same random numbers: pictures differ by rounding, and by the odd path that rounding sends round an edge.
        double difference = 0, total = 0;
        for (std::size_t i = 0; i < a.size(); ++i) {
            const glm::dvec3 pa(a[i]), pb(b[i]);
            for (int channel = 0; channel < 3; ++channel) difference += std::abs(pa[channel] - pb[channel]), total += pa[channel];
        }
        INFO(pair.first.name << " against " << pair.second.name << ": relative difference " << difference / total);
        CHECK(total > 1);
        CHECK(difference / total < pair.tolerance);
    }
}

} // namespace raymill::tests
