#include "shaders/shared/bsdf_material.h"

#include "tests/shading/directional_histogram.hpp"
#include "tests/support/statistics.hpp"

#include <doctest/doctest.h>
#include <numeric>
#include <string>

using namespace raymill::shading;
using raymill::tests::DirectionalHistogram;
using raymill::tests::Random;

namespace {

constexpr float degree = PI / 180;

glm::vec3 view_at(float degrees) { return {std::sin(degrees * degree), 0, std::cos(degrees * degree)}; }

struct Surface {
    std::string name;
    glm::vec3 base_color{0.8f, 0.5f, 0.2f};
    float metallic = 0, roughness = 0.5f, ior = 1.5f, specular = 1;
    glm::vec3 specular_color{1};

    [[nodiscard]] Bsdf seen_from(glm::vec3 view) const {
        return make_bsdf(base_color, metallic, roughness, ior, specular, specular_color, view.z);
    }
};

std::vector<Surface> surfaces() {
    std::vector<Surface> result = {{.name = "Lambert", .specular = 0}};
    for (const float roughness : {0.05f, 0.3f, 1.0f}) {
        const std::string suffix = " of roughness " + std::to_string(roughness);
        result.push_back({.name = "metal" + suffix, .metallic = 1, .roughness = roughness});
        result.push_back({.name = "dielectric" + suffix, .roughness = roughness});
        result.push_back({.name = "half metal with coloured specular" + suffix,
                          .metallic = 0.5f,
                          .roughness = roughness,
                          .ior = 2.0f,
                          .specular = 0.7f,
                          .specular_color = {1, 0.5f, 0.2f}});
    }
    return result;
}

constexpr float angles[] = {0, 45, 85};

/// Integral over the upper hemisphere of value x cosine, of the first channel.
double albedo(const Surface& surface, glm::vec3 view) {
    const Bsdf bsdf = surface.seen_from(view);
    const DirectionalHistogram bins(glm::vec3(-view.x, -view.y, view.z), std::max(0.3 * static_cast<double>(bsdf.alpha), 1e-3));
    const auto parts = bins.integrate([&](glm::vec3 light) {
        float pdf;
        return static_cast<double>(evaluate_bsdf(bsdf, view, light, pdf).x);
    });
    return std::accumulate(parts.begin(), parts.end(), 0.0);
}

} // namespace

TEST_CASE("directions are drawn with the density that is claimed for them") {
    // Chi-squared over 384 bins round the mirror direction for every lobe, roughness and angle; 100000 samples each, Sidak's level over all
    // of them. Directions that fall below the horizon are one more cell. A density that is 3 % off over a tenth of its mass fails.
    const auto all = surfaces();
    const double level = raymill::tests::sidak_level(0.01, all.size() * std::size(angles));
    constexpr int samples = 100000;
    std::uint64_t seed = 100;
    for (const Surface& surface : all) {
        for (const float angle : angles) {
            const glm::vec3 view = view_at(angle);
            const Bsdf bsdf = surface.seen_from(view);
            const DirectionalHistogram bins(glm::vec3(-view.x, -view.y, view.z), std::max(0.3 * static_cast<double>(bsdf.alpha), 1e-3));
            std::vector<double> expected = bins.integrate([&](glm::vec3 light) {
                float pdf;
                (void)evaluate_bsdf(bsdf, view, light, pdf);
                return static_cast<double>(pdf);
            });
            const double total = std::accumulate(expected.begin(), expected.end(), 0.0);
            std::vector<double> count(DirectionalHistogram::size() + 1);
            Random random(++seed);
            for (int i = 0; i < samples; ++i) {
                const glm::vec2 u(random.unit(), random.unit());
                const BsdfSample sample = sample_bsdf(bsdf, view, u, random.unit());
                ++count[sample.light.z > 0 ? bins.bin(sample.light) : DirectionalHistogram::size()];
            }
            INFO(surface.name << " at " << angle << " degrees, seed " << seed << ", integral of the density " << total);
            // What the density's integral lacks to 1 is what falls below the horizon; that it is the right amount is one of the cells.
            CHECK(total <= 1 + 5e-4);
            expected.push_back(std::max(0.0, 1 - total));
            for (double& e : expected) e *= samples;
            const auto result = raymill::tests::chi_squared(count, expected);
            INFO("chi-squared " << result.statistic << " of " << result.freedom << " degrees, p " << result.p);
            CHECK(result.p > level);
        }
    }
}

