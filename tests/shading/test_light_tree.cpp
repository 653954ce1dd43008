// Near lights are drawn by a tree. It could break by drawing with another probability than it says (bias), by never reaching a light that
// shines (missing light), or by a trail that leads to another leaf (wrong MIS weights).
#include "renderer/scene/light_tree.hpp"
#include "shaders/shared/direction.h"
#include "shaders/shared/light_tree.h"

#include <algorithm>
#include <cmath>
#include <doctest/doctest.h>
#include <random>

using namespace raymill;

namespace {

constexpr std::uint64_t seed = 11;

struct Lamps {
    scene::FlatScene flat;
    std::vector<scene::LightBounds> bounds;
    shading::SceneData data{};
};

double uniform(std::mt19937_64& random, double low, double high) { return std::uniform_real_distribution<double>(low, high)(random); }

glm::dvec3 random_direction(std::mt19937_64& random) {
    const double y = uniform(random, -1, 1), turn = uniform(random, 0, 6.283185307), r = std::sqrt(1 - y * y);
    return {r * std::cos(turn), y, r * std::sin(turn)};
}

/// `count` lights in a 10 m cube: points, narrow spots and small triangles, intensities over four decades.
Lamps random_lamps(std::mt19937_64& random, std::uint32_t count) {
    Lamps lamps;
    for (std::uint32_t i = 0; i < count; ++i) {
        scene::LightBounds b;
        b.light = i;
        b.lower = b.upper = glm::dvec3(uniform(random, -5, 5), uniform(random, -5, 5), uniform(random, -5, 5));
        b.axis = random_direction(random);
        b.intensity = std::pow(10, uniform(random, -2, 2));
        if (i % 3 == 0) b.spread = 3.14159265358979, b.emission = 1.5707963267949;
        if (i % 3 == 1) b.emission = 0.3;
        if (i % 3 == 2) b.emission = 1.5707963267949, b.both_sides = true, b.upper += glm::dvec3(0.2, 0.3, 0.1);
        lamps.bounds.push_back(b);
    }
    lamps.flat.lights.resize(count);
    scene::build_light_tree(lamps.flat, lamps.bounds);
    lamps.data = scene::referring(lamps.flat);
    return lamps;
}

} // namespace

TEST_CASE("the light tree's probabilities sum to one over all lights, wherever something can shine") {
    std::mt19937_64 random(seed);
    for (const std::uint32_t count : {1u, 2u, 3u, 17u, 1000u}) {
        const Lamps lamps = random_lamps(random, count);
        CHECK(lamps.flat.light_nodes.size() == 2 * count - 1);
        for (int trial = 0; trial < 50; ++trial) {
            const glm::vec3 place(glm::dvec3(uniform(random, -8, 8), uniform(random, -8, 8), uniform(random, -8, 8)));
            const glm::vec3 normal(random_direction(random));
            double sum = 0;
            for (const auto& light : lamps.flat.lights)
                sum += static_cast<double>(shading::near_light_pmf(lamps.data, place, normal, light.trail));
            // A walk may end in a pair of leaves that both cannot shine: then it draws nothing, and the sum is below one.
            CHECK(sum < 1 + 1e-4);
            if (count == 1) CHECK(sum == doctest::Approx(1));
            if (count == 1000) CHECK(sum > 0.6);
        }
    }
}

TEST_CASE("a light drawn from the tree comes with the probability that its trail gives, and as often") {
    // Power: 200000 draws; a light of share p errs by 4.5 sqrt(p / n), so a share that is wrong by a tenth shows for p above 0.01.
    std::mt19937_64 random(seed + 1);
    const Lamps lamps = random_lamps(random, 60);
    const glm::vec3 place(0.3f, -0.2f, 0.9f), normal(0, 1, 0);
    constexpr int draws = 200000;
    std::vector<int> counts(60, 0);
    for (int i = 0; i < draws; ++i) {
        float pmf = 0;
        const auto light = shading::pick_near_light(lamps.data, place, normal, static_cast<std::uint32_t>(random()), pmf);
        if (!(pmf > 0)) continue;
        REQUIRE(light < 60);
        ++counts[light];
        const float again = shading::near_light_pmf(lamps.data, place, normal, lamps.flat.lights[light].trail);
        if (std::abs(pmf - again) > 1e-5f * again) FAIL("pmf " << pmf << " when drawn, " << again << " by the trail");
    }
    for (std::uint32_t light = 0; light < 60; ++light) {
        const double p = static_cast<double>(shading::near_light_pmf(lamps.data, place, normal, lamps.flat.lights[light].trail));
        CHECK(std::abs(counts[light] - p * draws) <= 4.5 * std::sqrt(p * draws) + 1e-3 * draws * p + 1);
    }
}

