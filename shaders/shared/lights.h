// Light from everywhere: one light drawn, far ones by power, near ones by what they may do at the lit place (light_tree.h); then a point or
// direction on it. Densities are per steradian and count the draw.
#ifndef RAYMILL_LIGHTS_H
#define RAYMILL_LIGHTS_H
#include "alpha.h"
#include "camera.h"
#include "environment.h"
#include "language.h"
#include "light_tree.h"
#include "ray_offset.h"
#include "sampler.h"
#include "scene_data.h"
#include "scene_loads.h"
#include "surface.h"
SHADING_BEGIN

inline bool lacks_far_lights(IN(SceneData) scene) {
    return (scene.flags & SCENE_NO_DIRECTIONAL) != 0u && (scene.flags & SCENE_HAS_ENVIRONMENT) == 0u;
}
inline bool lacks_near_lights(IN(SceneData) scene) {
    return (scene.flags & SCENE_NO_TRIANGLE_LIGHTS) != 0u && (scene.flags & SCENE_NO_LAMPS) != 0u;
}

// A light for a surface at `place` with the normal `normal`; `pmf` is the probability of this draw, 0 where nothing can shine there.
// `bits`: 32 random bits for the alias table's cell or the way down the tree; `u` in [0, 1) decides between far and near and comes back
// stretched to [0, 1) again.
inline uint pick_light(IN(SceneData) scene, vec3 place, vec3 normal, uint bits, INOUT(float) u, OUT(float) pmf) {
    if (lacks_far_lights(scene) || (!lacks_near_lights(scene) && u >= scene.distant_share)) {
        uint near_light = pick_near_light(scene, place, normal, bits, pmf);
        pmf *= 1.0f - scene.distant_share;
        return near_light;
    }
    u = min(u / scene.distant_share, 0.99999994f);
    uint light = multiply_high(bits, scene.light_count);
    SceneLight cell = load_light(scene, light);
    float threshold = cell.alias_threshold;
    if (u < threshold) {
        u = min(u / threshold, 0.99999994f);
    } else {
        u = min((u - threshold) / (1.0f - threshold), 0.99999994f);
        light = cell.alias;
    }
    pmf = load_light(scene, light).pmf;
    return light;
}

// Uniform over a triangle, as barycentrics of its vertices 1 and 2. Heitz, "A Low-Distortion Map Between Triangle and Square" (2019).
inline vec2 sample_triangle(vec2 u) {
    float a = 0.5f * u.x;
    float b = 0.5f * u.y;
    float offset = b - a;
    if (offset > 0.0f) {
        b += offset;
    } else {
        a -= offset;
    }
    return vec2(a, b);
}

// Density per steradian of a point drawn uniformly from a triangle, seen at `distance2` (metres squared) under `cos_light` to its normal.
inline float triangle_pdf(float area, float distance2, float cos_light) { return distance2 / (area * cos_light); }

struct LightSample {
    vec3 direction;  // unit, to the light
    float t_max;     // of the shadow ray: just short of the light
    vec3 radiance;   // radiance from there; for a light without extent the irradiance on a facing surface
    float pdf;       // 0: no light here. Of a light without extent: the probability of its draw
    bool has_extent; // scattering may find it too
};

// KHR_lights_punctual: the inverse square law with the recommended window of `range`.
inline float distance_attenuation(float distance2, float range) {
    float window = 1.0f;
    if (range > 0.0f) {
        float ratio2 = distance2 / (range * range);
        window = clamp(1.0f - ratio2 * ratio2, 0.0f, 1.0f);
    }
    return window / distance2;
}