TEST_CASE("the density of visible facets integrates to 1 with what it sends below the horizon") {
    // The formula without its cut at the horizon, in double precision; and evaluate_ggx has exactly this density above it.
    for (const float alpha : {0.0025f, 0.09f, 1.0f}) {
        for (const float angle : angles) {
            const glm::vec3 view = view_at(angle);
            const auto density = [&](glm::vec3 light) {
                const glm::dvec3 sum = glm::dvec3(view) + glm::dvec3(light);
                const glm::dvec3 h = glm::normalize(sum);
                const double a2 = static_cast<double>(alpha) * static_cast<double>(alpha), c = static_cast<double>(view.z);
                if (h.z <= 0) return 0.0;
                const double d = a2 / (M_PI * std::pow(h.x * h.x + h.y * h.y + a2 * h.z * h.z, 2));
                return d / (2 * (c + std::sqrt(a2 + (1 - a2) * c * c)));
            };
            const DirectionalHistogram bins(glm::vec3(-view.x, -view.y, view.z), std::max(0.3 * static_cast<double>(alpha), 1e-3));
            const auto parts = bins.integrate(density);
            INFO("alpha " << alpha << " at " << angle << " degrees");
            CHECK(std::accumulate(parts.begin(), parts.end(), 0.0) == doctest::Approx(1).epsilon(2e-3));
            Random random(7);
            for (int i = 0; i < 1000; ++i) {
                const glm::vec3 light = sample_ggx(alpha, view, {random.unit(), random.unit()});
                if (light.z <= 0.01f) continue;
                float pdf;
                (void)evaluate_ggx(alpha, view, light, half_vector(view, light), pdf);
                // Half vectors of narrow lobes carry single precision's rounding: relative 1e-7 / alpha.
                CHECK(static_cast<double>(pdf) == doctest::Approx(density(light)).epsilon(1e-3));
            }
        }
    }
}

TEST_CASE("the weight of a sample is value x cosine / density") {
    for (const Surface& surface : surfaces()) {
        for (const float angle : angles) {
            const glm::vec3 view = view_at(angle);
            const Bsdf bsdf = surface.seen_from(view);
            Random random(21);
            for (int i = 0; i < 2000; ++i) {
                const glm::vec2 u(random.unit(), random.unit());
                const BsdfSample sample = sample_bsdf(bsdf, view, u, random.unit());
                float pdf;
                const glm::vec3 value = evaluate_bsdf(bsdf, view, sample.light, pdf);
                REQUIRE(pdf == sample.pdf);
                if (pdf > 0) {
                    REQUIRE(glm::all(glm::lessThanEqual(glm::abs(sample.weight * pdf - value), 1e-5f * value)));
                } else {
                    REQUIRE(sample.weight == glm::vec3(0));
                }
                REQUIRE(std::abs(glm::length(sample.light) - 1) < 1e-5f);
            }
        }
    }
}

TEST_CASE("light may travel either way: the BSDF is reciprocal") {
    Random random(31);
    for (const Surface& surface : surfaces()) {
        for (int i = 0; i < 2000; ++i) {
            const glm::vec3 a = sample_cosine_hemisphere({random.unit(), random.unit()}),
                            b = sample_cosine_hemisphere({random.unit(), random.unit()});
            if (a.z < 1e-3f || b.z < 1e-3f) continue;
            float pdf;
            const glm::vec3 there = evaluate_bsdf(surface.seen_from(a), a, b, pdf) / b.z,
                            back = evaluate_bsdf(surface.seen_from(b), b, a, pdf) / a.z;
            INFO(surface.name);
            REQUIRE(glm::all(glm::lessThanEqual(glm::abs(there - back), 2e-5f * glm::max(there, back) + 1e-7f)));
        }
    }
}

