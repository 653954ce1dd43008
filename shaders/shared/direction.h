// Directions and the frames they are written in. Local frames have the normal as +z.
#ifndef RAYMILL_DIRECTION_H
#define RAYMILL_DIRECTION_H
#include "language.h"
SHADING_BEGIN

// Columns x, y, z = normal of a right-handed orthonormal frame. Duff et al., "Building an Orthonormal Basis, Revisited" (JCGT 2017).
inline mat3 make_frame(vec3 normal) {
    float s = normal.z >= 0.0f ? 1.0f : -1.0f;
    float a = -1.0f / (s + normal.z);
    float b = normal.x * normal.y * a;
    return mat3(vec3(1.0f + s * normal.x * normal.x * a, s * b, -s * normal.x), vec3(b, s + normal.y * normal.y * a, -normal.y), normal);
}

inline vec3 to_local(IN(mat3) local_frame, vec3 direction) {
    return vec3(dot(local_frame[0], direction), dot(local_frame[1], direction), dot(local_frame[2], direction));
}

inline vec3 to_world(IN(mat3) local_frame, vec3 direction) {
    return local_frame[0] * direction.x + local_frame[1] * direction.y + local_frame[2] * direction.z;
}

// Uniform in the unit disk for u in the unit square, area- and neighbourhood-keeping: Shirley and Chiu's concentric map (JGT 1997).
inline vec2 sample_concentric_disk(vec2 u) {
    vec2 p = 2.0f * u - vec2(1.0f);
    if (p.x == 0.0f && p.y == 0.0f) return vec2(0.0f);
    float radius = p.x;
    float angle = (PI / 4.0f) * (p.y / p.x);
    if (abs(p.y) > abs(p.x)) {
        radius = p.y;
        angle = PI / 2.0f - (PI / 4.0f) * (p.x / p.y);
    }
    return radius * vec2(cos(angle), sin(angle));
}

// Cosine-weighted direction over the hemisphere round +z. pdf = z / pi per steradian. Never below the horizon.
inline vec3 sample_cosine_hemisphere(vec2 u) {
    vec2 d = sample_concentric_disk(u);
    return vec3(d.x, d.y, sqrt(max(0.0f, 1.0f - dot(d, d))));
}
inline float pdf_cosine_hemisphere(float cos_theta) { return max(cos_theta, 0.0f) * (1.0f / PI); }

// A unit vector in 32 bits, to about 4e-5 radians: octahedron, 16 bits a coordinate. Cigolle et al., "A Survey of Efficient Representations
// for Independent Unit Vectors" (JCGT 2014), section 3.
inline uint pack_direction(vec3 d) {
    float scale = 1.0f / (abs(d.x) + abs(d.y) + abs(d.z));
    vec2 p = vec2(d.x * scale, d.y * scale);
    if (d.z < 0.0f) p = vec2((1.0f - abs(p.y)) * (p.x < 0.0f ? -1.0f : 1.0f), (1.0f - abs(p.x)) * (p.y < 0.0f ? -1.0f : 1.0f));
    uint x = uint(clamp(p.x, -1.0f, 1.0f) * 32767.0f + 32768.0f);
    uint y = uint(clamp(p.y, -1.0f, 1.0f) * 32767.0f + 32768.0f);
    return x | (y << 16u);
}

inline vec3 unpack_direction(uint bits) {
    vec2 p = vec2((float(bits & 0xffffu) - 32767.5f) * (1.0f / 32767.0f), (float(bits >> 16u) - 32767.5f) * (1.0f / 32767.0f));
    float z = 1.0f - abs(p.x) - abs(p.y);
    if (z < 0.0f) p = vec2((1.0f - abs(p.y)) * (p.x < 0.0f ? -1.0f : 1.0f), (1.0f - abs(p.x)) * (p.y < 0.0f ? -1.0f : 1.0f));
    return normalize(vec3(p.x, p.y, z));
}

inline float max_component(vec3 v) { return max(v.x, max(v.y, v.z)); }

// Relative luminance of linear Rec. 709.
inline float luminance(vec3 rgb) { return dot(rgb, vec3(0.2126f, 0.7152f, 0.0722f)); }

SHADING_END
#endif