// Light that may arrive at `origin` (where shadow rays start, metres) on a surface with the normal `normal`. `bits`: for the point on the
// light; `pick`: bits and fraction for pick_light.
inline LightSample sample_light(IN(SceneData) scene, vec3 origin, vec3 normal, uvec2 bits, uvec2 pick) {
    LightSample result;
    result.direction = vec3(0.0f, 1.0f, 0.0f);
    result.t_max = RAY_INFINITY;
    result.radiance = vec3(0.0f);
    result.pdf = 0.0f;
    result.has_extent = false;
    if (scene.light_count == 0u) return result;
    float u = unit_float(pick.y);
    float pmf;
    uint index = pick_light(scene, origin, normal, pick.x, u, pmf);
    if (!(pmf > 0.0f)) return result;
    SceneLight light = load_light(scene, index);
    uint kind = light.kind;

    if ((scene.flags & SCENE_HAS_ENVIRONMENT) != 0u && kind == LIGHT_ENVIRONMENT) {
        float pdf;
        result.direction = sample_environment(scene, bits);
        result.radiance = environment_lookup(scene, result.direction, pdf);
        result.pdf = pmf * pdf;
        result.has_extent = true;
        return result;
    }
    if ((scene.flags & SCENE_NO_DIRECTIONAL) == 0u && kind == LIGHT_DIRECTIONAL) {
        result.direction = -light.direction;
        result.radiance = light.intensity;
        result.pdf = pmf;
        return result;
    }
    if ((scene.flags & SCENE_NO_TRIANGLE_LIGHTS) == 0u && kind == LIGHT_TRIANGLE) {
        uint instance = light.instance;
        SceneTriangle triangle = load_triangle(scene, light.triangle);
        uint mesh = load_links(scene, instance).mesh;
        mat4x3 object_to_world = load_object_to_world(scene, instance);
        vec3 p0 = load_position(scene, triangle.v0);
        vec3 p1 = load_position(scene, triangle.v1);
        vec3 p2 = load_position(scene, triangle.v2);
        WorldTriangle world = make_world_triangle(object_to_world, 0u, p0, p1, p2);
        vec2 uv = sample_triangle(vec2(unit_float(bits.x), unit_float(bits.y)));
        vec3 weights = barycentric_weights(uv.x, uv.y);
        vec3 point = transform_point(object_to_world, p0 * weights.x + p1 * weights.y + p2 * weights.z);
        // The ray must end before the emitter: aim at a point that is as far in front of it as rounding may reach.
        vec3 object_size = abs(p0) * weights.x + abs(p1) * weights.y + abs(p2) * weights.z;
        vec3 error = position_error(object_to_world, load_world_to_object(scene, instance), object_size, point);
        float side = dot(world.normal, origin - point) < 0.0f ? -1.0f : 1.0f;
        float offset = offset_distance(error, world.normal, world.edge1, world.edge2, world.area);
        vec3 to_light = point + world.normal * (side * offset) - origin;
        float distance2 = dot(to_light, to_light);
        float distance = sqrt(distance2);
        if (!(distance > 0.0f) || world.area == 0.0f) return result;
        result.direction = to_light / distance;
        float cos_light = -side * dot(world.normal, result.direction);
        if (cos_light <= 0.0f) return result;
        result.t_max = distance * 0.999999f;
        result.radiance = evaluate_emission(scene, mesh, triangle, weights) * alpha_at(scene, mesh, triangle, weights);
        result.pdf = pmf * triangle_pdf(world.area, distance2, cos_light);
        result.has_extent = true;
        return result;
    }
    if ((scene.flags & SCENE_NO_LAMPS) != 0u) return result;
    vec3 to_light = light.position - origin;
    float distance2 = dot(to_light, to_light);
    if (distance2 == 0.0f) return result;
    float distance = sqrt(distance2);
    result.direction = to_light / distance;
    result.t_max = distance;
    result.radiance = light.intensity * distance_attenuation(distance2, light.range);
    if (kind == LIGHT_SPOT) {
        float cosine = -dot(light.direction, result.direction);
        float cone = clamp(cosine * light.cone_scale + light.cone_offset, 0.0f, 1.0f);
        result.radiance *= cone * cone;
    }
    result.pdf = pmf;
    return result;
}

// Density with which sample_light would have drawn the emission met at a hit: `point` on instance `hit.instance`, seen from `origin` on a
// surface with the normal `normal`, along `direction` at `hit.t`. 0 where it is not in the table (unlit or black).
inline float hit_light_pdf(IN(SceneData) scene, IN(RayHit) hit, IN(SurfacePoint) point, vec3 origin, vec3 normal, vec3 direction) {
    if ((scene.flags & SCENE_NO_TRIANGLE_LIGHTS) != 0u) return 0.0f;
    uint first = load_links(scene, hit.instance).first_triangle_light;
    if (first == NONE || point.area == 0.0f) return 0.0f;
    uint light = scene.triangle_light.at[first + (hit.triangle - load_mesh(scene, point.mesh).first_triangle)];
    if (light == NONE) return 0.0f;
    float cos_light = -dot(point.geometric_normal, direction);
    if (cos_light <= 0.0f) return 0.0f;
    float pmf = near_light_pmf(scene, origin, normal, load_light(scene, light).trail) * (1.0f - scene.distant_share);
    return pmf * triangle_pdf(point.area, hit.t * hit.t, cos_light);
}

// The same for the environment, met by a ray that hits nothing: its radiance, and the density.
inline vec3 miss_light(IN(SceneData) scene, vec3 direction, OUT(float) pdf) {
    vec3 radiance = environment_lookup(scene, direction, pdf);
    pdf = scene.environment_light == NONE ? 0.0f : load_light(scene, scene.environment_light).pmf * pdf;
    return radiance;
}

SHADING_END
#endif
