#pragma once
/// renderer/film: pixels after they are traced: tone mapping, tile chunks, PNG and EXR writing, assembly of frames, reading of
/// environments. libpng and OpenEXR are seen only in this room's .cpp files. It may include renderer/base; the facade, the worker's finish
/// task and tests call it. This file: scene radiance to display colour, for PNG. EXR never passes here. Pure; safe from any thread.
#include "renderer/base/settings.hpp"

#include <glm/glm.hpp>

#include <array>
#include <cstdint>

namespace raymill::film {

/// Maps `rgb` (linear Rec. 709 scene radiance; what is negative counts as 0, what is above 1e6 as 1e6) to linear display colour in [0, 1],
/// after `exposure_ev` stops.
/// - neutral: Khronos PBR Neutral (github.com/KhronosGroup/ToneMapping, PBR_Neutral): a base colour below 0.8 under white light stays as
/// authored:
///   the 0.04 that a dielectric adds by Fresnel is taken off, and only what is above 0.76 is compressed.
/// - aces: Stephen Hill's fit of the ACES reference rendering and output transforms (github.com/TheRealMJP/BakingLab, ACES.hlsl), without
/// any
///   extra exposure: 0.18 becomes 0.106, as in ACES itself.
/// - agx: Benjamin Wrensch's minimal fit of Troy Sobotka's AgX base look (iolite-engine.com/blog_posts/minimal_agx_implementation), 6th
/// order.
/// - none: clipped to [0, 1].
glm::vec3 tone_map(glm::vec3 rgb, ToneMap curve, float exposure_ev) noexcept;

/// IEC 61966-2-1: linear [0, 1] to the encoded value in [0, 1], and back.
float srgb_encode(float linear) noexcept;
float srgb_decode(float encoded) noexcept;

/// How linear pixels become a PNG's.
struct Display {
    ToneMap curve = ToneMap::neutral;
    float exposure = 0;     ///< EV (stops)
    std::uint32_t bits = 8; ///< 8 or 16
};

/// One pixel of a PNG, R G B A in 0 .. 255 (8 bits) or 0 .. 65535 (16). `pixel` is premultiplied by alpha; the result is straight, as PNG
/// wants it; alpha 0 gives four zeros. 16 bits are rounded to nearest. 8 bits are dithered by an 8 x 8 Bayer matrix over the frame's pixel
/// position (x, y), at less than half a step, so smooth gradients do not band, what lies on a step exactly (black, white, an authored unlit
/// colour) stays exact, and the result does not depend on tiles. Alpha is never dithered.
std::array<std::uint16_t, 4> to_display(glm::vec4 pixel, std::uint32_t x, std::uint32_t y, const Display& display) noexcept;

} // namespace raymill::film
