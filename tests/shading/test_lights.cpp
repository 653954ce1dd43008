#include "shaders/shared/path.h"
#include "shaders/shared/triangle.h"

#include "renderer/scene/light_table.hpp"
#include "renderer/scene/light_tree.hpp"
#include "tests/support/closed_form.hpp"
#include "tests/support/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <doctest/doctest.h>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

using namespace raymill::shading;
using raymill::tests::Random;
namespace tests = raymill::tests;
namespace scene = raymill::scene;

namespace {

/// An environment of `width` x `height` texels over host memory.
struct Sky {
    std::vector<EnvironmentTexel> texels;
    SceneData data{};

    Sky(std::uint32_t width, std::uint32_t height, const std::vector<glm::vec3>& radiance, float rotation)
        : texels(scene::build_environment(width, height, radiance)) {
        data.environment.at = texels.data();
        data.environment_width = width, data.environment_height = height;
        data.environment_rotation = rotation;
        data.flags = SCENE_HAS_ENVIRONMENT;
    }
};

/// Bright, dark, black and coloured texels, smooth nowhere.
std::vector<glm::vec3> wild(std::uint32_t count, Random& random) {
    std::vector<glm::vec3> radiance(count);
    for (glm::vec3& r : radiance) {
        const float size = std::pow(10.0f, random.between(-2, 2));
        r = random.bits() % 5 == 0 ? glm::vec3(0) : size * glm::vec3(random.unit(), random.unit(), random.unit());
    }
    return radiance;
}

} // namespace

TEST_CASE("far lights are drawn with the probability in their entries, and what is left of the number is uniform") {
    // Chi-squared over entries x eight slices of the remainder, 400000 draws. Powers from 1 to 4000 and one of 0.
    std::vector<SceneLight> lights(23);
    std::vector<double> powers;
    for (std::size_t i = 0; i < lights.size(); ++i) powers.push_back(i == 7 ? 0 : std::pow(1.5, static_cast<double>(i % 20)));
    scene::fill_light_table(lights, powers, NONE, 1);
    SceneData data{};
    data.lights.at = lights.data();
    data.light_count = static_cast<std::uint32_t>(lights.size());
    data.distant_share = 1;
    constexpr int draws = 400000, slices = 8;
    std::vector<double> count(lights.size() * slices), expected(count.size());
    double total = 0;
    for (std::size_t i = 0; i < lights.size(); ++i) {
        total += static_cast<double>(lights[i].pmf);
        for (int slice = 0; slice < slices; ++slice)
            expected[i * slices + static_cast<std::size_t>(slice)] = draws * static_cast<double>(lights[i].pmf) / slices;
    }
    CHECK(total == doctest::Approx(1).epsilon(1e-6));
    Random random(61);
    for (int draw = 0; draw < draws; ++draw) {
        float u = random.unit();
        float pmf;
        const std::uint32_t index = pick_light(data, glm::vec3(0), glm::vec3(0, 1, 0), random.bits(), u, pmf);
        REQUIRE(index < lights.size());
        REQUIRE(pmf == lights[index].pmf);
        REQUIRE(u >= 0);
        REQUIRE(u < 1);
        ++count[index * slices + static_cast<std::size_t>(u * slices)];
    }
    CHECK(tests::chi_squared(count, expected).p > 0.001);
}

TEST_CASE("points on triangles are uniform") {
    // The square's four quarters of each of sixteen equal small triangles would show a bent map; 16 small triangles (edges halved twice),
    // 200000 points.
    std::vector<double> count(16), expected(16, 200000 / 16.0);
    Random random(62);
    for (int i = 0; i < 200000; ++i) {
        const glm::vec2 b = sample_triangle({random.unit(), random.unit()});
        REQUIRE(b.x >= 0);
        REQUIRE(b.y >= 0);
        REQUIRE(b.x + b.y <= 1.0000001f);
        const glm::vec2 scaled = 4.0f * b;
        const int x = std::min(3, static_cast<int>(scaled.x)), y = std::min(3, static_cast<int>(scaled.y));
        const bool upper = glm::fract(scaled.x) + glm::fract(scaled.y) > 1;
        // Row y has 7 - 2 y small triangles, alternating lower and upper.
        constexpr int first[4] = {0, 7, 12, 15};
        ++count[static_cast<std::size_t>(std::min(15, first[y] + 2 * x + (upper ? 1 : 0)))];
    }
    CHECK(tests::chi_squared(count, expected).p > 0.001);
}

