// Where rays that leave a surface start: far enough from it that rounding cannot make them hit it again, and no farther.
// Error bounds carried along instead of a scene-wide epsilon (Pharr, Jakob and Humphreys, "Physically Based Rendering", section 6.8): works
// from millimetres to hundreds of kilometres, and for instances far from their mesh's origin.
#ifndef RAYMILL_RAY_OFFSET_H
#define RAYMILL_RAY_OFFSET_H
#include "language.h"
SHADING_BEGIN

// Half an ulp is 2^-24 of a number; this is about eight of those, for the sums and products between vertices and a hit.
CONSTANT(float, ROUNDING_BOUND, 5.0e-7f);
CONSTANT(float, SLENDER_BOUND, 1.2e-7f);
CONSTANT(float, MAX_SLENDERNESS, 200.0f); // of thinner needles: a start farther off would pass through thin walls

inline vec3 multiply_sizes(IN(mat4x3) m, vec3 size) { return abs(m[0]) * size.x + abs(m[1]) * size.y + abs(m[2]) * size.z; }

// Bound of the error of a hit's world position, per axis. `object_size`: sum of the vertices' absolute values with their barycentric
// weights. Counts the vertices' interpolation, the way to world space, and the next ray's way back to object space, where its hits are
// computed.
inline vec3 position_error(IN(mat4x3) object_to_world, IN(mat4x3) world_to_object, vec3 object_size, vec3 position) {
    vec3 back_in_object = multiply_sizes(world_to_object, abs(position)) + abs(world_to_object[3]);
    return ROUNDING_BOUND * (abs(position) + abs(object_to_world[3]) + multiply_sizes(object_to_world, object_size + back_in_object));
}

// Distance along the unit geometric normal that a ray's origin must keep from the surface: the error box's reach along it, and what the next
// ray's own test of this triangle may be off, which grows with the triangle's slenderness (edge^3 / area; four edge lengths for a good one).
inline float offset_distance(vec3 error, vec3 geometric_normal, vec3 edge1, vec3 edge2, float area) {
    float edge_squared = max(dot(edge1, edge1), dot(edge2, edge2));
    float slenderness = min(edge_squared, area * MAX_SLENDERNESS) / max(area, 1.0e-37f);
    return dot(error, abs(geometric_normal)) + SLENDER_BOUND * sqrt(edge_squared) * slenderness;
}

SHADING_END
#endif
