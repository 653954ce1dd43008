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

// A direction, unit. `bits`: two 32-bit random numbers; `u_alias` in [0, 1): cell's own texel or its alias.
inline vec3 sample_environment(IN(SceneData) scene, uvec2 bits, float u_alias, OUT(float) pdf) {
    float azimuth;
    float y;
    if (environment_is_constant(scene)) {
        azimuth = 2.0f * PI * unit_float(bits.x);
        y = 1.0f - 2.0f * unit_float(bits.y);
        pdf = 0.25f / PI;
    } else {
        // The high parts of the products choose the cell, the low ones are left for the point inside the texel.
        uint width = scene.environment_width;
        uint height = scene.environment_height;
        uint texel = multiply_high(bits.y, height) * width + multiply_high(bits.x, width);
        if (u_alias >= scene.environment.at[texel].alias_threshold) texel = scene.environment.at[texel].alias;
        pdf = scene.environment.at[texel].pdf;
        float u = (float(texel % width) + unit_float(bits.x * width)) / float(width) + scene.environment_rotation;
        azimuth = 2.0f * PI * (u - 0.5f);
        uint row = texel / width;
        float upper = cos(PI * float(row) / float(height));
        float lower = cos(PI * float(row + 1u) / float(height));
        y = mix(upper, lower, unit_float(bits.y * height));
    }
    float radius = sqrt(max(0.0f, 1.0f - y * y));
    return vec3(radius * cos(azimuth), y, radius * sin(azimuth));
}

SHADING_END
#endif