TEST_CASE("directions to the environment come with the density that is said of them, and it integrates to 1") {
    // Chi-squared over cells of the sphere, eight by eight to a texel's edge (polar angle, azimuth), 500000 directions, against the density
    // integrated over each cell by 3 x 3 points; cells of fewer than five are put together. A wrong slope in a patch, a shift by a texel,
    // a wrong pole each move whole cells.
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    Random random(seed);
    for (const auto& [width, height] : {std::pair{16u, 8u}, std::pair{4u, 1u}, std::pair{1u, 3u}}) {
        CAPTURE(width);
        const Sky sky(width, height, wild(width * height, random), 0.3f);
        constexpr std::uint32_t fine = 4;
        const std::uint32_t columns = width * fine, rows = height * fine;
        std::vector<double> count(std::size_t{columns} * rows), expected(count.size());
        double integral = 0;
        const auto direction = [](double theta, double azimuth) {
            return glm::vec3(glm::dvec3(std::sin(theta) * std::cos(azimuth), std::cos(theta), std::sin(theta) * std::sin(azimuth)));
        };
        constexpr int points = 6;
        for (std::uint32_t row = 0; row < rows; ++row)
            for (std::uint32_t column = 0; column < columns; ++column) {
                double sum = 0;
                for (int j = 0; j < points; ++j)
                    for (int i = 0; i < points; ++i) {
                        const double theta = (row + (j + 0.5) / points) / rows * M_PI;
                        const double u = (column + (i + 0.5) / points) / columns + static_cast<double>(0.3f);
                        sum += static_cast<double>(environment_pdf(sky.data, direction(theta, 2 * M_PI * (u - 0.5)))) * std::sin(theta);
                    }
                const double share = sum / (points * points) * 2 * M_PI / columns * M_PI / rows;
                expected[std::size_t{row} * columns + column] = 500000 * share;
                integral += share;
            }
        CHECK(integral == doctest::Approx(1).epsilon(2e-3));
        for (int i = 0; i < 500000; ++i) {
            const glm::dvec3 d(sample_environment(sky.data, {random.bits(), random.bits()}));
            REQUIRE(std::abs(glm::length(d) - 1) < 1e-5);
            double u = 0.5 + std::atan2(d.z, d.x) / (2 * M_PI) - static_cast<double>(0.3f);
            u -= std::floor(u);
            const double v = std::atan2(std::hypot(d.x, d.z), d.y) / M_PI;
            const auto column = std::min(columns - 1, static_cast<std::uint32_t>(u * columns));
            const auto row = std::min(rows - 1, static_cast<std::uint32_t>(v * rows));
            ++count[std::size_t{row} * columns + column];
        }
        for (double& e : expected) e /= integral; // the integral above has an error of its own
        CHECK(tests::chi_squared(count, expected).p > 1e-4);
    }
}

TEST_CASE("a sun of one texel costs no noise: what comes in divided by its density is nearly the same for all directions") {
    // Radiance over density varies in a patch with the sine of the polar angle only. With a density constant over texels the variance round
    // such a sun would be about 1.1 times the square of the mean.
    for (const std::uint32_t row : {0u, 1u, 7u, 15u}) {
        CAPTURE(row);
        std::vector<glm::vec3> radiance(32 * 16);
        radiance[row * 32 + 9] = glm::vec3(50000);
        const Sky sky(32, 16, radiance, 0.1f);
        Random random(71);
        double sum = 0, squares = 0;
        constexpr int draws = 20000;
        for (int i = 0; i < draws; ++i) {
            float pdf;
            const glm::vec3 come = environment_lookup(sky.data, sample_environment(sky.data, {random.bits(), random.bits()}), pdf);
            const double ratio = pdf > 0 ? static_cast<double>(come.x / pdf) : 0;
            sum += ratio, squares += ratio * ratio;
        }
        const double mean = sum / draws;
        CHECK(squares / draws / (mean * mean) - 1 < (row == 0 || row == 1 || row == 15 ? 0.2 : 0.01));
        // It is the flux: the texel's tent over the sphere.
        double flux = 0;
        for (int i = 0; i < 4000; ++i) {
            const double v = (row + 0.5 + (i + 0.5) / 2000 - 1) / 16;
            if (v < 0 || v > 1) continue;
            double tent = 1 - std::abs(v * 16 - 0.5 - row);
            if (row == 0 && v * 16 < 0.5) tent = 1;
            if (row == 15 && v * 16 > 15.5) tent = 1;
            flux += 50000 * tent * std::sin(M_PI * v) * 2 * M_PI / 32 * M_PI / 16 / 2000;
        }
        CHECK(mean == doctest::Approx(flux).epsilon(0.01));
    }
}

