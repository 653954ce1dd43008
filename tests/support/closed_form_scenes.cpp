#include "tests/support/closed_form.hpp"

#include <array>
#include <cmath>
#include <glm/gtc/matrix_transform.hpp>

namespace raymill::tests {
namespace {

constexpr double pi = 3.14159265358979323846;
using shading::STRATEGY_LIGHTS_ONLY;
using shading::STRATEGY_MIS;

double srgb(int code) {
    const double c = code / 255.0;
    return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
}

/// Turns a node's -z (the way its light shines) along `direction`, at `position`.
glm::mat4 shining(glm::vec3 position, glm::vec3 direction) {
    const glm::vec3 up = std::abs(direction.y) > 0.9f * glm::length(direction) ? glm::vec3(1, 0, 0) : glm::vec3(0, 1, 0);
    return glm::inverse(glm::lookAt(position, position + direction, up));
}

void place(GltfWriter& writer, const Geometry& geometry, const Material& material, const glm::mat4& matrix = glm::mat4(1)) {
    writer.node({.matrix = matrix, .mesh = writer.mesh({{geometry, writer.material(material)}})});
}

/// A floor of 4 x 4 m in the plane y = 0. No larger: rays start above it by some millionths of its size, which a nearby light notices.
Geometry plane() { return quad({0, 0, 0}, {2, 0, 0}, {0, 0, -2}); }

Material unlit(glm::vec4 color) {
    Material material;
    material.base_color = color;
    material.unlit = true;
    return material;
}

/// Irradiance at the origin, on a surface facing +y, of a polygon that emits radiance 1 and lies above the plane: Lambert's formula (1760),
/// half the sum over edges of the angle they subtend times their plane's unit normal.
double polygon_irradiance(const std::vector<glm::dvec3>& corners) {
    double sum = 0;
    for (std::size_t i = 0; i < corners.size(); ++i) {
        const glm::dvec3 a = glm::normalize(corners[i]), b = glm::normalize(corners[(i + 1) % corners.size()]);
        sum += std::acos(glm::dot(a, b)) * glm::normalize(glm::cross(a, b)).y;
    }
    return std::abs(sum) / 2;
}

struct Emitter {
    glm::vec3 center{0.4f, 1.1f, 0.3f}, u{0.9f, 0.1f, 0}, v{0.05f, -0.1f, 0.8f};
    [[nodiscard]] double irradiance(double from = -1, double to = 1) const {
        const glm::dvec3 c(center), du(u), dv(v);
        return polygon_irradiance({c + from * du - dv, c + to * du - dv, c + to * du + dv, c + from * du + dv});
    }
};

/// A picture of the floor at the origin, lit by what `light` places.
ClosedForm lit_floor(std::string name, std::function<void(GltfWriter&)> light, double irradiance) {
    ClosedForm scene{.name = std::move(name), .write = {}};
    scene.write = [light = std::move(light)](GltfWriter& writer) {
        place(writer, plane(), lambert({0.6f, 0.3f, 0.9f}));
        light(writer);
        look_at_patch(writer, {-3, 0.7f, -2}, {0, 0, 0}, 1e-4f);
    };
    scene.exact = glm::dvec3(0.6, 0.3, 0.9) * irradiance / pi;
    return scene;
}

/// Bilinear lookup as interface.md and scene_data.h define it, in double precision, written for tests.
glm::dvec3 lookup(const scene::EnvironmentImage& image, glm::dvec3 d, double rotation_degrees) {
    double u = 0.5 + std::atan2(d.z, d.x) / (2 * pi) - rotation_degrees / 360;
    u -= std::floor(u);
    const double x = u * image.width - 0.5, y = std::acos(d.y) / pi * image.height - 0.5;
    const auto texel = [&](double column, double row) {
        const int w = static_cast<int>(image.width), h = static_cast<int>(image.height);
        const int i = (static_cast<int>(column) % w + w) % w, j = std::clamp(static_cast<int>(row), 0, h - 1);
        return glm::dvec3(image.texels[static_cast<std::size_t>(j) * image.width + static_cast<std::size_t>(i)]);
    };
    const double fx = x - std::floor(x), fy = y - std::floor(y), x0 = std::floor(x), y0 = std::floor(y);
    return glm::mix(glm::mix(texel(x0, y0), texel(x0 + 1, y0), fx), glm::mix(texel(x0, y0 + 1), texel(x0 + 1, y0 + 1), fx), fy);
}

/// Irradiance from an environment on a surface with this unit normal: midpoint rule over 1024 x 512 cells.
glm::dvec3 environment_irradiance(const scene::EnvironmentImage& image, double rotation, glm::dvec3 normal) {
    glm::dvec3 sum(0);
    constexpr int columns = 1024, rows = 512;
    for (int row = 0; row < rows; ++row) {
        const double theta = (row + 0.5) * pi / rows;
        for (int column = 0; column < columns; ++column) {
            const double phi = (column + 0.5) * 2 * pi / columns;
            const glm::dvec3 d(std::sin(theta) * std::cos(phi), std::cos(theta), std::sin(theta) * std::sin(phi));
            const double cosine = glm::dot(d, normal);
            if (cosine > 0) sum += lookup(image, d, rotation) * (cosine * std::sin(theta));
        }
    }
    return sum * (2 * pi / columns) * (pi / rows);
}

void add_emission(std::vector<ClosedForm>& all) {
    all.push_back({.name = "an emitter shows emissiveFactor x strength",
                   .write =
                       [](GltfWriter& writer) {
                           place(writer, quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0}), emitter({4, 2, 1}));
                           look_at_patch(writer, {0, 0, 3}, {0, 0, 0}, 0.5f);
                       },
                   .exact = {4, 2, 1}});
    all.push_back({.name = "an emitter shows from behind as well, single-sided or not",
                   .write =
                       [](GltfWriter& writer) {
                           place(writer, quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0}), emitter({4, 2, 1}));
                           look_at_patch(writer, {0, 0, -3}, {0, 0, 0}, 0.5f);
                       },
                   .exact = {4, 2, 1}});
    all.push_back({.name = "an unlit material shows factor x sRGB texture x vertex colour",
                   .write =
                       [](GltfWriter& writer) {
                           Geometry geometry = quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0});
                           geometry.colors.assign(4, {1, 0.5f, 0.25f, 1});
                           Material material = unlit({0.5f, 1, 1, 1});
                           material.base_color_texture.texture = writer.texture_rgba8(1, 1, {188, 128, 64, 255});
                           place(writer, geometry, material);
                           look_at_patch(writer, {0, 0, 3}, {0, 0, 0}, 0.5f);
                       },
                   .exact = {0.5 * srgb(188), 0.5 * srgb(128), 0.25 * srgb(64)}});
    all.push_back({.name = "half of a picture that shows a lit object, the other half a hidden environment, has alpha 1/2",
                   .write =
                       [](GltfWriter& writer) {
                           place(writer, quad({0.5f, 0, 0}, {0.5f, 0, 0}, {0, 1, 0}), lambert({0.5f, 0.5f, 0.5f}));
                           look_at_patch(writer, {0, 0, 3}, {0, 0, 0}, 1);
                       },
                   .exact = {0.25, 0.5, 0.75},
                   .exact_alpha = 0.5,
                   .spp = 256,
                   .env = "1,2,3",
                   .env_hidden = true});
}