TEST_CASE("no lobe reflects more than arrives") {
    for (const float angle : {0.0f, 20.0f, 45.0f, 70.0f, 85.0f, 89.0f}) {
        INFO(angle << " degrees");
        CHECK(albedo({.name = "Lambert", .base_color = glm::vec3(1), .specular = 0}, view_at(angle)) == doctest::Approx(1).epsilon(1e-4));
        for (const float roughness : {0.05f, 0.2f, 0.5f, 1.0f}) {
            const double metal =
                albedo({.name = "metal", .base_color = glm::vec3(1), .metallic = 1, .roughness = roughness}, view_at(angle));
            INFO("roughness " << roughness << ", reflects " << metal);
            CHECK(metal <= 1 + 1e-4);
            // Single scatter: rough metal loses what would bounce on between facets, smooth metal next to nothing at steep angles.
            CHECK(metal > (roughness < 0.3f && angle < 80 ? 0.98 : 0.3));
        }
    }
}

TEST_CASE("the roughest white metal, seen from above, reflects 1 - ln 2") {
    // Closed form for alpha 1: D is 1 / pi everywhere, and the lobe integrates to that (substitute c = cosine of the light).
    const double reflected = albedo({.name = "metal", .base_color = glm::vec3(1), .metallic = 1, .roughness = 1}, view_at(0));
    CHECK(reflected == doctest::Approx(1 - std::log(2)).epsilon(1e-4));
}

TEST_CASE("the appendix's dielectric mixture keeps its known excess, and no more") {
    // glTF's base layer is dimmed by the Fresnel term at the half vector, so a white dielectric reflects more than arrives where it is seen
    // at grazing angles. That is the format's model (bsdf_material.h). What may not happen: an excess at steep angles, or a grey surface
    // that feeds itself: over all angles a surface of base colour 0.9 must give less than it takes.
    for (const float roughness : {0.1f, 0.3f, 0.6f, 1.0f}) {
        const auto reflected = [&](float base, float angle) {
            return albedo({.name = "dielectric", .base_color = glm::vec3(base), .roughness = roughness}, view_at(angle));
        };
        INFO("roughness " << roughness << ": " << reflected(1, 0) << " at 0, " << reflected(1, 45) << " at 45, " << reflected(1, 85)
                          << " at 85 degrees");
        CHECK(reflected(1, 0) <= 1.01);
        CHECK(reflected(1, 45) <= 1.02);
        CHECK(reflected(1, 85) <= 1.6);
        double average = 0; // cosine-weighted over the hemisphere: 2 sin cos, midpoint rule
        for (int i = 0; i < 9; ++i) {
            const double t = (i + 0.5) * 10 * M_PI / 180;
            average += reflected(0.9f, static_cast<float>(i) * 10 + 5) * std::sin(2 * t) * (M_PI / 18);
        }
        INFO("average at base colour 0.9: " << average);
        CHECK(average < 1);
    }
}

TEST_CASE("a smooth surface is a mirror with Schlick's reflectance") {
    const glm::vec3 base(0.9f, 0.5f, 0.1f);
    for (const float angle : {0.0f, 60.0f, 85.0f}) {
        const glm::vec3 view = view_at(angle);
        const Bsdf bsdf = make_bsdf(base, 1, 0, 1.5f, 1, glm::vec3(1), view.z);
        CHECK(is_mirror(bsdf));
        CHECK_FALSE(has_finite_lobe(bsdf));
        const BsdfSample sample = sample_bsdf(bsdf, view, {0.3f, 0.6f}, 0.5f);
        CHECK(sample.pdf == 0);
        CHECK(sample.light == glm::vec3(-view.x, -view.y, view.z));
        const double falloff = std::pow(1 - std::cos(static_cast<double>(angle) * M_PI / 180), 5);
        for (int channel = 0; channel < 3; ++channel)
            CHECK(static_cast<double>(sample.weight[channel]) ==
                  doctest::Approx(static_cast<double>(base[channel]) + (1 - static_cast<double>(base[channel])) * falloff).epsilon(1e-5));
        float pdf;
        CHECK(evaluate_bsdf(bsdf, view, sample.light, pdf) == glm::vec3(0));
        CHECK(pdf == 0);
    }
}

