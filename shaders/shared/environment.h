// The environment: radiance by direction, its sampling and its density (scene_data.h, EnvironmentTexel, defines them).
// Lat-long: direction d has u = 0.5 + atan2(d.z, d.x) / 2 pi - rotation and v = acos(d.y) / pi.
#ifndef RAYMILL_ENVIRONMENT_H
#define RAYMILL_ENVIRONMENT_H
#include "direction.h"
#include "language.h"
#include "sampler.h"
#include "scene_data.h"
#include "scene_loads.h"
SHADING_BEGIN

inline bool has_environment(IN(SceneData) scene) { return (scene.flags & SCENE_HAS_ENVIRONMENT) != 0u; }
inline bool environment_is_constant(IN(SceneData) scene) { return (scene.flags & SCENE_ENVIRONMENT_CONSTANT) != 0u; }

// Continuous texel coordinates of a unit direction: x in [0, width), y in [0, height]. (An arc cosine loses small angles to rounding.)
inline vec2 environment_coordinates(IN(SceneData) scene, vec3 direction) {
    float u = 0.5f + atan(direction.z, direction.x) * (0.5f / PI) - scene.environment_rotation;
    u -= floor(u);
    float v = atan(length(vec2(direction.x, direction.z)), direction.y) * (1.0f / PI);
    return vec2(u * float(scene.environment_width), v * float(scene.environment_height));
}

inline uint environment_texel_index(IN(SceneData) scene, int x, int y) {
    int width = int(scene.environment_width);
    int height = int(scene.environment_height);
    int column = x < 0 ? x + width : (x >= width ? x - width : x);
    int row = clamp(y, 0, height - 1);
    return uint(row) * scene.environment_width + uint(clamp(column, 0, width - 1));
}

// The patch between four texels' centres that a direction falls in, and where in it.
struct EnvironmentPlace {
    uint upper_left, upper_right, lower_left, lower_right; // texels; above and below are the same at the poles
    uint column, row;                                      // of the patch
    float s, t;                                            // to the right and down, 0 .. 1
};

inline EnvironmentPlace environment_place(IN(SceneData) scene, vec3 direction) {
    vec2 p = environment_coordinates(scene, direction) - vec2(0.5f);
    int x = int(floor(p.x));
    int y = int(floor(p.y));
    EnvironmentPlace place;
    place.upper_left = environment_texel_index(scene, x, y);
    place.upper_right = environment_texel_index(scene, x + 1, y);
    place.lower_left = environment_texel_index(scene, x, y + 1);
    place.lower_right = environment_texel_index(scene, x + 1, y + 1);
    place.column = x < 0 ? scene.environment_width - 1u : uint(x);
    place.row = uint(clamp(y + 1, 0, int(scene.environment_height)));
    place.s = p.x - floor(p.x);
    place.t = p.y - floor(p.y);
    return place;
}

// What sampling follows: mostly luminance; the largest component a little, so that pure blue is not starved.
inline float environment_importance(vec3 radiance) { return 0.9f * luminance(radiance) + 0.1f * max_component(radiance); }

// Radiance along a direction, and the density of sample_environment per steradian (not counting the choice of the environment among
// lights).
inline vec3 environment_lookup(IN(SceneData) scene, vec3 direction, OUT(float) pdf) {
    pdf = 0.25f / PI;
    if (environment_is_constant(scene)) return scene.environment_constant;
    EnvironmentPlace place = environment_place(scene, direction);
    vec3 upper_left = load_environment(scene, place.upper_left).radiance;
    vec3 upper_right = load_environment(scene, place.upper_right).radiance;
    vec3 lower_left = load_environment(scene, place.lower_left).radiance;
    vec3 lower_right = load_environment(scene, place.lower_right).radiance;
    float upper = mix(environment_importance(upper_left), environment_importance(upper_right), place.s);
    float lower = mix(environment_importance(lower_left), environment_importance(lower_right), place.s);
    pdf = load_environment(scene, place.row * scene.environment_width + place.column).density * mix(upper, lower, place.t);
    if (place.row > 0u && place.row < scene.environment_height) pdf /= max(length(vec2(direction.x, direction.z)), 1.0e-9f);
    return mix(mix(upper_left, upper_right, place.s), mix(lower_left, lower_right, place.s), place.t);
}

inline vec3 environment_radiance(IN(SceneData) scene, vec3 direction) {
    if (!has_environment(scene)) return vec3(0.0f);
    float pdf;
    return environment_lookup(scene, direction, pdf);
}