void add_furnaces(std::vector<ClosedForm>& all) {
    all.push_back({.name = "a convex Lambert object in an even environment shines with albedo x radiance",
                   .write =
                       [](GltfWriter& writer) {
                           place(writer, box({0, 0, 0}, {1, 1, 1}), lambert({0.5f, 0.25f, 1}));
                           look_at_patch(writer, {1, 3, 2}, {0, 0.5f, 0}, 0.2f);
                       },
                   .exact = {0.5, 0.5, 3},
                   .max_bounces = 4,
                   .spp = 256,
                   .env = "1,2,3"});
    all.push_back({.name = "a white convex object cannot be told from the even environment round it",
                   .write =
                       [](GltfWriter& writer) {
                           place(writer, box({0, 0, 0}, {1, 1, 1}), lambert({1, 1, 1}));
                           writer.node({.translation = glm::vec3(0.3f, 0.2f, 3), .camera = writer.camera({.yfov = 0.6f})});
                       },
                   .exact = {1, 1, 1},
                   .max_bounces = 4,
                   .spp = 256,
                   .environment = scene::EnvironmentImage{8, 4, std::vector<glm::vec3>(32, glm::vec3(1))}});
    // Rays of smooth-shaded triangles leave from the ball that their normals tell of: no energy is lost between facets. Chiang's factor
    // between geometric and smooth normals would lose 2 % here.
    all.push_back({.name = "a white, smooth-shaded ball of triangles cannot be told from the even environment round it",
                   .write =
                       [](GltfWriter& writer) {
                           place(writer, icosphere({0, 0, 0}, 1, 2), lambert({1, 1, 1}));
                           writer.node({.translation = glm::vec3(0.3f, 0.2f, 6), .camera = writer.camera({.yfov = 0.32f})});
                       },
                   .exact = {1, 1, 1},
                   .model_error = 1e-3,
                   .max_bounces = 4,
                   .spp = 256,
                   .env = "1,1,1"});
    const auto closed_box = [](GltfWriter& writer) {
        Material wall = emitter({1, 0.5f, 2}, {0.5f, 0.3f, 0.8f});
        place(writer, box({0, 0, 0}, {2, 2, 3}, true), wall);
        writer.node({.translation = glm::vec3(0.3f, 0.2f, 0.5f), .camera = writer.camera({.yfov = 1.2f})});
    };
    const auto series = [](int terms) {
        const auto sum = [&](double emitted, double albedo) { return emitted * (1 - std::pow(albedo, terms)) / (1 - albedo); };
        return glm::dvec3(sum(1, 0.5), sum(0.5, 0.3), sum(2, 0.8));
    };
    // Light sampling alone has an infinite variance in corners between emitting walls: not among the strategies here.
    for (const std::uint32_t bounces : {0u, 1u, 3u, 100u})
        all.push_back({.name = "a closed box of emitting walls shines with the sum of albedo^k, up to k = max_bounces + 1 = " +
                               std::to_string(bounces + 1),
                       .write = closed_box,
                       .exact = series(static_cast<int>(bounces) + 2),
                       .max_bounces = bounces,
                       .spp = bounces > 3 ? 128u : 64u,
                       .strategies = {STRATEGY_MIS, shading::STRATEGY_BSDF_ONLY}});
    all.push_back({.name = "a box in the box changes nothing, where all walls emit and reflect alike",
                   .write =
                       [closed_box](GltfWriter& writer) {
                           closed_box(writer);
                           place(writer, box({0.2f, -0.3f, -0.7f}, {0.6f, 0.5f, 0.7f}), emitter({1, 0.5f, 2}, {0.5f, 0.3f, 0.8f}));
                       },
                   .exact = series(1000),
                   .max_bounces = 100,
                   .spp = 128,
                   .strategies = {STRATEGY_MIS, shading::STRATEGY_BSDF_ONLY}});
    all.push_back({.name = "rough white metal, seen from above in an even environment, shines with 1 - ln 2 of it (single scatter)",
                   .write =
                       [](GltfWriter& writer) {
                           Material metal;
                           place(writer, plane(), metal);
                           look_at_patch(writer, {0, 2, 0}, {0, 0, 0}, 0.1f);
                       },
                   .exact = glm::dvec3(1, 2, 3) * (1 - std::log(2)),
                   .spp = 256,
                   .env = "1,2,3"});
    all.push_back({.name = "a smooth metal mirrors an even environment by Schlick's reflectance",
                   .write =
                       [](GltfWriter& writer) {
                           Material metal;
                           metal.base_color = {0.9f, 0.5f, 0.1f, 1};
                           metal.roughness = 0;
                           place(writer, plane(), metal);
                           look_at_patch(writer, {std::sqrt(3.f), 1, 0}, {0, 0, 0}, 0.1f); // 60 degrees
                       },
                   .exact = {0.9 + 0.1 / 32, 2 * (0.5 + 0.5 / 32), 3 * (0.1 + 0.9 / 32)},
                   .env = "1,2,3"});
}

