// The environment: radiance by direction, its sampling and its density (scene_data.h, EnvironmentTexel, defines them).
// Lat-long: direction d has u = 0.5 + atan2(d.z, d.x) / 2 pi - rotation and v = acos(d.y) / pi.
#ifndef RAYMILL_ENVIRONMENT_H
#define RAYMILL_ENVIRONMENT_H
#include "language.h"
#include "sampler.h"
#include "scene_data.h"
SHADING_BEGIN

inline bool has_environment(IN(SceneData) scene) { return (scene.flags & SCENE_HAS_ENVIRONMENT) != 0u; }
inline bool environment_is_constant(IN(SceneData) scene) { return (scene.flags & SCENE_ENVIRONMENT_CONSTANT) != 0u; }

// Continuous texel coordinates of a unit direction: x in [0, width), y in [0, height].
inline vec2 environment_coordinates(IN(SceneData) scene, vec3 direction) {
    float u = 0.5f + atan(direction.z, direction.x) * (0.5f / PI) - scene.environment_rotation;
    u -= floor(u);
    float v = acos(clamp(direction.y, -1.0f, 1.0f)) * (1.0f / PI);
    return vec2(u * float(scene.environment_width), v * float(scene.environment_height));
}

inline uint environment_texel_index(IN(SceneData) scene, int x, int y) {
    int width = int(scene.environment_width);
    int height = int(scene.environment_height);
    int column = x < 0 ? x + width : (x >= width ? x - width : x);
    int row = clamp(y, 0, height - 1);
    return uint(row) * scene.environment_width + uint(clamp(column, 0, width - 1));
}

inline vec3 environment_radiance(IN(SceneData) scene, vec3 direction) {
    if (!has_environment(scene)) return vec3(0.0f);
    if (environment_is_constant(scene)) return scene.environment_constant;
    vec2 p = environment_coordinates(scene, direction) - vec2(0.5f);
    int x = int(floor(p.x));
    int y = int(floor(p.y));
    float fx = p.x - floor(p.x);
    float fy = p.y - floor(p.y);
    vec3 upper = mix(scene.environment.at[environment_texel_index(scene, x, y)].radiance,
                     scene.environment.at[environment_texel_index(scene, x + 1, y)].radiance, fx);
    vec3 lower = mix(scene.environment.at[environment_texel_index(scene, x, y + 1)].radiance,
                     scene.environment.at[environment_texel_index(scene, x + 1, y + 1)].radiance, fx);
    return mix(upper, lower, fy);
}

// Density of sample_environment, per steradian (not counting the choice of the environment among the lights).
inline float environment_pdf(IN(SceneData) scene, vec3 direction) {
    if (environment_is_constant(scene)) return 0.25f / PI;
    vec2 p = environment_coordinates(scene, direction);
    return scene.environment.at[environment_texel_index(scene, int(floor(p.x)), int(floor(p.y)))].pdf;
}

// The row that a random number falls in, and the column in a row that begins at texel `first`: the first whose end is above it. What has
// probability 0 has its predecessor's end and is never found.
inline uint find_environment_row(IN(SceneData) scene, uint bits) {
    uint low = 0u;
    uint high = scene.environment_height - 1u;
    while (low < high) {
        uint middle = (low + high) / 2u;
        if (bits < scene.environment.at[middle * scene.environment_width].row_end) {
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
        if (bits < scene.environment.at[first + middle].column_end) {
            high = middle;
        } else {
            low = middle + 1u;
        }
    }
    return low;
}

// Where `bits` lies between `begin` and `end`, in [0, 1).
inline float place_between(uint bits, uint begin, uint end) { return min(float(bits - begin) / float(max(end - begin, 1u)), 0.99999994f); }

// A direction, unit. `bits`: two 32-bit random numbers.
inline vec3 sample_environment(IN(SceneData) scene, uvec2 bits, OUT(float) pdf) {
    float azimuth;
    float y;
    if (environment_is_constant(scene)) {
        azimuth = 2.0f * PI * unit_float(bits.x);
        y = 1.0f - 2.0f * unit_float(bits.y);
        pdf = 0.25f / PI;
    } else {
        uint across = min(bits.x, 0xfffffffeu); // the last end stands for 2^32
        uint down = min(bits.y, 0xfffffffeu);
        uint row = find_environment_row(scene, down);
        uint first = row * scene.environment_width;
        uint column = find_environment_column(scene, first, across);
        uint row_begin = 0u;
        if (row > 0u) row_begin = scene.environment.at[first - scene.environment_width].row_end;
        uint column_begin = 0u;
        if (column > 0u) column_begin = scene.environment.at[first + column - 1u].column_end;
        pdf = scene.environment.at[first + column].pdf;
        float in_column = place_between(across, column_begin, scene.environment.at[first + column].column_end);
        float in_row = place_between(down, row_begin, scene.environment.at[first].row_end);
        float u = (float(column) + in_column) / float(scene.environment_width) + scene.environment_rotation;
        azimuth = 2.0f * PI * (u - 0.5f);
        float upper = cos(PI * float(row) / float(scene.environment_height));
        float lower = cos(PI * float(row + 1u) / float(scene.environment_height));
        y = mix(upper, lower, in_row);
    }
    float radius = sqrt(max(0.0f, 1.0f - y * y));
    return vec3(radius * cos(azimuth), y, radius * sin(azimuth));
}

SHADING_END
#endif