TEST_CASE("the environment's density is positive wherever it shines") {
    // Radiance is bilinear, so a black texel beside a bright one shines a little: with density 0 there, light sampling would be biased.
    Random random(64);
    const Sky sky(12, 6, wild(72, random), 0);
    for (int i = 0; i < 200000; ++i) {
        const float y = random.between(-1, 1), azimuth = random.between(0, 2 * PI), radius = std::sqrt(1 - y * y);
        const glm::vec3 d(radius * std::cos(azimuth), y, radius * std::sin(azimuth));
        if (max_component(environment_radiance(sky.data, d)) > 0) REQUIRE(environment_pdf(sky.data, d) > 0);
    }
}

TEST_CASE("directions to a constant environment are uniform") {
    SceneData data{};
    data.flags = SCENE_HAS_ENVIRONMENT | SCENE_ENVIRONMENT_CONSTANT;
    Random random(65);
    std::vector<double> count(64), expected(64, 200000 / 64.0);
    for (int i = 0; i < 200000; ++i) {
        const glm::vec3 d = sample_environment(data, {random.bits(), random.bits()});
        const int ring = std::clamp(static_cast<int>((d.y + 1) * 4), 0, 7);
        const int sector = std::clamp(static_cast<int>((std::atan2(d.z, d.x) / (2 * PI) + 0.5f) * 8), 0, 7);
        ++count[static_cast<std::size_t>(ring) * 8 + static_cast<std::size_t>(sector)];
    }
    CHECK(tests::chi_squared(count, expected).p > 0.001);
    CHECK(environment_pdf(data, {0, 1, 0}) == doctest::Approx(1 / (4 * M_PI)));
}