void add_punctual_lights(std::vector<ClosedForm>& all) {
    const std::vector<std::uint32_t> strategies = {STRATEGY_MIS, STRATEGY_LIGHTS_ONLY};
    const double albedo = 0.5;
    const auto in_sphere = [](GltfWriter& writer) {
        place(writer, icosphere({0, 0, 0}, 2, 4, true), lambert({0.5f, 0.5f, 0.5f}));
        writer.node({.light = writer.light({.color = {1, 0.5f, 0.25f}, .intensity = 8})});
        writer.node({.translation = glm::vec3(0.5f, 0.2f, 0.3f), .camera = writer.camera({.yfov = 1.2f})});
    };
    const glm::dvec3 direct = glm::dvec3(8, 4, 2) * albedo / (pi * 4);
    all.push_back({.name = "a point light in a sphere's centre: a I / (pi R^2) directly",
                   .write = in_sphere,
                   .exact = direct,
                   .model_error = 1.5e-3,
                   .strategies = strategies});
    all.push_back({.name = "a point light in a sphere's centre: a I / (pi R^2 (1 - a)) after all bounces",
                   .write = in_sphere,
                   .exact = direct / (1 - albedo),
                   .model_error = 2e-3,
                   .max_bounces = 60,
                   .strategies = strategies});
    const auto in_cube = [](GltfWriter& writer) {
        place(writer, box({0, 0, 0}, {2, 2, 2}, true), lambert({0.5f, 0.5f, 0.5f}));
        writer.node({.light = writer.light({.color = {1, 0.5f, 0.25f}, .intensity = 8})});
        writer.node({.camera = writer.camera({.znear = 0.001f, .orthographic = glm::vec2(1)})});
    };
    const glm::dvec3 face = 4 * albedo * glm::dvec3(8, 4, 2) / (6.0 * 4);
    for (const auto& [bounces, factor] : {std::pair{0u, 1.0}, {1u, 1.5}, {60u, 2.0}})
        all.push_back({.name = "a point light in a cube's centre: the mean over a face is that of the energy balance, bounces " +
                               std::to_string(bounces),
                       .write = in_cube,
                       .exact = face * factor,
                       .max_bounces = bounces,
                       .spp = 128,
                       .strategies = strategies});

    const auto add = [&](ClosedForm scene) {
        scene.strategies = strategies;
        all.push_back(std::move(scene));
    };
    add(lit_floor(
        "a directional light of E lux at 60 degrees gives a / pi E / 2",
        [](GltfWriter& writer) {
            writer.node(
                {.matrix = shining({0, 5, 0}, {std::sqrt(3.f), -1, 0}), .light = writer.light({.type = "directional", .intensity = 3})});
        },
        1.5));
    // Lambert's sphere (1760): at phase angle p its mean over the disk is a E / pi x 2 / (3 pi) (sin p + (pi - p) cos p).
    for (const int degrees : {90, 120}) {
        const double phase = degrees * pi / 180, mean = 2 / (3 * pi) * (std::sin(phase) + (pi - phase) * std::cos(phase));
        all.push_back(
            {.name = "a smooth-shaded ball has the phases of Lambert's sphere, " + std::to_string(degrees) + " degrees",
             .write =
                 [phase](GltfWriter& writer) {
                     place(writer, icosphere({0, 0, 0}, 1, 3), lambert({0.6f, 0.3f, 0.9f}));
                     const glm::vec3 to_light(static_cast<float>(std::sin(phase)), 0, static_cast<float>(std::cos(phase)));
                     writer.node({.matrix = shining({0, 0, 0}, -to_light), .light = writer.light({.type = "directional", .intensity = 3})});
                     look_at_patch(writer, {0, 0, 3}, {0, 0, 0}, 1);
                 },
             .exact = glm::dvec3(0.6, 0.3, 0.9) * (3 / pi * mean * pi / 4),
             .model_error = 1e-2, // the outline of the ball of triangles lies inside the circle
             .spp = 128,
             .strategies = strategies,
             .size = 8});
    }
    const double d2 = 1.5 * 1.5 + 0.8 * 0.8, d = std::sqrt(d2);
    add(lit_floor(
        "a point light gives I h / (h^2 + r^2)^(3/2)",
        [](GltfWriter& writer) { writer.node({.translation = glm::vec3(0.8f, 1.5f, 0), .light = writer.light({.intensity = 5})}); },
        5 * 1.5 / (d2 * d)));
    add(lit_floor(
        "a point light's range cuts its light as the extension says",
        [](GltfWriter& writer) {
            writer.node({.translation = glm::vec3(0.8f, 1.5f, 0), .light = writer.light({.intensity = 5, .range = 2.0f})});
        },
        5 * 1.5 / (d2 * d) * (1 - std::pow(d / 2, 4))));
    add(lit_floor(
        "a spot light's penumbra is the square of the extension's ramp",
        [](GltfWriter& writer) {
            writer.node({.matrix = shining({0.8f, 1.5f, 0}, {0, -1, 0}),
                         .light = writer.light({.type = "spot", .intensity = 7, .inner_cone = 0.2f, .outer_cone = 0.7f})});
        },
        7 * 1.5 / (d2 * d) * std::pow((1.5 / d - std::cos(0.7)) / (std::cos(0.2) - std::cos(0.7)), 2)));
}

