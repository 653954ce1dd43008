#include "shaders/shared/filter.h"

#include "tests/support/statistics.hpp"

#include <cmath>
#include <doctest/doctest.h>

using namespace raymill::shading;

TEST_CASE("samples of the Blackman-Harris filter have its density") {
    // 300000 independent samples in 60 bins over the window against the window integrated in double precision from its definition (Harris
    // 1978).
    const auto window_integral = [](double t) {
        const double x = 2 * M_PI * t;
        return t + (-0.48829 * std::sin(x) + 0.14128 / 2 * std::sin(2 * x) - 0.01168 / 3 * std::sin(3 * x)) / (2 * M_PI * 0.35875);
    };
    constexpr int bins = 60, samples = 300000;
    std::vector<double> count(bins), expected(bins);
    raymill::tests::Random random(11);
    double sum = 0, squares = 0;
    for (int i = 0; i < samples; ++i) {
        const float offset = sample_blackman_harris(random.unit());
        REQUIRE(std::abs(offset) <= 1.5f);
        ++count[std::min(bins - 1, static_cast<int>((offset / 3.0f + 0.5f) * bins))];
        sum += static_cast<double>(offset), squares += static_cast<double>(offset * offset);
    }
    for (int bin = 0; bin < bins; ++bin)
        expected[bin] = samples * (window_integral((bin + 1.0) / bins) - window_integral(static_cast<double>(bin) / bins));
    CHECK(raymill::tests::chi_squared(count, expected).p > 0.001);
    // The filter is even: no shift of the image. 4.5 standard errors of the mean.
    CHECK(std::abs(sum / samples) < 4.5 * std::sqrt(squares / samples / samples));
}

TEST_CASE("the inverse of the filter's distribution is one, into the far tails") {
    for (int i = 0; i < 4096; ++i) {
        const float u = static_cast<float>(i) / 4096.0f;
        const float t = sample_blackman_harris(u) / BLACKMAN_HARRIS_WINDOW + 0.5f;
        CHECK(std::abs(blackman_harris_cdf(t) - u) < 3e-6f);
    }
    CHECK(sample_blackman_harris(0.0f) >= -1.5f);
    CHECK(sample_blackman_harris(0.5f) == doctest::Approx(0).epsilon(1e-6));
    CHECK(sample_blackman_harris(0.99999994f) <= 1.5f);
}

TEST_CASE("half of the filter's peak is reached 0.515 pixels from the centre") {
    // The width that the interface calls 1.5 px is Blender's: a window of 3 px. A window of 1.5 px would have its half maximum at 0.26.
    CHECK(blackman_harris_pdf(0.5f + 0.51477f / 3) == doctest::Approx(0.5 * static_cast<double>(blackman_harris_pdf(0.5f))).epsilon(1e-3));
}

TEST_CASE("the box filter is the pixel itself") {
    const glm::vec2 u(0.25f, 0.75f);
    CHECK(sample_pixel_filter(FILTER_BOX, u) == u);
}