TEST_CASE("specular 0 makes a pure Lambert surface, whatever roughness, index and colour say") {
    for (const float roughness : {0.0f, 0.5f, 1.0f}) {
        const Bsdf bsdf = make_bsdf({0.5f, 0.25f, 1.0f}, 0, roughness, 2.5f, 0, glm::vec3(1, 0, 0), 0.4f);
        CHECK(bsdf.glossy_probability == 0);
        float pdf;
        const glm::vec3 light = glm::normalize(glm::vec3(0.3f, 0.5f, 0.6f));
        const glm::vec3 value = evaluate_bsdf(bsdf, view_at(66), light, pdf);
        CHECK(value.x == doctest::Approx(0.5f * light.z / PI));
        CHECK(value.y == doctest::Approx(0.25f * light.z / PI));
        CHECK(pdf == doctest::Approx(light.z / PI));
    }
}

TEST_CASE("KHR_materials_ior and _specular set the reflectance at normal incidence") {
    const auto f0 = [](float ior, float specular, glm::vec3 color) {
        const Bsdf bsdf = make_bsdf(glm::vec3(0), 0, 0, ior, specular, color, 1);
        return glossy_fresnel(bsdf, 0);
    };
    CHECK(f0(1.5f, 1, glm::vec3(1)).x == doctest::Approx(0.04));
    CHECK(f0(1.33f, 1, glm::vec3(1)).x == doctest::Approx(0.33 * 0.33 / (2.33 * 2.33)));
    CHECK(f0(1.5f, 0.25f, glm::vec3(1)).x == doctest::Approx(0.01));
    CHECK(f0(1.5f, 1, glm::vec3(2, 1, 0.5f)).x == doctest::Approx(0.08));
    CHECK(f0(1.5f, 1, glm::vec3(100, 1, 0)).x == 1.0f);         // min(f0, 1)
    CHECK(f0(0, 1, glm::vec3(0.3f)).x == doctest::Approx(0.3)); // ior 0: no refraction, the colour alone
    CHECK(f0(1, 1, glm::vec3(1)).x == 0.0f);
    // f90 is the weight: at grazing incidence the surface reflects `specular`.
    CHECK(glossy_fresnel(make_bsdf(glm::vec3(0), 0, 0, 1.5f, 0.25f, glm::vec3(1), 1), 1).x == doctest::Approx(0.25));
}

TEST_CASE("no pair of directions and no parameter makes the BSDF infinite or NaN") {
    Random random(41);
    const float edges[] = {0, 1e-6f, 1e-3f, 0.0099f, 0.0101f, 0.5f, 1};
    for (int i = 0; i < 200000; ++i) {
        const auto edge = [&] { return edges[random.bits() % std::size(edges)]; };
        const auto any_direction = [&] {
            glm::vec3 d = sample_cosine_hemisphere({random.unit(), random.unit()});
            const std::uint32_t kind = random.bits() % 4;
            if (kind == 0) d = glm::vec3(0, 0, 1);
            if (kind == 1) d = glm::normalize(glm::vec3(d.x, d.y, 1e-5f));
            return d;
        };
        const glm::vec3 view = any_direction();
        if (view.z <= 0) continue;
        const Bsdf bsdf = make_bsdf(glm::vec3(edge(), edge(), edge()), edge(), edge(), random.bits() % 2 == 0 ? 0.0f : 1.0f + edge(),
                                    edge(), glm::vec3(edge(), edge(), 3 * edge()), view.z);
        float pdf;
        const glm::vec3 value = evaluate_bsdf(bsdf, view, any_direction(), pdf);
        REQUIRE(std::isfinite(value.x + value.y + value.z));
        REQUIRE(std::isfinite(pdf));
        REQUIRE(pdf >= 0);
        const BsdfSample sample = sample_bsdf(bsdf, view, {random.unit(), i % 10 == 0 ? 0.0f : random.unit()}, random.unit());
        REQUIRE(std::isfinite(sample.weight.x + sample.weight.y + sample.weight.z));
        REQUIRE(std::isfinite(sample.light.x + sample.light.y + sample.light.z));
        REQUIRE(glm::all(glm::greaterThanEqual(sample.weight, glm::vec3(0))));
    }
}
