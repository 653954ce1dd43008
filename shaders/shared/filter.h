// Pixel filters, sampled by their density: a sample belongs to the one pixel whose filter drew it, with weight 1. Tiles then need no seams,
// and the mean of a pixel's samples is the filtered image. (Ernst, Stamminger and Greiner, "Filter Importance Sampling", RT 2006.)
#ifndef RAYMILL_FILTER_H
#define RAYMILL_FILTER_H
#include "frame_params.h"
#include "language.h"
SHADING_BEGIN

// The four-term Blackman-Harris window (Harris 1978, minimum four-term) over 3 pixels: what Blender calls a width of 1.5 px (half of the
// window). Its full width at half maximum is 1.03 pixels.
CONSTANT(float, BLACKMAN_HARRIS_WINDOW, 3.0f);
CONSTANT(float, BLACKMAN_HARRIS_A1, 0.48829f / 0.35875f); // relative to the constant term, which makes the integral 1
CONSTANT(float, BLACKMAN_HARRIS_A2, 0.14128f / 0.35875f);
CONSTANT(float, BLACKMAN_HARRIS_A3, 0.01168f / 0.35875f);

// Density over the window's fraction t in [0, 1], 0.5 its middle.
inline float blackman_harris_pdf(float t) {
    float x = 2.0f * PI * t;
    return 1.0f - BLACKMAN_HARRIS_A1 * cos(x) + BLACKMAN_HARRIS_A2 * cos(2.0f * x) - BLACKMAN_HARRIS_A3 * cos(3.0f * x);
}

inline float blackman_harris_cdf(float t) {
    float x = 2.0f * PI * t;
    return t + (1.0f / (2.0f * PI)) * (-BLACKMAN_HARRIS_A1 * sin(x) + 0.5f * BLACKMAN_HARRIS_A2 * sin(2.0f * x) -
                                       (1.0f / 3.0f) * BLACKMAN_HARRIS_A3 * sin(3.0f * x));
}

// Inverse of the distribution for u in [0, 1): pixels from the pixel's centre, in [-1.5, 1.5]. Five bisections, then three steps of
// Newton's method inside what they left: at most 4e-6 pixels off.
inline float sample_blackman_harris(float u) {
    bool upper_half = u > 0.5f;
    float target = upper_half ? 1.0f - u : u;
    float low = 0.0f;
    float high = 0.5f;
    for (int step = 0; step < 5; ++step) {
        float middle = 0.5f * (low + high);
        if (blackman_harris_cdf(middle) > target) {
            high = middle;
        } else {
            low = middle;
        }
    }
    float t = 0.5f * (low + high);
    for (int step = 0; step < 3; ++step) {
        t = clamp(t - (blackman_harris_cdf(t) - target) / blackman_harris_pdf(t), low, high);
    }
    return BLACKMAN_HARRIS_WINDOW * (upper_half ? 0.5f - t : t - 0.5f);
}

// Where a sample looks, in pixels from the pixel's top left corner (its centre is (0.5, 0.5)), for u in the unit square.
inline vec2 sample_pixel_filter(uint pixel_filter, vec2 u) {
    if (pixel_filter == FILTER_BOX) return u;
    return vec2(0.5f + sample_blackman_harris(u.x), 0.5f + sample_blackman_harris(u.y));
}

SHADING_END
#endif
