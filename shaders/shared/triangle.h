// Ray against triangle, watertight: a ray that crosses a closed mesh hits at least one of the triangles round the crossing, also where it
// passes through a shared edge or vertex. Used by every traversal (GPU and reference), so that hits agree.
// After Woop, Benthin and Wald, "Watertight Ray/Triangle Intersection" (JCGT 2013): vertices are projected along the ray, relative to its
// origin, once each; so a vertex has one image, whichever triangle asks. The sign of an edge function is the order of two rounded products:
// rounding is monotonic, so that a sign is right or 0, and 0 counts as inside. Hence no second evaluation in double precision is needed,
// but the products must not be fused into the difference (PRECISE).
#ifndef RAYMILL_TRIANGLE_H
#define RAYMILL_TRIANGLE_H
#include "language.h"
SHADING_BEGIN

// What the test needs of a ray's direction (any length but 0): computed once a ray and, for instances, once an object space.
// dot(across_x, p), dot(across_y, p): where p's image along the ray lies; dot(along, p): its ray parameter.
struct RayFrame {
    vec3 across_x, across_y, along;
};

inline RayFrame make_ray_frame(vec3 direction) {
    RayFrame ray_frame;
    vec3 size = abs(direction);
    if (size.z >= size.x && size.z >= size.y) {
        ray_frame.across_x = vec3(1.0f, 0.0f, -direction.x / direction.z);
        ray_frame.across_y = vec3(0.0f, 1.0f, -direction.y / direction.z);
        ray_frame.along = vec3(0.0f, 0.0f, 1.0f / direction.z);
    } else if (size.x >= size.y) {
        ray_frame.across_x = vec3(-direction.y / direction.x, 1.0f, 0.0f);
        ray_frame.across_y = vec3(-direction.z / direction.x, 0.0f, 1.0f);
        ray_frame.along = vec3(1.0f / direction.x, 0.0f, 0.0f);
    } else {
        ray_frame.across_x = vec3(1.0f, -direction.x / direction.y, 0.0f);
        ray_frame.across_y = vec3(0.0f, -direction.z / direction.y, 1.0f);
        ray_frame.along = vec3(0.0f, 1.0f / direction.y, 0.0f);
    }
    return ray_frame;
}

// Ray parameter (in lengths of the direction) and barycentrics of a hit: position = (1 - u - v) v0 + u v1 + v v2.
struct TriangleHit {
    float t, u, v;
};

// Both sides count. True, and `hit` written, for 0 < t < t_max; else `hit` stays. Never true with a NaN.
inline bool intersect_triangle(IN(RayFrame) ray_frame, vec3 origin, float t_max, vec3 v0, vec3 v1, vec3 v2, INOUT(TriangleHit) hit) {
    vec3 a = v0 - origin;
    vec3 b = v1 - origin;
    vec3 c = v2 - origin;
    PRECISE float ax = dot(ray_frame.across_x, a);
    PRECISE float ay = dot(ray_frame.across_y, a);
    PRECISE float bx = dot(ray_frame.across_x, b);
    PRECISE float by = dot(ray_frame.across_y, b);
    PRECISE float cx = dot(ray_frame.across_x, c);
    PRECISE float cy = dot(ray_frame.across_y, c);
    PRECISE float weight0 = bx * cy - by * cx;
    PRECISE float weight1 = cx * ay - cy * ax;
    PRECISE float weight2 = ax * by - ay * bx;
    bool inside = (weight0 >= 0.0f && weight1 >= 0.0f && weight2 >= 0.0f) || (weight0 <= 0.0f && weight1 <= 0.0f && weight2 <= 0.0f);
    float sum = weight0 + weight1 + weight2;
    if (!inside || sum == 0.0f) return false;
    float scale = 1.0f / sum;
    float u = weight1 * scale;
    float v = weight2 * scale;
    // A convex combination of the vertices' parameters: as exact for grazing rays as for others.
    float t = (weight0 * dot(ray_frame.along, a) + weight1 * dot(ray_frame.along, b) + weight2 * dot(ray_frame.along, c)) * scale;
    if (!(t > 0.0f && t < t_max)) return false;
    hit.t = t;
    hit.u = u;
    hit.v = v;
    return true;
}

SHADING_END
#endif