void add_area_lights(std::vector<ClosedForm>& all) {
    const Emitter e, beside{.center = {-1.6f, 1.3f, 0.3f}};
    const auto add = [&](const std::string& name, std::function<void(GltfWriter&)> light, double irradiance, double model_error = 0) {
        ClosedForm scene = lit_floor(name, std::move(light), irradiance);
        scene.spp = 1024;
        scene.model_error = model_error;
        all.push_back(std::move(scene));
    };
    add(
        "a quad emitter gives Lambert's polygon irradiance",
        [e](GltfWriter& writer) {
            place(writer, quad(e.center, e.u, e.v), emitter({3, 3, 3}));
        },
        3 * e.irradiance());
    add(
        "a quad emitter that turns its back gives the same",
        [e](GltfWriter& writer) {
            place(writer, quad(e.center, -e.u, e.v), emitter({3, 3, 3}));
        },
        3 * e.irradiance());
    add(
        "a quad emitter stretched and turned by its node gives that of the quad where it stands",
        [e](GltfWriter& writer) {
            const glm::mat4 matrix(glm::vec4(e.u, 0), glm::vec4(e.v, 0), glm::vec4(glm::cross(e.u, e.v), 0), glm::vec4(e.center, 1));
            place(writer, quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0}), emitter({3, 3, 3}), matrix);
        },
        3 * e.irradiance());
    add(
        "an emission texture that is black on one half leaves the other half's light",
        [e](GltfWriter& writer) {
            Material material = emitter({3, 3, 3});
            material.emissive_texture.texture = writer.texture_rgba8(2, 1, {0, 0, 0, 255, 255, 255, 255, 255}, {.mag_filter = 9728});
            place(writer, quad(e.center, e.u, e.v), material);
        },
        3 * e.irradiance(0, 1));
    add(
        "an emitter that covers 30 % gives 30 % of its light",
        [e](GltfWriter& writer) {
            Material material = emitter({3, 3, 3});
            material.alpha_mode = "BLEND";
            material.base_color.w = 0.3f;
            place(writer, quad(e.center, e.u, e.v), material);
        },
        0.3 * 3 * e.irradiance());
    add(
        "two emitters of unlike power add up",
        [e, beside](GltfWriter& writer) {
            place(writer, quad(e.center, e.u, e.v), emitter({3, 3, 3}));
            place(writer, quad(beside.center, beside.u, beside.v), emitter({0.5f, 0.5f, 0.5f}));
        },
        3 * e.irradiance() + 0.5 * beside.irradiance());
    add(
        "a disk emitter gives Le R^2 / (R^2 + h^2) below its centre",
        [](GltfWriter& writer) {
            place(writer, disk({0, 1, 0}, {1, 0, 0}, {0, 0, 1}, 256), emitter({3, 3, 3}));
        },
        3 * pi / 2, 2e-4);
}

