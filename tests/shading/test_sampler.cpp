#include "shaders/shared/sampler.h"

#include "tests/support/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <doctest/doctest.h>
#include <numbers>

using namespace raymill::shading;
using raymill::tests::chi_squared;
using raymill::tests::sidak_level;

namespace {

constexpr std::uint32_t all_vertex_decisions = 4;

/// Second dimension of Sobol's sequence from its direction numbers (Joe and Kuo's: primitive polynomial x + 1, m = 1).
std::uint32_t sobol_second(std::uint32_t index) {
    std::uint32_t direction = 1u << 31, result = 0;
    for (; index != 0; index >>= 1, direction ^= direction >> 1)
        if ((index & 1) != 0) result ^= direction;
    return result;
}

} // namespace

TEST_CASE("the butterflies are Sobol's second dimension, bit for bit") {
    raymill::tests::Random random(1);
    for (int i = 0; i < 10000; ++i) {
        const std::uint32_t index = random.bits();
        REQUIRE(bitfieldReverse(sobol_second_reversed(index)) == sobol_second(index));
    }
}

TEST_CASE("any aligned run of 2^m samples has exactly one in each elementary interval") {
    // Breaks where shuffling takes samples out of their block, or where a scramble lets a lower digit decide a higher one. Every interval
    // 2^-j x 2^-(m-j) of the unit square is looked at, for several pixels, decisions and blocks.
    for (std::uint32_t m = 0; m <= 10; ++m) {
        for (std::uint32_t trial = 0; trial < 12; ++trial) {
            const std::uint32_t key = pixel_key(trial, 17 * trial, 5), decision = trial % 9, first = trial << m;
            for (std::uint32_t j = 0; j <= m; ++j) {
                std::vector<int> count(std::size_t{1} << m);
                for (std::uint32_t i = 0; i < (1u << m); ++i) {
                    const glm::uvec2 bits = sample_bits(key, first + i, decision);
                    const std::uint32_t x = j == 0 ? 0 : bits.x >> (32 - j), y = j == m ? 0 : bits.y >> (32 - (m - j));
                    ++count[x << (m - j) | y];
                }
                REQUIRE(std::ranges::all_of(count, [](int n) { return n == 1; }));
            }
        }
    }
}

TEST_CASE("a sample's numbers are uniform over pixels, for every sample and decision looked at") {
    // Owen scrambling makes each single number uniform over keys. Chi-squared, 16 x 16 cells, 65536 pixels: a cell that is 8 % off fails.
    const std::vector<std::uint32_t> samples = {0, 1, 2, 3, 7, 64, 1000, 1u << 19}, decisions = {0, 1, 2, 3, 4, 4 * 1024};
    const double level = sidak_level(0.001, samples.size() * decisions.size());
    for (const std::uint32_t sample : samples) {
        for (const std::uint32_t decision : decisions) {
            std::vector<double> count(256), expected(256, 256.0);
            for (std::uint32_t y = 0; y < 256; ++y)
                for (std::uint32_t x = 0; x < 256; ++x) {
                    const glm::vec2 u = sample_unit_square(pixel_key(3, x, y), sample, decision);
                    ++count[static_cast<std::size_t>(u.x * 16) * 16 + static_cast<std::size_t>(u.y * 16)];
                }
            INFO("sample " << sample << ", decision " << decision);
            CHECK(chi_squared(count, expected).p > level);
        }
    }
}