TEST_CASE("scattering that meets an emitter is given the density with which light sampling draws that point") {
    // For every light sample: a ray in its direction meets the same emitter, and hit_light_pdf says what sample_light said. 1 / pdf
    // averages to the solid angle. Emitters of unlike power, one of them stretched and mirrored by its node.
    tests::GltfWriter writer;
    const glm::mat4 placement(glm::vec4(0.5f, 0, 0.5f, 0), glm::vec4(0, -2, 0, 0), glm::vec4(-1, 0, 1, 0), glm::vec4(-2, 1, 0.5f, 1));
    writer.node(
        {.mesh = writer.mesh({{tests::quad({2, 0.5f, 0}, {0, 0.7f, 0.3f}, {0.2f, 0, 0.9f}), writer.material(tests::emitter({5, 1, 2}))}})});
    writer.node({.matrix = placement,
                 .mesh = writer.mesh(
                     {{tests::triangle({-0.4f, 0, 0}, {0.5f, 0.1f, 0}, {0, 0.6f, 0.2f}), writer.material(tests::emitter({1, 1, 1}))}})});
    const auto flat = tests::flat_scene(writer, {}, nullptr);
    const SceneData data = scene::referring(flat);
    const glm::vec3 origin(0.1f, 0.2f, -0.3f), normal(0, 0.8f, 0.6f); // both emitters lie before the surface
    Random random(66);
    double inverse_sum = 0;
    constexpr int draws = 100000;
    int disagreements = 0;
    for (int i = 0; i < draws; ++i) {
        const LightSample light = sample_light(data, origin, normal, {random.bits(), random.bits()}, {random.bits(), random.bits()});
        REQUIRE(light.pdf > 0);
        REQUIRE(light.has_extent);
        inverse_sum += 1 / static_cast<double>(light.pdf);
        RayHit hit{NONE, 0, RAY_INFINITY, 0, 0};
        for (std::uint32_t instance = 0; instance < flat.instances.size(); ++instance) {
            const SceneInstance& placed = flat.instances[instance];
            const SceneMesh& mesh = flat.meshes[placed.mesh];
            const glm::vec3 from = transform_point(placed.world_to_object, origin),
                            along = transform_vector(placed.world_to_object, light.direction);
            for (std::uint32_t t = mesh.first_triangle; t < mesh.first_triangle + mesh.triangle_count; ++t) {
                const SceneTriangle& corners = flat.triangles[t];
                TriangleHit at;
                if (intersect_triangle(make_ray_frame(along), from, hit.t, flat.positions[corners.v0], flat.positions[corners.v1],
                                       flat.positions[corners.v2], at))
                    hit = {instance, t, at.t, at.u, at.v};
            }
        }
        if (hit.instance == NONE) { // drawn on the very edge
            ++disagreements;
            continue;
        }
        REQUIRE(light.t_max < hit.t); // the shadow ray ends before the emitter
        const SurfacePoint point = make_surface_point(data, hit, light.direction);
        const float pdf = hit_light_pdf(data, hit, point, origin, normal, light.direction);
        if (std::abs(pdf / light.pdf - 1) > 1e-3f) ++disagreements; // the other triangle of a quad, or an edge
    }
    CHECK(disagreements < 20);
    // Solid angle of a triangle: Van Oosterom and Strackee (1983).
    double exact = 0;
    for (const SceneLight& light : flat.lights) {
        std::array<glm::dvec3, 3> r;
        const SceneTriangle& corners = flat.triangles[light.triangle];
        for (int k = 0; k < 3; ++k)
            r[static_cast<std::size_t>(k)] = glm::normalize(
                glm::dvec3(transform_point(flat.instances[light.instance].object_to_world, flat.positions[k == 0   ? corners.v0
                                                                                                          : k == 1 ? corners.v1
                                                                                                                   : corners.v2]) -
                           origin));
        exact += 2 * std::atan2(std::abs(glm::dot(r[0], glm::cross(r[1], r[2]))),
                                1 + glm::dot(r[0], r[1]) + glm::dot(r[1], r[2]) + glm::dot(r[2], r[0]));
    }
    // The estimate's spread is below 1.5 of its mean: 4.5 standard errors are at most 2.2 %.
    CHECK(inverse_sum / draws == doctest::Approx(exact).epsilon(0.02));
}