void add_environments(std::vector<ClosedForm>& all) {
    scene::EnvironmentImage gradient{4, 256, {}};
    for (std::uint32_t y = 0; y < gradient.height; ++y)
        for (std::uint32_t x = 0; x < gradient.width; ++x)
            gradient.texels.emplace_back(static_cast<float>((1 + std::cos((y + 0.5) * pi / gradient.height)) / 2));
    ClosedForm sky = lit_floor(
        "an environment of (1 + cos) / 2 gives 5/6 pi", [](GltfWriter&) {}, pi * 5 / 6);
    sky.environment = gradient;
    sky.spp = 256;
    sky.model_error = 1e-4;
    all.push_back(sky);

    // One bright texel and a dim, coloured rest, off the poles; looked at from three orientations of the image.
    scene::EnvironmentImage spot{32, 16, std::vector<glm::vec3>(512, glm::vec3(0.05f, 0.02f, 0.1f))};
    spot.texels[4 * 32 + 20] = {200, 100, 50};
    for (const float rotation : {0.0f, 90.0f, 217.0f}) {
        ClosedForm scene{.name = "a bright texel lights a wall from where interface.md puts it, rotation " +
                                 std::to_string(static_cast<int>(rotation)),
                         .write = {},
                         .spp = 256,
                         .strategies = {STRATEGY_MIS, STRATEGY_LIGHTS_ONLY},
                         .environment = spot,
                         .env_rotation = rotation};
        // The texel's direction: u = 20.5 / 32 + rotation / 360, v = 4.5 / 16. The wall faces 40 degrees beside it.
        const double azimuth = 2 * pi * (20.5 / 32 + static_cast<double>(rotation) / 360 - 0.5) + 0.7;
        const glm::vec3 normal(static_cast<float>(std::cos(azimuth)), 0, static_cast<float>(std::sin(azimuth)));
        scene.write = [normal](GltfWriter& writer) {
            const glm::vec3 up(0, 1, 0);
            place(writer, quad({0, 0, 0}, glm::cross(up, normal), up), lambert({0.6f, 0.3f, 0.9f}));
            look_at_patch(writer, 3.f * normal, {0, 0, 0}, 0.1f);
        };
        scene.exact = glm::dvec3(0.6, 0.3, 0.9) / pi * environment_irradiance(spot, static_cast<double>(rotation), glm::dvec3(normal));
        scene.model_error = 5e-4; // of the midpoint rule and of single precision in the image's corners
        all.push_back(scene);
    }
}