inline float environment_pdf(IN(SceneData) scene, vec3 direction) {
    float pdf;
    environment_lookup(scene, direction, pdf);
    return pdf;
}

// The row that a random number falls in, and the column in a row that begins at texel `first`: the first whose end is above it. What has
// probability 0 has its predecessor's end and is never found.
inline uint find_environment_row(IN(SceneData) scene, uint bits) {
    uint low = 0u;
    uint high = scene.environment_height; // one row of patches more than rows of texels
    while (low < high) {
        uint middle = (low + high) / 2u;
        if (bits < load_environment(scene, middle * scene.environment_width).row_end) {
            high = middle;
        } else {
            low = middle + 1u;
        }
    }
    return low;
}

inline uint find_environment_column(IN(SceneData) scene, uint first, uint bits) {
    uint low = 0u;
    uint high = scene.environment_width - 1u;
    while (low < high) {
        uint middle = (low + high) / 2u;
        if (bits < load_environment(scene, first + middle).column_end) {
            high = middle;
        } else {
            low = middle + 1u;
        }
    }
    return low;
}

// Where `bits` lies between `begin` and `end`, in [0, 1).
inline float place_between(uint bits, uint begin, uint end) { return min(float(bits - begin) / float(max(end - begin, 1u)), 0.99999994f); }

// A number in [0, 1] with a density that runs straight from a to b (not both 0): u through the inverted distribution
// (Pharr, Jakob, Humphreys, Physically Based Rendering, 4th edition, section 2.3.2).
inline float sample_slope(float u, float a, float b) {
    float root = sqrt(mix(a * a, b * b, u));
    return a + root > 0.0f ? min(u * (a + b) / (a + root), 1.0f) : u;
}

// A direction, unit, with the density that environment_lookup says. `bits`: two 32-bit random numbers.
inline vec3 sample_environment(IN(SceneData) scene, uvec2 bits) {
    if (environment_is_constant(scene)) {
        float azimuth = 2.0f * PI * unit_float(bits.x);
        float y = 1.0f - 2.0f * unit_float(bits.y);
        float radius = sqrt(max(0.0f, 1.0f - y * y));
        return vec3(radius * cos(azimuth), y, radius * sin(azimuth));
    }
    uint across = min(bits.x, 0xfffffffeu); // the last end stands for 2^32
    uint down = min(bits.y, 0xfffffffeu);
    uint row = find_environment_row(scene, down);
    uint first = row * scene.environment_width;
    uint column = find_environment_column(scene, first, across);
    uint row_begin = 0u;
    if (row > 0u) row_begin = load_environment(scene, first - scene.environment_width).row_end;
    uint column_begin = 0u;
    if (column > 0u) column_begin = load_environment(scene, first + column - 1u).column_end;
    float in_column = place_between(across, column_begin, load_environment(scene, first + column).column_end);
    float in_row = place_between(down, row_begin, load_environment(scene, first).row_end);
    int x = int(column);
    int y = int(row) - 1;
    float upper_left = environment_importance(load_environment(scene, environment_texel_index(scene, x, y)).radiance);
    float upper_right = environment_importance(load_environment(scene, environment_texel_index(scene, x + 1, y)).radiance);
    float lower_left = environment_importance(load_environment(scene, environment_texel_index(scene, x, y + 1)).radiance);
    float lower_right = environment_importance(load_environment(scene, environment_texel_index(scene, x + 1, y + 1)).radiance);
    float t = sample_slope(in_row, upper_left + upper_right, lower_left + lower_right);
    float s = sample_slope(in_column, mix(upper_left, lower_left, t), mix(upper_right, lower_right, t));
    float step = PI / float(scene.environment_height);
    float theta = step * (float(row) - 0.5f + t);
    // The half rows at the poles: uniform over the sphere downwards.
    float cap = 2.0f * asin(sqrt(row == 0u ? in_row : 1.0f - in_row) * sin(0.25f * step));
    if (row == 0u) theta = cap;
    if (row == scene.environment_height) theta = PI - cap;
    float u = (float(column) + 0.5f + s) / float(scene.environment_width) + scene.environment_rotation;
    float azimuth = 2.0f * PI * (u - 0.5f);
    // The sine of PI - cap would be lost to rounding.
    float radius = sin(row == scene.environment_height ? cap : theta);
    return vec3(radius * cos(azimuth), cos(theta), radius * sin(azimuth));
}

SHADING_END
#endif