TEST_CASE("no light that shines on a place is beyond the tree's reach there") {
    // Each leaf's own bounds decide whether it shines: in front of the surface and within its emission angle, both with a margin.
    std::mt19937_64 random(seed + 2);
    const Lamps lamps = random_lamps(random, 300);
    for (int trial = 0; trial < 200; ++trial) {
        const glm::dvec3 place(uniform(random, -8, 8), uniform(random, -8, 8), uniform(random, -8, 8)), normal = random_direction(random);
        for (const auto& b : lamps.bounds) {
            const glm::dvec3 to = 0.5 * (b.lower + b.upper) - place, direction = glm::normalize(to);
            const double leaving = b.both_sides ? std::abs(glm::dot(b.axis, direction)) : -glm::dot(b.axis, direction);
            const double angle = std::max(0.0, std::acos(std::clamp(leaving, -1.0, 1.0)) - b.spread);
            if (glm::dot(normal, direction) < 0.01 || angle > b.emission - 0.01) continue;
            const auto trail = lamps.flat.lights[b.light].trail;
            if (!(shading::near_light_pmf(lamps.data, glm::vec3(place), glm::vec3(normal), trail) > 0))
                FAIL("light " << b.light << " is lost");
        }
    }
}

TEST_CASE("a weak lamp close by is drawn more often than a strong one far away that gives less") {
    Lamps lamps;
    scene::LightBounds near_lamp, far_lamp;
    near_lamp.lower = near_lamp.upper = {0, 1, 0};
    near_lamp.spread = far_lamp.spread = 3.14159265358979;
    near_lamp.emission = far_lamp.emission = 1.5707963267949;
    near_lamp.intensity = 1; // 1 on the surface below
    far_lamp.light = 1;
    far_lamp.lower = far_lamp.upper = {0, 100, 0};
    far_lamp.intensity = 1000; // 0.1
    lamps.flat.lights.resize(2);
    scene::build_light_tree(lamps.flat, {near_lamp, far_lamp});
    lamps.data = scene::referring(lamps.flat);
    const float pmf = shading::near_light_pmf(lamps.data, glm::vec3(0), glm::vec3(0, 1, 0), lamps.flat.lights[0].trail);
    CHECK(pmf == doctest::Approx(1 / 1.1).epsilon(1e-3));
}

TEST_CASE("lights in one place still make a tree whose trails fit") {
    Lamps lamps;
    scene::LightBounds lamp;
    lamp.lower = lamp.upper = {1, 2, 3};
    lamp.spread = 3.14159265358979;
    lamp.emission = 1.5707963267949;
    lamp.intensity = 5;
    std::vector<scene::LightBounds> many(5000, lamp);
    for (std::uint32_t i = 0; i < many.size(); ++i) many[i].light = i;
    lamps.flat.lights.resize(many.size());
    scene::build_light_tree(lamps.flat, many);
    lamps.data = scene::referring(lamps.flat);
    for (const auto& light : lamps.flat.lights)
        if (const float pmf = shading::near_light_pmf(lamps.data, glm::vec3(0), glm::vec3(0, 1, 0), light.trail);
            std::abs(pmf * 5000 - 1) > 0.7f)
            FAIL("equal lights have unequal chances: " << pmf);
}

TEST_CASE("a packed direction comes back to within a ten-thousandth of a radian") {
    std::mt19937_64 random(seed + 3);
    for (int i = 0; i < 100000; ++i) {
        const glm::vec3 d(random_direction(random));
        const glm::vec3 back = shading::unpack_direction(shading::pack_direction(d));
        if (glm::length(back - d) > 1e-4f) FAIL("direction " << d.x << " " << d.y << " " << d.z);
    }
    for (const auto& d : {glm::vec3(0, 0, 1), glm::vec3(0, 0, -1), glm::vec3(1, 0, 0), glm::vec3(0, -1, 0)})
        CHECK(glm::length(shading::unpack_direction(shading::pack_direction(d)) - d) < 1e-4f);
}