void add_alpha(std::vector<ClosedForm>& all) {
    const auto blended = [](glm::vec4 color) {
        Material material = unlit(color);
        material.alpha_mode = "BLEND";
        return material;
    };
    for (const int layers : {1, 3}) {
        const double through = std::pow(0.7, layers);
        all.push_back(
            {.name = std::to_string(layers) + " BLEND layers of alpha 0.3 let 0.7^n of the background through",
             .write =
                 [layers, blended](GltfWriter& writer) {
                     for (int i = 0; i < layers; ++i)
                         place(writer, quad({0, 0, static_cast<float>(i) * 0.5f}, {1, 0, 0}, {0, 1, 0}), blended({0.8f, 0.4f, 0.2f, 0.3f}));
                     place(writer, quad({0, 0, -1}, {3, 0, 0}, {0, 3, 0}), emitter({2, 2, 2}));
                     look_at_patch(writer, {0, 0, 3}, {0, 0, 0}, 0.5f);
                 },
             .exact = glm::dvec3(0.8, 0.4, 0.2) * (1 - through) + glm::dvec3(2) * through,
             .spp = 512});
    }
    all.push_back({.name = "the alpha of an OPAQUE material means nothing",
                   .write =
                       [](GltfWriter& writer) {
                           place(writer, quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0}), unlit({0.8f, 0.4f, 0.2f, 0.3f}));
                           look_at_patch(writer, {0, 0, 3}, {0, 0, 0}, 0.5f);
                       },
                   .exact = {0.8, 0.4, 0.2}});
    const std::vector<std::uint32_t> strategies = {STRATEGY_MIS, STRATEGY_LIGHTS_ONLY};
    ClosedForm shadow = lit_floor(
        "light through two BLEND layers keeps (1 - alpha)^2",
        [](GltfWriter& writer) {
            for (const float y : {2.0f, 2.5f}) {
                Material smoke = lambert({0, 0, 0});
                smoke.alpha_mode = "BLEND";
                smoke.base_color.w = 0.25f;
                place(writer, quad({0, y, 0}, {1, 0, 0}, {0, 0, -1}), smoke);
            }
            writer.node({.matrix = shining({0, 5, 0}, {0, -1, 0}), .light = writer.light({.type = "directional", .intensity = 3})});
        },
        3 * 0.75 * 0.75);
    shadow.strategies = strategies;
    all.push_back(shadow);

    // Alpha in a 4 x 4 texture, nearest: 128 / 255 is above the cutoff of 0.5, 127 / 255 is not. Five texels cover.
    const auto masked = [](GltfWriter& writer, Material material) {
        std::vector<std::uint8_t> texels;
        for (const int alpha : {255, 0, 127, 128, 0, 10, 255, 0, 127, 200, 0, 0, 0, 0, 128, 126})
            texels.insert(texels.end(), {255, 255, 255, static_cast<std::uint8_t>(alpha)});
        material.alpha_mode = "MASK";
        material.base_color_texture.texture = writer.texture_rgba8(4, 4, texels, {.mag_filter = 9728});
        return material;
    };
    all.push_back({.name = "a MASK texture covers where alpha reaches the cutoff, 5 of 16 texels",
                   .write =
                       [masked](GltfWriter& writer) {
                           place(writer, quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0}), masked(writer, unlit({0.5f, 0.25f, 1, 1})));
                           place(writer, quad({0, 0, -1}, {3, 0, 0}, {0, 3, 0}), emitter({2, 2, 2}));
                           look_at_patch(writer, {0, 0, 3}, {0, 0, 0}, 1);
                       },
                   .exact = glm::dvec3(0.5, 0.25, 1) * (5 / 16.0) + glm::dvec3(2) * (11 / 16.0),
                   .spp = 256});
    all.push_back(
        {.name = "the shadow of a MASK texture has its holes, 11 of 16 texels",
         .write =
             [masked](GltfWriter& writer) {
                 place(writer, plane(), lambert({0.6f, 0.3f, 0.9f}));
                 place(writer, quad({0, 1, 0}, {1, 0, 0}, {0, 0, -1}), masked(writer, lambert({0, 0, 0})));
                 writer.node({.matrix = shining({0, 5, 0}, {0, -1, 0}), .light = writer.light({.type = "directional", .intensity = 3})});
                 look_at_patch(writer, {0, 0.5f, 0}, {0, 0, 0}, 1); // from below the mask
             },
         .exact = glm::dvec3(0.6, 0.3, 0.9) * (3 / pi * 11 / 16),
         .spp = 256,
         .strategies = strategies});
}

