// The tree of near lights: one light is drawn by walking down from the root, at each node to the child that may light the place more, with
// a probability in proportion. The importance of a node bounds what its lights can do there: intensity, inverse square of the distance, the
// cosines towards the light and away from it, each at its best within the node's bounds. Conty Estevez and Kulla, "Importance Sampling of
// Many Lights with Adaptive Tree Splitting" (HPG 2018), section 4.2. Built by renderer/scene/light_tree.cpp.
#ifndef RAYMILL_LIGHT_TREE_H
#define RAYMILL_LIGHT_TREE_H
#include "language.h"
#include "sampler.h"
#include "scene_data.h"
#include "scene_loads.h"
SHADING_BEGIN

// cos(max(0, a - b)) of angles in [0, pi], from their cosines.
inline float cos_of_difference(float cos_a, float cos_b) {
    if (cos_a > cos_b) return 1.0f;
    float sines2 = max(0.0f, 1.0f - cos_a * cos_a) * max(0.0f, 1.0f - cos_b * cos_b);
    return cos_a * cos_b + sqrt(sines2);
}

// What the node may do to a surface at `place` with the normal `normal`: a weight, 0 where it cannot shine there at all.
inline float light_importance(IN(LightNode) node, vec3 place, vec3 normal) {
    vec3 half_size = 0.5f * (node.upper - node.lower);
    vec3 to_center = 0.5f * (node.lower + node.upper) - place;
    float distance2 = dot(to_center, to_center);
    float radius2 = dot(half_size, half_size);
    // Inside the sphere round the bounds everything is possible.
    if (distance2 <= radius2 || distance2 == 0.0f) return node.intensity / max(radius2, 1e-30f);
    vec3 direction = to_center * inversesqrt(distance2);
    float cos_sphere = sqrt(max(0.0f, 1.0f - radius2 / distance2)); // half angle under which the sphere is seen
    float cos_axis = -dot(node.axis, direction);
    if ((node.flags & LIGHT_NODE_BOTH_SIDES) != 0u) cos_axis = abs(cos_axis);
    float cos_leaving = cos_of_difference(cos_of_difference(cos_axis, node.cos_spread), cos_sphere);
    if (cos_leaving < node.cos_emission) return 0.0f;
    float cos_arriving = cos_of_difference(dot(normal, direction), cos_sphere);
    // The small rest keeps what rounding of the packed normal would cut off.
    return node.intensity / distance2 * max(cos_leaving, 0.05f) * (max(cos_arriving, 0.0f) + 0.01f);
}

// Random number for the choice at `depth`: stretched from level to level, fresh bits before they run out.
CONSTANT(uint, LIGHT_TREE_LEVELS_A_NUMBER, 8u);

// A near light with probability `pmf` (of the tree's draw alone); 0 where none can shine.
inline uint pick_near_light(IN(SceneData) scene, vec3 place, vec3 normal, uint bits, OUT(float) pmf) {
    uint node = 0u;
    float u = unit_float(bits);
    pmf = 1.0f;
    for (uint depth = 1u; (load_light_node(scene, node).link & LIGHT_LEAF) == 0u; ++depth) {
        uint second = load_light_node(scene, node).link;
        float first_importance = light_importance(load_light_node(scene, node + 1u), place, normal);
        float second_importance = light_importance(load_light_node(scene, second), place, normal);
        float sum = first_importance + second_importance;
        if (!(sum > 0.0f)) {
            pmf = 0.0f;
            return 0u;
        }
        float share = first_importance / sum;
        if (u < share) {
            u = min(u / share, 0.99999994f);
            pmf *= share;
            node = node + 1u;
        } else {
            u = min((u - share) / (1.0f - share), 0.99999994f);
            pmf *= 1.0f - share;
            node = second;
        }
        if (depth % LIGHT_TREE_LEVELS_A_NUMBER == 0u) u = unit_float(hash_pair(bits, depth));
    }
    return load_light_node(scene, node).link & ~LIGHT_LEAF;
}

// The same probability for the light whose leaf `trail` leads to.
inline float near_light_pmf(IN(SceneData) scene, vec3 place, vec3 normal, uint trail) {
    uint node = 0u;
    float pmf = 1.0f;
    uint way = trail;
    for (; (load_light_node(scene, node).link & LIGHT_LEAF) == 0u; way = way >> 1u) {
        uint second = load_light_node(scene, node).link;
        float first_importance = light_importance(load_light_node(scene, node + 1u), place, normal);
        float second_importance = light_importance(load_light_node(scene, second), place, normal);
        float sum = first_importance + second_importance;
        if (!(sum > 0.0f)) return 0.0f;
        float share = first_importance / sum;
        bool to_second = (way & 1u) != 0u;
        pmf *= to_second ? 1.0f - share : share;
        node = to_second ? second : node + 1u;
    }
    return pmf;
}

SHADING_END
#endif
