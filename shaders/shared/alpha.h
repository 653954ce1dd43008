// Coverage (glTF 2.0, section 3.9.4): what traversal asks at every hit of an instance with INSTANCE_HAS_ALPHA.
// Closest rays: MASK is there or not, by the cutoff; BLEND is there with probability alpha, by a random number that is keyed by the path
// and the triangle, not by the order in which traversal meets triangles. Shadow rays: every hit multiplies what passes.
#ifndef RAYMILL_ALPHA_H
#define RAYMILL_ALPHA_H
#include "language.h"
#include "sampler.h"
#include "scene_data.h"
#include "surface.h"
SHADING_BEGIN

// In [0, 1]. Opaque materials give 1 whatever their base colour's alpha.
inline float alpha_at(IN(SceneData) scene, uint mesh, IN(SceneTriangle) triangle, vec3 weights) {
    uint mode = load_material(scene, triangle.material).alpha_mode;
    if (mode == ALPHA_OPAQUE) return 1.0f;
    float alpha = evaluate_base_color(scene, mesh, triangle, weights).w;
    if (mode == ALPHA_MASK) return alpha >= load_material(scene, triangle.material).alpha_cutoff ? 1.0f : 0.0f;
    return clamp(alpha, 0.0f, 1.0f);
}

inline float alpha_of_hit(IN(SceneData) scene, uint instance, uint triangle, float u, float v) {
    SceneTriangle corners = load_triangle(scene, triangle);
    return alpha_at(scene, load_links(scene, instance).mesh, corners, barycentric_weights(u, v));
}

// Whether a closest ray stops at this hit. `alpha_key`: the path's (path_alpha_key).
inline bool accept_hit(IN(SceneData) scene, uint instance, uint triangle, float u, float v, uint alpha_key) {
    float alpha = alpha_of_hit(scene, instance, triangle, u, v);
    if (alpha >= 1.0f) return true;
    return unit_float(hash_pair(hash_pair(alpha_key, instance), triangle)) < alpha;
}

// What a shadow ray keeps at this hit.
inline float transmittance_of_hit(IN(SceneData) scene, uint instance, uint triangle, float u, float v) {
    return 1.0f - alpha_of_hit(scene, instance, triangle, u, v);
}

SHADING_END
#endif