void add_textures(std::vector<ClosedForm>& all) {
    const auto at_uv = [](std::string name, glm::vec2 uv, std::function<Material(GltfWriter&)> material, glm::dvec3 exact) {
        return ClosedForm{.name = std::move(name),
                          .write =
                              [uv, material = std::move(material)](GltfWriter& writer) {
                                  place(writer, quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0}), material(writer));
                                  const glm::vec3 point(2 * uv.x - 1, 1 - 2 * uv.y, 0);
                                  look_at_patch(writer, point + glm::vec3(0, 0, 3), point, 1e-5f);
                              },
                          .exact = exact};
    };
    // Sixteen texels of codes 15 k, k = 0 .. 15, row by row.
    const auto numbered = [](GltfWriter& writer, const Sampler& sampler, const std::optional<TextureTransform>& transform) {
        std::vector<std::uint8_t> texels;
        for (int k = 0; k < 16; ++k) texels.insert(texels.end(), {static_cast<std::uint8_t>(15 * k), 255, 255, 255});
        Material material = unlit({1, 1, 1, 1});
        material.base_color_texture = {.texture = writer.texture_rgba8(4, 4, texels, sampler), .transform = transform};
        return material;
    };
    const auto value = [](int column, int row) { return glm::dvec3(srgb(15 * (4 * row + column)), 1, 1); };
    const auto plain = [numbered](GltfWriter& writer) { return numbered(writer, {.mag_filter = 9729}, {}); };
    all.push_back(at_uv("a texel's centre shows the texel", {0.625f, 0.375f}, plain, value(2, 1)));
    all.push_back(
        at_uv("between two texel centres shows the mean of their linear values", {0.5f, 0.375f}, plain, (value(1, 1) + value(2, 1)) * 0.5));
    all.push_back(at_uv("a quarter of the way down shows 3 : 1", {0.625f, 0.4375f}, plain, value(2, 1) * 0.75 + value(2, 2) * 0.25));
    // uv (0.2, 0.3) x scale (4, 2) = (0.8, 0.6), turned by 90 degrees: (0.6, -0.8), moved by (0.5, 0.1): (1.1, -0.7). Any other order
    // gives another texel; so does the other sense of rotation.
    for (const auto& [wrap, column, row] : {std::tuple{10497, 0, 1}, {33071, 3, 0}, {33648, 3, 2}})
        all.push_back(at_uv(
            "a transform scales, then turns, then moves; wrap mode " + std::to_string(wrap), {0.2f, 0.3f},
            [numbered, wrap = wrap](GltfWriter& writer) {
                return numbered(writer, {.mag_filter = 9728, .wrap_s = wrap, .wrap_t = wrap},
                                TextureTransform{.offset = {0.5f, 0.1f}, .scale = {4, 2}, .rotation = 1.57079632679f});
            },
            value(column, row)));

    // A normal map of one texel tilts the normal by atan((2 x 192 / 255 - 1) / (2 x 255 / 255 - 1)) towards +u (+x here). Light from beyond
    // the other side, so that the geometric normal sees it higher than the shading one and no terminator factor enters.
    const glm::dvec3 to_light = glm::normalize(glm::dvec3(-0.3, 0, 1));
    const auto bumpy = [](int code_x, int code_y, bool mirrored_uv, glm::vec3 light) {
        return [=](GltfWriter& writer) {
            Geometry geometry = quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0});
            geometry.tangents.assign(4, glm::vec4(mirrored_uv ? -1 : 1, 0, 0, mirrored_uv ? -1 : 1));
            if (mirrored_uv)
                for (glm::vec2& uv : geometry.uvs[0]) uv.x = 1 - uv.x;
            Material material = lambert({0.6f, 0.3f, 0.9f});
            material.normal_texture.texture =
                writer.texture_rgba8(1, 1, {static_cast<std::uint8_t>(code_x), static_cast<std::uint8_t>(code_y), 255, 255});
            place(writer, geometry, material);
            writer.node({.matrix = shining(light, -light), .light = writer.light({.type = "directional", .intensity = 3})});
            look_at_patch(writer, {0, 0, 3}, {0, 0, 0}, 0.5f);
        };
    };
    const std::vector<std::uint32_t> strategies = {STRATEGY_MIS, STRATEGY_LIGHTS_ONLY};
    const glm::dvec3 reflected = glm::dvec3(0.6, 0.3, 0.9) * 3.0 / pi;
    // 127.5 is no code: 128 tilts by 0.2 degrees each way, which changes the cosine by 2e-3 at this angle.
    const double flat = 1 / 255.0;
    const glm::dvec3 tilted_y = glm::normalize(glm::dvec3(flat, 2 * 192 / 255.0 - 1, 1)), light_y = glm::normalize(glm::dvec3(0, -0.3, 1));
    const glm::dvec3 tilted_x = glm::normalize(glm::dvec3(2 * 192 / 255.0 - 1, flat, 1)),
                     flat_normal = glm::normalize(glm::dvec3(flat, flat, 1));
    all.push_back({.name = "a normal map tilts towards +u for red above a half",
                   .write = bumpy(192, 128, false, glm::vec3(to_light)),
                   .exact = reflected * glm::dot(tilted_x, to_light),
                   .strategies = strategies});
    all.push_back({.name = "a normal map tilts towards -v (up in the picture) for green above a half",
                   .write = bumpy(128, 192, false, glm::vec3(light_y)),
                   .exact = reflected * glm::dot(tilted_y, light_y),
                   .strategies = strategies});
    all.push_back({.name = "mirrored texture coordinates with the other handedness tilt the other way in x and the same in y",
                   .write = bumpy(64, 128, true, glm::vec3(to_light)),
                   .exact = reflected * glm::dot(glm::normalize(glm::dvec3(-(2 * 64 / 255.0 - 1), flat, 1)), to_light),
                   .strategies = strategies});
    all.push_back({.name = "a flat normal map is none",
                   .write = bumpy(128, 128, false, glm::vec3(to_light)),
                   .exact = reflected * glm::dot(flat_normal, to_light),
                   .strategies = strategies});
}

} // namespace

const std::vector<ClosedForm>& closed_forms() {
    static const std::vector<ClosedForm> all = [] {
        std::vector<ClosedForm> made;
        add_emission(made);
        add_furnaces(made);
        add_punctual_lights(made);
        add_area_lights(made);
        add_environments(made);
        add_alpha(made);
        add_textures(made);
        return made;
    }();
    return all;
}

} // namespace raymill::tests
