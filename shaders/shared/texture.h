// Textures, fetched by hand from the scene's texels: wrap, nearest or bilinear, sRGB decoded before filtering (glTF 2.0, section 3.8).
// The seam for devices with texture units: a module that defines RAYMILL_OWN_SAMPLE_TEXTURE brings its own sample_texture.
#ifndef RAYMILL_TEXTURE_H
#define RAYMILL_TEXTURE_H
#include "language.h"
#include "scene_data.h"
SHADING_BEGIN

// The sRGB curve of IEC 61966-2-1, code value to linear.
inline float srgb_to_linear(float c) { return c <= 0.04045f ? c * (1.0f / 12.92f) : pow((c + 0.055f) * (1.0f / 1.055f), 2.4f); }

// The index along one axis, `i` in -1 .. size, brought into 0 .. size - 1. Never outside, whatever i.
inline int wrap_texel(int i, int size, uint wrap) {
    if (wrap == WRAP_REPEAT) {
        if (i < 0) i += size;
        if (i >= size) i -= size;
    }
    return clamp(i, 0, size - 1); // also WRAP_MIRROR: the texel past an edge is the edge's own mirror image
}

// A coordinate of any size onto the texture's own [0, 1]; NaN and numbers too large to have a fraction go to 0.
inline float wrap_coordinate(float x, uint wrap) {
    if (!(abs(x) < 1.0e7f)) return 0.0f;
    if (wrap == WRAP_REPEAT) return x - floor(x);
    if (wrap == WRAP_MIRROR) {
        float period = x - 2.0f * floor(0.5f * x); // [0, 2)
        return period > 1.0f ? 2.0f - period : period;
    }
    return clamp(x, 0.0f, 1.0f);
}

inline vec4 unpack_rgba8(uint texel) {
    return vec4(float(texel & 0xffu), float((texel >> 8u) & 0xffu), float((texel >> 16u) & 0xffu), float(texel >> 24u)) * (1.0f / 255.0f);
}

inline vec4 fetch_texel(IN(SceneData) scene, IN(SceneTexture) image, int x, int y) {
    uint index = uint(y) * image.width + uint(x);
    if (image.format == TEXEL_RGBA16_LINEAR) {
        uint low = scene.texels.at[image.first_texel + 2u * index];
        uint high = scene.texels.at[image.first_texel + 2u * index + 1u];
        return vec4(float(low & 0xffffu), float(low >> 16u), float(high & 0xffffu), float(high >> 16u)) * (1.0f / 65535.0f);
    }
    vec4 value = unpack_rgba8(scene.texels.at[image.first_texel + index]);
    if (image.format == TEXEL_RGBA8_SRGB) {
        value.x = srgb_to_linear(value.x);
        value.y = srgb_to_linear(value.y);
        value.z = srgb_to_linear(value.z);
    }
    return value;
}

inline vec4 fetch_texture(IN(SceneData) scene, uint texture_index, vec2 uv) {
    SceneTexture image = scene.textures.at[texture_index];
    int width = int(image.width);
    int height = int(image.height);
    float x = wrap_coordinate(uv.x, image.wrap_s) * float(image.width);
    float y = wrap_coordinate(uv.y, image.wrap_t) * float(image.height);
    if (image.filtering == FILTER_NEAREST) {
        return fetch_texel(scene, image, wrap_texel(int(floor(x)), width, WRAP_CLAMP), wrap_texel(int(floor(y)), height, WRAP_CLAMP));
    }
    x -= 0.5f; // texels' values stand at their centres
    y -= 0.5f;
    int x0 = int(floor(x));
    int y0 = int(floor(y));
    float fx = x - floor(x);
    float fy = y - floor(y);
    int left = wrap_texel(x0, width, image.wrap_s);
    int right = wrap_texel(x0 + 1, width, image.wrap_s);
    int top = wrap_texel(y0, height, image.wrap_t);
    int bottom = wrap_texel(y0 + 1, height, image.wrap_t);
    vec4 upper = mix(fetch_texel(scene, image, left, top), fetch_texel(scene, image, right, top), fx);
    vec4 lower = mix(fetch_texel(scene, image, left, bottom), fetch_texel(scene, image, right, bottom), fx);
    return mix(upper, lower, fy);
}

#ifdef RAYMILL_OWN_SAMPLE_TEXTURE
vec4 sample_texture(IN(SceneData) scene, uint texture_index, vec2 uv);
#else
// Linear values, RGBA. `texture_index` is not NONE.
inline vec4 sample_texture(IN(SceneData) scene, uint texture_index, vec2 uv) { return fetch_texture(scene, texture_index, uv); }
#endif

SHADING_END
#endif