TEST_CASE("two decisions, two neighbouring pixels and two seeds share nothing") {
    // Pairs of numbers that must be independent over samples and pixels: chi-squared on 16 x 16 cells. Breaks where keys collide or a
    // shuffle is shared, which shows as structure between bounces or between pixels.
    struct Pair {
        const char* name;
        std::uint32_t seed, x, y, decision;
        bool second;
    };
    const std::vector<Pair> others = {{"next decision", 9, 0, 0, 1, false},   {"next vertex", 9, 0, 0, all_vertex_decisions, false},
                                      {"own other number", 9, 0, 0, 0, true}, {"pixel to the right", 9, 1, 0, 0, false},
                                      {"pixel below", 9, 0, 1, 0, false},     {"seed", 10, 0, 0, 0, false},
                                      {"swapped pixel", 9, 5, 3, 0, false},   {"far pixel", 9, 0, 32768, 0, false}};
    const double level = sidak_level(0.001, others.size());
    for (const Pair& other : others) {
        std::vector<double> count(256), expected(256, 262144 / 256.0);
        for (std::uint32_t pixel = 0; pixel < 4096; ++pixel) {
            const std::uint32_t x = pixel % 64 * 2, y = pixel / 64 * 2;
            for (std::uint32_t sample = 0; sample < 64; ++sample) {
                const glm::uvec2 b = sample_bits(pixel_key(other.seed, x + other.x, y + other.y), sample, other.decision);
                const std::uint32_t first = sample_bits(pixel_key(9, x, y), sample, 0).x, second = other.second ? b.y : b.x;
                ++count[(first >> 28) * 16 + (second >> 28)];
            }
        }
        const auto result = chi_squared(count, expected);
        INFO(other.name << ": chi-squared " << result.statistic);
        // Within one pixel's decision the counts are stratified, hence more even than chance: only the upper tail is a fault.
        CHECK(result.p > level);
    }
}

TEST_CASE("a pixel's samples integrate a smooth function far better than independent ones") {
    // f = (1 + cos 2 pi x sin 2 pi y) (1 + x y) over the unit square. Owen's scrambled nets reach a variance of order n^-3 log n;
    // independent samples give var(f) / n. At 256 samples that is a ratio of 200, measured with scrambling by prefix tables as well; broken
    // stratification gives about 1.
    const auto f = [](glm::vec2 u) {
        const double turn = 2 * std::numbers::pi;
        return (1 + std::cos(turn * static_cast<double>(u.x)) * std::sin(turn * static_cast<double>(u.y))) *
               (1 + static_cast<double>(u.x) * static_cast<double>(u.y));
    };
    raymill::tests::Random random(4);
    std::vector<double> net, independent;
    for (std::uint32_t pixel = 0; pixel < 400; ++pixel) {
        double a = 0, b = 0;
        for (std::uint32_t sample = 0; sample < 256; ++sample) {
            a += f(sample_unit_square(pixel_key(5, pixel, 7), sample, 2));
            b += f({random.unit(), random.unit()});
        }
        net.push_back(a / 256), independent.push_back(b / 256);
    }
    const auto mean_net = raymill::tests::mean_of(net), mean_independent = raymill::tests::mean_of(independent);
    CHECK(std::abs(raymill::tests::welch_t(mean_net, mean_independent)) < 4.5);
    const double ratio = std::pow(mean_independent.standard_error / mean_net.standard_error, 2);
    INFO("variance ratio " << ratio);
    CHECK(ratio > 140);
}

TEST_CASE("sample counts that are no power of two are unbiased and still better than independent samples") {
    std::vector<double> means;
    for (std::uint32_t pixel = 0; pixel < 1000; ++pixel) {
        double sum = 0;
        for (std::uint32_t sample = 0; sample < 100; ++sample) {
            const glm::vec2 u = sample_unit_square(pixel_key(6, pixel, 1), sample, 4);
            sum += static_cast<double>(u.x) * static_cast<double>(u.y);
        }
        means.push_back(sum / 100);
    }
    const auto mean = raymill::tests::mean_of(means);
    CHECK(std::abs(mean.value - 0.25) < 4.5 * mean.standard_error);
    // var(x y) = 7/144: independent samples would have this standard error over all pixels.
    CHECK(mean.standard_error < 0.2 * std::sqrt(7.0 / 144 / 100 / 1000));
}

TEST_CASE("multiply_high is the upper half of the 64-bit product") {
    raymill::tests::Random random(2);
    for (int i = 0; i < 100000; ++i) {
        const std::uint32_t a = random.bits(), b = random.bits() >> (i % 32);
        REQUIRE(multiply_high(a, b) == static_cast<std::uint32_t>((std::uint64_t{a} * b) >> 32));
    }
    CHECK(multiply_high(0xffffffffu, 0xffffffffu) == 0xfffffffeu);
}

TEST_CASE("no random number is 1") {
    CHECK(unit_float(0xffffffffu) < 1.0f);
    CHECK(unit_float(0) == 0.0f);
}
