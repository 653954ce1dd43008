#include "renderer/film/tone_map.hpp"

#include <algorithm>
#include <cmath>

namespace raymill::film {
namespace {

constexpr float brightest = 1e6F; // keeps every curve's arithmetic finite; all of them are white long before

glm::vec3 neutral(glm::vec3 color) {
    constexpr float fresnel = 0.04F, start = 0.8F - fresnel, desaturation = 0.15F;
    const float lowest = std::min({color.x, color.y, color.z});
    color -= lowest < 2 * fresnel ? lowest - lowest * lowest / (4 * fresnel) : fresnel;
    const float peak = std::max({color.x, color.y, color.z});
    if (peak < start) return color;
    constexpr float room = 1 - start;
    const float new_peak = 1 - room * room / (peak + room - start);
    color *= new_peak / peak;
    const float whiteness = 1 - 1 / (desaturation * (peak - new_peak) + 1);
    return glm::mix(color, glm::vec3(new_peak), whiteness);
}

glm::vec3 aces(glm::vec3 color) {
    // Rows of the published matrices: linear Rec. 709 to the RRT's saturated AP1, and back.
    const glm::mat3 in =
        glm::transpose(glm::mat3(0.59719F, 0.35458F, 0.04823F, 0.07600F, 0.90834F, 0.01566F, 0.02840F, 0.13383F, 0.83777F));
    const glm::mat3 out =
        glm::transpose(glm::mat3(1.60475F, -0.53108F, -0.07367F, -0.10208F, 1.10813F, -0.00605F, -0.00327F, -0.07276F, 1.07602F));
    const glm::vec3 v = in * color;
    const glm::vec3 fitted = (v * (v + 0.0245786F) - 0.000090537F) / (v * (0.983729F * v + 0.4329510F) + 0.238081F);
    return out * fitted;
}

glm::vec3 agx(glm::vec3 color) {
    // Columns as published: the inset into AgX's working space, and its inverse, the outset.
    const glm::mat3 inset(0.842479062253094F, 0.0423282422610123F, 0.0423756549057051F, 0.0784335999999992F, 0.878468636469772F, 0.0784336F,
                          0.0792237451477643F, 0.0791661274605434F, 0.879142973793104F);
    const glm::mat3 outset(1.19687900512017F, -0.0528968517574562F, -0.0529716355144438F, -0.0980208811401368F, 1.15190312990417F,
                           -0.0980434501171241F, -0.0990297440797205F, -0.0989611768448433F, 1.15107367264116F);
    constexpr float min_ev = -12.47393F, max_ev = 4.026069F; // of the log encoding
    const glm::vec3 v = inset * color;
    const glm::vec3 x = (glm::clamp(glm::log2(glm::max(v, glm::vec3(1e-10F))), min_ev, max_ev) - min_ev) / (max_ev - min_ev);
    const glm::vec3 x2 = x * x, x4 = x2 * x2;
    const glm::vec3 fitted =
        15.5F * x4 * x2 - 40.14F * x4 * x + 31.96F * x4 - 6.868F * x2 * x + 0.4298F * x2 + 0.1191F * x - glm::vec3(0.00232F);
    return glm::pow(glm::max(outset * fitted, glm::vec3(0)), glm::vec3(2.2F)); // the fit is display encoded with an exponent of 2.2
}

} // namespace

glm::vec3 tone_map(glm::vec3 rgb, ToneMap curve, float exposure_ev) noexcept {
    // min(max()) in this order turns NaN into 0.
    const float gain = std::exp2(exposure_ev);
    glm::vec3 color(0);
    for (int i = 0; i < 3; ++i) color[i] = std::min(std::max(0.0F, rgb[i] * gain), brightest);
    switch (curve) {
    case ToneMap::neutral:
        color = neutral(color);
        break;
    case ToneMap::aces:
        color = aces(color);
        break;
    case ToneMap::agx:
        color = agx(color);
        break;
    case ToneMap::none:
        break;
    }
    return glm::clamp(color, 0.0F, 1.0F);
}

float srgb_encode(float linear) noexcept { return linear <= 0.0031308F ? 12.92F * linear : 1.055F * std::pow(linear, 1 / 2.4F) - 0.055F; }

float srgb_decode(float encoded) noexcept { return encoded <= 0.04045F ? encoded / 12.92F : std::pow((encoded + 0.055F) / 1.055F, 2.4F); }

std::array<std::uint16_t, 4> to_display(glm::vec4 pixel, std::uint32_t x, std::uint32_t y, const Display& display) noexcept {
    const float alpha = std::min(std::max(0.0F, pixel.w), 1.0F);
    if (alpha == 0) return {0, 0, 0, 0};
    const glm::vec3 color = tone_map(glm::vec3(pixel.x, pixel.y, pixel.z) / alpha, display.curve, display.exposure);

    float shift = 0.5F; // what is added before cutting off: 0.5 rounds to nearest
    if (display.bits == 8) {
        // Bayer's matrix by bits: interleaved, reversed bits of x ^ y and y.
        std::uint32_t rank = 0;
        for (std::uint32_t bit = 0; bit < 3; ++bit) {
            rank = rank << 2 | (((x ^ y) >> bit & 1U) << 1) | (y >> bit & 1U);
        }
        shift = (static_cast<float>(rank) + 0.5F) / 64;
    }
    const float top = display.bits == 8 ? 255 : 65535;
    std::array<std::uint16_t, 4> out{};
    for (int i = 0; i < 3; ++i) {
        // A value that float arithmetic left within 0.007 of a step counts as on it: shift runs from 0.0078 to 0.9922.
        const float scaled = srgb_encode(color[i]) * top;
        out[static_cast<std::size_t>(i)] = static_cast<std::uint16_t>(std::clamp(std::floor(scaled + shift), 0.0F, top));
    }
    out[3] = static_cast<std::uint16_t>(alpha * top + 0.5F);
    return out;
}

} // namespace raymill::film
