// Tone mapping, the sRGB curve and the step to integers.
#include "renderer/film/tone_map.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

namespace raymill::film {

TEST_CASE("PBR Neutral gives a base colour under white light back as authored, up to 0.8") {
    // The tone mapper's purpose: a Lambert surface of colour c under uniform light, with a dielectric's 4 % on top, is c + 0.04. A wrong
    // offset or an early shoulder shows at once.
    for (const glm::vec3& authored : {glm::vec3(0.04F), glm::vec3(0.5F, 0.25F, 0.1F), glm::vec3(0.75F), glm::vec3(0.05F, 0.75F, 0.3F)}) {
        const glm::vec3 shown = tone_map(authored + 0.04F, ToneMap::neutral, 0);
        for (int i = 0; i < 3; ++i) CHECK(shown[i] == doctest::Approx(authored[i]).epsilon(1e-5));
    }
}

TEST_CASE("PBR Neutral follows its published closed form") {
    // Grey x: below 0.08 it is 6.25 x^2; above 0.8, 1 - 0.24^2 / (x - 0.04 + 0.24 - 0.76).
    CHECK(tone_map(glm::vec3(0.04F), ToneMap::neutral, 0).x == doctest::Approx(6.25 * 0.04 * 0.04));
    CHECK(tone_map(glm::vec3(0.08F), ToneMap::neutral, 0).x == doctest::Approx(0.04));
    CHECK(tone_map(glm::vec3(2.0F), ToneMap::neutral, 0).x == doctest::Approx(1 - 0.0576 / (1.96 - 0.52)));
    // Red of 4: offset 0, peak 4 -> p = 1 - 0.0576 / 3.48; whitened by 1 - 1 / (0.15 (4 - p) + 1).
    const double peak = 1 - 0.0576 / (4 + 0.24 - 0.76), white = 1 - 1 / (0.15 * (4 - peak) + 1);
    const glm::vec3 red = tone_map(glm::vec3(4, 0, 0), ToneMap::neutral, 0);
    CHECK(red.x == doctest::Approx(peak));
    CHECK(red.y == doctest::Approx(peak * white));
    CHECK(red.z == red.y);
}

TEST_CASE("ACES and AgX give the greys that their sources state") {
    // Hill's fit on grey: rows of both matrices sum to 1 within the printed digits, so grey goes through the rational function alone.
    const auto fit = [](double v) { return (v * (v + 0.0245786) - 0.000090537) / (v * (0.983729 * v + 0.4329510) + 0.238081); };
    for (const float grey : {0.05F, 0.18F, 1.0F, 5.0F}) {
        const glm::vec3 shown = tone_map(glm::vec3(grey), ToneMap::aces, 0);
        for (int i = 0; i < 3; ++i) CHECK(shown[i] == doctest::Approx(std::min(fit(grey), 1.0)).epsilon(2e-4));
    }
    // AgX pivots about middle grey: log2(0.18) lies at 0.606 of its range and is shown at half of the encoded scale (0.5 in Sobotka's
    // original; the fit is 0.003 below).
    CHECK(std::pow(tone_map(glm::vec3(0.18F), ToneMap::agx, 0).x, 1 / 2.2F) == doctest::Approx(0.5).epsilon(0.01));
    // Outset undoes inset: a grey stays grey.
    const glm::vec3 grey = tone_map(glm::vec3(0.4F), ToneMap::agx, 0);
    CHECK(grey.x == doctest::Approx(grey.y).epsilon(1e-3));
    CHECK(grey.x == doctest::Approx(grey.z).epsilon(1e-3));
}

TEST_CASE("brighter grey never shows darker, black is black and the brightest is white, on every curve") {
    // Non-monotone fits, overflow at the top, or NaN from a log of 0 would show.
    for (const ToneMap curve : {ToneMap::neutral, ToneMap::aces, ToneMap::agx, ToneMap::none}) {
        float last = -1;
        for (int step = 0; step <= 4000; ++step) {
            const float grey = step == 0 ? 0.0F : std::exp2(static_cast<float>(step) / 4000 * 40 - 20);
            const glm::vec3 shown = tone_map(glm::vec3(grey), curve, 0);
            for (int i = 0; i < 3; ++i) {
                REQUIRE(shown[i] >= 0);
                REQUIRE(shown[i] <= 1);
            }
            CAPTURE(grey);
            REQUIRE(shown.y >= last - 2e-7F); // the curves' flat tops are limited by float rounding
            last = shown.y;
        }
        CHECK(tone_map(glm::vec3(0), curve, 0).y < 1e-4F);
        CHECK(tone_map(glm::vec3(1e9F), curve, 0).y > 0.98F);
        CHECK(tone_map(glm::vec3(std::numeric_limits<float>::infinity()), curve, 0).y > 0.98F);
        CHECK(tone_map(glm::vec3(std::numeric_limits<float>::quiet_NaN()), curve, 0) == tone_map(glm::vec3(0), curve, 0));
        CHECK(tone_map(glm::vec3(-3), curve, 0) == tone_map(glm::vec3(0), curve, 0));
    }
}

TEST_CASE("one stop of exposure doubles the light before the curve") {
    for (const ToneMap curve : {ToneMap::neutral, ToneMap::aces, ToneMap::agx, ToneMap::none}) {
        CHECK(tone_map(glm::vec3(0.2F, 0.1F, 0.05F), curve, 1) == tone_map(glm::vec3(0.4F, 0.2F, 0.1F), curve, 0));
        CHECK(tone_map(glm::vec3(0.2F, 0.1F, 0.05F), curve, -2) == tone_map(glm::vec3(0.05F, 0.025F, 0.0125F), curve, 0));
    }
}

TEST_CASE("the sRGB curve has the standard's values and undoes itself") {
    CHECK(srgb_encode(0) == 0);
    CHECK(srgb_encode(1) == doctest::Approx(1));
    CHECK(srgb_encode(0.0031308F) == doctest::Approx(0.04045).epsilon(1e-4));
    CHECK(srgb_encode(0.21404114F) == doctest::Approx(0.5));
    CHECK(srgb_decode(0.5F) == doctest::Approx(0.21404114));
    for (int code = 0; code <= 255; ++code) {
        const float value = static_cast<float>(code) / 255;
        CHECK(srgb_encode(srgb_decode(value)) == doctest::Approx(value).epsilon(1e-5));
    }
}

TEST_CASE("what lies on a step of the 8-bit scale stays exact at every pixel; what lies between averages to itself") {
    // A dither that reaches half a step would speckle black, white and authored unlit colours; a biased one would change the mean.
    const Display display{.curve = ToneMap::none, .exposure = 0, .bits = 8};
    for (int code = 0; code <= 255; ++code) {
        const float linear = srgb_decode(static_cast<float>(code) / 255);
        for (std::uint32_t y = 0; y < 8; ++y)
            for (std::uint32_t x = 0; x < 8; ++x) REQUIRE(to_display(glm::vec4(linear, linear, linear, 1), x, y, display)[0] == code);
    }
    for (const double wanted : {10.25, 100.5, 200.75}) {
        const float linear = srgb_decode(static_cast<float>(wanted / 255));
        double sum = 0;
        for (std::uint32_t y = 64; y < 72; ++y)
            for (std::uint32_t x = 128; x < 136; ++x) sum += to_display(glm::vec4(linear, linear, linear, 1), x, y, display)[1];
        CHECK(std::abs(sum / 64 - wanted) <= 0.5 / 64 + 0.01);
    }
}

TEST_CASE("16 bits round to nearest, and premultiplied pixels come out straight") {
    const Display display{.curve = ToneMap::none, .exposure = 0, .bits = 16};
    CHECK(to_display(glm::vec4(0.21404114F, 1, 0, 1), 3, 5, display) == std::array<std::uint16_t, 4>{32768, 65535, 0, 65535});
    // 0.25 of white over nothing is white at a quarter; without the division it would be a grey halo.
    CHECK(to_display(glm::vec4(0.25F, 0.25F, 0.25F, 0.25F), 0, 0, display) == std::array<std::uint16_t, 4>{65535, 65535, 65535, 16384});
    CHECK(to_display(glm::vec4(0.5F, 0.5F, 0.5F, 0), 0, 0, display) == std::array<std::uint16_t, 4>{0, 0, 0, 0});
    CHECK(to_display(glm::vec4(-1, 2, std::nanf(""), 1), 0, 0, display) == std::array<std::uint16_t, 4>{0, 65535, 0, 65535});
}

} // namespace raymill::film