TEST_CASE("no shadow ray is stopped by the emitter it asks, from millimetres to kilometres") {
    // Sizes and distances over many decades, far from the world's origin; the ray starts at the surface that asks.
    Random random(67);
    int stopped = 0, asked = 0;
    for (int i = 0; i < 2000; ++i) {
        const float size = std::pow(10.0f, random.between(-3, 3)), away = size * std::pow(10.0f, random.between(-1, 2));
        const auto any = [&](float scale) {
            return scale * glm::vec3(random.between(-1, 1), random.between(-1, 1), random.between(-1, 1));
        };
        scene::FlatScene flat;
        flat.positions = {any(size), any(size), any(size)};
        flat.triangles = {{0, 1, 2, 0}};
        SceneMesh mesh{};
        mesh.triangle_count = 1, mesh.vertex_count = 3;
        mesh.first_normal = mesh.first_tangent = mesh.first_color = mesh.first_uv0 = mesh.first_uv1 = mesh.first_uv2 = mesh.first_uv3 =
            NONE;
        flat.meshes = {mesh};
        SceneInstance instance{};

        instance.object_to_world = glm::mat4x3(1);
        instance.object_to_world[3] = any(away * 10);
        instance.world_to_object = glm::mat4x3(glm::inverse(glm::mat4(instance.object_to_world)));
        flat.instances = {instance};
        SceneMaterial material{};
        material.emission = glm::vec3(1);
        for (TextureUse* use : {&material.base_color_texture, &material.metallic_roughness_texture, &material.normal_texture,
                                &material.emission_texture, &material.specular_texture, &material.specular_color_texture})
            use->texture = NONE;
        flat.materials = {material};
        SceneLight entry{};
        entry.kind = LIGHT_TRIANGLE;
        flat.lights = {entry};
        scene::build_light_tree(flat, {{.light = 0,
                                        .lower = glm::dvec3(-1),
                                        .upper = glm::dvec3(1),
                                        .axis = {0, 0, 1},
                                        .spread = 3.1415926535,
                                        .emission = 1.5707963,
                                        .both_sides = false,
                                        .intensity = 1}});
        flat.head.light_count = 1;
        const SceneData data = scene::referring(flat);
        for (int k = 0; k < 20; ++k) {
            const glm::vec3 origin = flat.instances[0].object_to_world[3] + any(away), normal(0, 1, 0);
            const LightSample light = sample_light(data, origin, normal, {random.bits(), random.bits()}, {random.bits(), random.bits()});
            if (light.pdf == 0) continue;
            const glm::vec3 from = transform_point(instance.world_to_object, origin),
                            along = transform_vector(instance.world_to_object, light.direction);
            TriangleHit at;
            ++asked;
            stopped +=
                intersect_triangle(make_ray_frame(along), from, light.t_max, flat.positions[0], flat.positions[1], flat.positions[2], at);
        }
    }
    CHECK(asked > 30000);
    CHECK(stopped == 0);
}

TEST_CASE("the two techniques' weights add up to 1") {
    Random random(68);
    for (int i = 0; i < 10000; ++i) {
        const float a = std::pow(10.0f, random.between(-18, 18)), b = std::pow(10.0f, random.between(-18, 18));
        REQUIRE(mis_weight(a, b) + mis_weight(b, a) == doctest::Approx(1).epsilon(1e-6));
    }
    CHECK(mis_weight(1, 0) == 1);
    CHECK(mis_weight(0, 1) == 0);
    CHECK(mis_weight(3e38f, 1e-38f) == 1);
    CHECK(mis_weight(1e-38f, 3e38f) == 0);
}

TEST_CASE("a BLEND hit stops a closest ray as often as its alpha says, and the same ray always alike") {
    tests::GltfWriter writer;
    tests::Material material = tests::lambert({1, 1, 1});
    material.alpha_mode = "BLEND";
    material.base_color.w = 0.3f;
    writer.node({.mesh = writer.mesh({{tests::quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0}), writer.material(material)}})});
    const auto flat = tests::flat_scene(writer, {}, nullptr);
    const SceneData data = scene::referring(flat);
    CHECK((flat.instances[0].flags & INSTANCE_HAS_ALPHA) != 0);
    PathState path{};
    int stopped = 0, both = 0, bounces = 0;
    constexpr int paths = 100000;
    for (int i = 0; i < paths; ++i) {
        path.key = pixel_key(1, static_cast<std::uint32_t>(i % 256), static_cast<std::uint32_t>(i / 256));
        path.vertex = 0;
        const std::uint32_t key = path_alpha_key(path);
        const bool first = accept_hit(data, 0, 0, 0.2f, 0.3f, key), second = accept_hit(data, 0, 1, 0.2f, 0.3f, key);
        REQUIRE(accept_hit(data, 0, 0, 0.2f, 0.3f, key) == first);
        path.vertex = 1;
        stopped += first, both += first && second, bounces += first && accept_hit(data, 0, 0, 0.2f, 0.3f, path_alpha_key(path));
    }
    // 4.5 standard deviations of a binomial count; two triangles, and two rays of a path, decide independently.
    const auto near = [](int count, double probability) {
        return std::abs(count - paths * probability) < 4.5 * std::sqrt(paths * probability * (1 - probability));
    };
    CHECK(near(stopped, 0.3));
    CHECK(near(both, 0.09));
    CHECK(near(bounces, 0.09));
    CHECK(transmittance_of_hit(data, 0, 0, 0.2f, 0.3f) == doctest::Approx(0.7));
}
