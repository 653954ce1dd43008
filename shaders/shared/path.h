// A path, in the three stages that every device runs: generate (a camera ray), shade (at a hit or a miss), connect (light that a shadow ray
// lets through). Between them the device traces: the closest hit of the path's ray (asking accept_hit of alpha.h), and the transmittance of
// shadow rays. Unidirectional path tracing; light by next-event estimation and by scattering, weighted by mis.h.
//
// Depth. Surface vertex 0 is the first one that the camera sees. Light is gathered at vertices 0 .. max_bounces, each with both techniques,
// so a ray is still traced to vertex max_bounces + 1, whose emission counts: a closed box of emission 1 and albedo a shows the sum of a^k,
// k = 0 .. max_bounces + 1. Surfaces that alpha lets rays through are no vertices.
//
// Unlit materials (KHR_materials_unlit) show their base colour as radiance and scatter nothing. They light others when scattering finds
// them.
//
// Shading normals. On a smooth-shaded mesh, rays leave from the curved surface that its vertex normals tell of (surface.h,
// smooth_surface_lift), so facets cast no hard steps of shadow on each other, and no energy is lost: what such a mesh shows is the curved
// surface's light. Light counts where it lies above the shading normal's and the smooth normal's horizon, and the way to it is traced, so
// none leaks through a surface. A normal map's light fades to 0 at the smooth surface's horizon; that alone takes energy away, and nothing
// where both normals agree.
//
// Roulette looks at throughput only: images scale with their lights, exactly so for powers of two.
#ifndef RAYMILL_PATH_H
#define RAYMILL_PATH_H
#include "bsdf_material.h"
#include "camera.h"
#include "direction.h"
#include "filter.h"
#include "frame_params.h"
#include "language.h"
#include "lights.h"
#include "mis.h"
#include "sampler.h"
#include "scene_data.h"
#include "scene_loads.h"
#include "surface.h"
SHADING_BEGIN

CONSTANT(uint, ROULETTE_FIRST_VERTEX, 2u); // paths may be ended by chance when they leave this vertex or a later one

// What a path carries from vertex to vertex.
struct PathState {
    vec3 origin; // of the ray to trace next
    float t_max;
    vec3 direction; // unit
    float bsdf_pdf; // density, per steradian, of that direction; 0: light sampling could not have found it (camera rays, mirrors)
    vec3 throughput;
    uint normal; // packed: shading normal of the vertex that the ray left; what light was drawn for there
    uint key;    // pixel_key
    uint sample_index;
    uint vertex; // number of the surface vertex that the ray leads to
};
SHARED_LAYOUT(PathState, 60, vertex, 56);

// What a path has gathered so far.
struct PathResult {
    vec3 radiance;
    float alpha; // of the sample
};
SHARED_LAYOUT(PathResult, 16, alpha, 12);

inline PathResult nothing_gathered() {
    PathResult result;
    result.radiance = vec3(0.0f);
    result.alpha = 1.0f;
    return result;
}

// Light on its way to a path's vertex: radiance x transmittance along the ray is added to the path. No shadow ray where contribution is 0.
struct ShadowRay {
    vec3 origin;
    float t_max;
    vec3 direction; // unit
    vec3 contribution;
};
SHARED_LAYOUT(ShadowRay, 40, contribution, 28);

// What is to be done after shade: any of these.
CONSTANT(uint, PATH_CONTINUES, 1u);  // trace the path's ray and shade again
CONSTANT(uint, PATH_HAS_SHADOW, 2u); // trace the shadow ray and connect

// The key that closest rays of a path give to accept_hit; another one for each ray of it.
inline uint path_alpha_key(IN(PathState) path) { return hash_pair(hash_pair(path.key, path.sample_index), path.vertex); }

// Sample `sample_index` of pixel (x, y), counted from the frame's top left corner.
inline PathState generate(IN(SceneData) scene, IN(FrameParams) params, uint x, uint y, uint sample_index) {
    PathState path;
    path.key = pixel_key(params.seed, x, y);
    path.sample_index = sample_index;
    path.vertex = 0u;
    path.normal = 0u;
    vec2 in_pixel = sample_pixel_filter(params.pixel_filter, sample_unit_square(path.key, sample_index, DECISION_FILTER));
    CameraRay ray = make_camera_ray(scene.camera, vec2(float(x), float(y)) + in_pixel, params.width, params.height);
    path.origin = ray.origin;
    path.direction = ray.direction;
    path.t_max = ray.t_max;
    path.bsdf_pdf = 0.0f;
    path.throughput = vec3(1.0f);
    return path;
}

// Factor that takes light to 0 at the horizon of the smooth surface where a normal map has bent the normal: 1 where light is no lower over
// the smooth normal than over the bent one. Chiang, Li and Burley, "Taming the Shadow Terminator" (SIGGRAPH Talks 2019), equations 2 and 3.
inline float shadow_terminator_factor(vec3 smooth_normal, vec3 normal, vec3 light) {
    float over_smooth = dot(smooth_normal, light);
    float over_bent = dot(normal, light) * dot(smooth_normal, normal);
    if (over_smooth <= 0.0f || over_bent <= 0.0f) return 0.0f;
    if (over_smooth >= over_bent) return 1.0f;
    float g = over_smooth / over_bent;
    return g * (1.0f + g * (1.0f - g));
}

// What of the light from a direction (unit) may count at a point, for its normals' sake: see "Shading normals" above.
inline float light_factor(IN(SurfacePoint) point, vec3 light) {
    return can_leave(point, light) ? shadow_terminator_factor(point.smooth_normal, point.normal, light) : 0.0f;
}

// Light that bounced more than once, scaled to the limit where one is set (biased: darkens what would be fireflies).
inline vec3 clamp_contribution(IN(FrameParams) params, vec3 contribution, uint bounces) {
    if (params.clamp_indirect <= 0.0f || bounces < 2u) return contribution;
    float size = max_component(contribution);
    return size > params.clamp_indirect ? contribution * (params.clamp_indirect / size) : contribution;
}

// Share of emission found by scattering: the path's ray met light that sample_light draws with density `light_pdf`.
inline float emission_weight(IN(FrameParams) params, IN(PathState) path, float light_pdf) {
    if (path.bsdf_pdf <= 0.0f || light_pdf <= 0.0f || params.strategy == STRATEGY_BSDF_ONLY) return 1.0f;
    if (params.strategy == STRATEGY_LIGHTS_ONLY) return 0.0f;
    return mis_weight(path.bsdf_pdf, light_pdf);
}

// The path's ray hit nothing.
inline void shade_miss(IN(SceneData) scene, IN(FrameParams) params, IN(PathState) path, INOUT(PathResult) gathered) {
    if (path.vertex == 0u && (!has_environment(scene) || (scene.flags & SCENE_ENVIRONMENT_HIDDEN) != 0u)) {
        if (has_environment(scene)) gathered.alpha = 0.0f;
        return;
    }
    if (!has_environment(scene)) return;
    float pdf;
    vec3 radiance = miss_light(scene, path.direction, pdf);
    float weight = emission_weight(params, path, pdf);
    gathered.radiance += clamp_contribution(params, path.throughput * radiance * weight, path.vertex);
}

// The path's ray met its next vertex, or nothing (hit.instance NONE). Adds what shines there, asks for light (`shadow`), and chooses the
// next ray. Returns PATH_* flags.
inline uint shade(IN(SceneData) scene, IN(FrameParams) params, IN(RayHit) hit, INOUT(PathState) path, INOUT(PathResult) gathered,
                  INOUT(ShadowRay) shadow) {
    if (hit.instance == NONE) {
        shade_miss(scene, params, path, gathered);
        return 0u;
    }
    SurfacePoint point = make_surface_point(scene, hit, path.direction);
    uint material = point.triangle.material;

    MaterialFactors factors = load_material(scene, material);

    if ((scene.flags & SCENE_NO_UNLIT) == 0u && (factors.flags & MATERIAL_UNLIT) != 0u) {
        vec4 color = evaluate_base_color(scene, point.mesh, point.triangle, point.weights);
        gathered.radiance += clamp_contribution(params, path.throughput * vec3(color.x, color.y, color.z), path.vertex);
        return 0u;
    }
    vec3 emission = evaluate_emission(scene, point.mesh, point.triangle, point.weights);
    if (max_component(emission) > 0.0f) {
        float light_pdf = 0.0f;
        if (path.bsdf_pdf > 0.0f) light_pdf = hit_light_pdf(scene, hit, point, path.origin, unpack_direction(path.normal), path.direction);
        float weight = emission_weight(params, path, light_pdf);
        gathered.radiance += clamp_contribution(params, path.throughput * emission * weight, path.vertex);
    }
    if (path.vertex > params.max_bounces) return 0u;

    vec4 base = evaluate_base_color(scene, point.mesh, point.triangle, point.weights);
    bool no_gloss = (scene.flags & SCENE_NO_GLOSS) != 0u;
    float metallic = no_gloss ? 0.0f : factors.metallic;
    float roughness = factors.roughness;
    float specular = no_gloss ? 0.0f : factors.specular;
    vec3 specular_color = factors.specular_color;
    if (metallic > 0.0f || specular > 0.0f) { // else none of these matters
        vec4 texel = evaluate_texture(scene, METALLIC_ROUGHNESS_TEXTURE, point.mesh, point.triangle, point.weights);
        metallic *= texel.z;
        roughness *= texel.y;
        specular *= evaluate_texture(scene, SPECULAR_TEXTURE, point.mesh, point.triangle, point.weights).w;
        texel = evaluate_texture(scene, SPECULAR_COLOR_TEXTURE, point.mesh, point.triangle, point.weights);
        specular_color *= vec3(texel.x, texel.y, texel.z);
    }
    mat3 local_frame = make_frame(point.normal);
    vec3 view = to_local(local_frame, -path.direction);
    Bsdf bsdf = make_bsdf(vec3(base.x, base.y, base.z), metallic, roughness, factors.ior, specular, specular_color, view.z);
    vec3 origin = leaving_origin(point);
    uint packed_normal = pack_direction(point.normal);
    uint result = 0u;

    if (params.strategy != STRATEGY_BSDF_ONLY && has_finite_lobe(bsdf)) {
        LightSample light = sample_light(scene, origin, unpack_direction(packed_normal),
                                         sample_bits(path.key, path.sample_index, vertex_decision(path.vertex, DECISION_LIGHT_POINT)),
                                         sample_bits(path.key, path.sample_index, vertex_decision(path.vertex, DECISION_LIGHT_PICK)));
        if (light.pdf > 0.0f) {
            float bsdf_pdf;
            vec3 value = evaluate_bsdf(bsdf, view, to_local(local_frame, light.direction), bsdf_pdf);
            value *= light_factor(point, light.direction);
            if (light.has_extent && params.strategy == STRATEGY_MIS) value *= mis_weight(light.pdf, bsdf_pdf);
            vec3 contribution = clamp_contribution(params, path.throughput * value * light.radiance / light.pdf, path.vertex + 1u);
            if (max_component(contribution) > 0.0f) {
                shadow.origin = origin;
                shadow.direction = light.direction;
                shadow.t_max = light.t_max;
                shadow.contribution = contribution;
                result = PATH_HAS_SHADOW;
            }
        }
    }

    vec2 u_lobe = sample_unit_square(path.key, path.sample_index, vertex_decision(path.vertex, DECISION_LOBE));
    BsdfSample next = sample_bsdf(
        bsdf, view, sample_unit_square(path.key, path.sample_index, vertex_decision(path.vertex, DECISION_DIRECTION)), u_lobe.x);
    vec3 direction = normalize(to_world(local_frame, next.light));
    vec3 throughput = path.throughput * next.weight * light_factor(point, direction);
    float size = max_component(throughput);
    if (!(size > 0.0f)) return result;
    if (path.vertex >= ROULETTE_FIRST_VERTEX && size < 1.0f) {
        if (u_lobe.y >= size) return result;
        throughput /= size;
    }
    path.throughput = throughput;
    path.origin = origin;
    path.direction = direction;
    path.t_max = RAY_INFINITY;
    path.bsdf_pdf = next.pdf;
    path.vertex += 1u;
    path.normal = packed_normal;
    return result | PATH_CONTINUES;
}

// `transmittance`: what the shadow ray's hits let through (product of transmittance_of_hit); 0 where something opaque stands in between.
inline void connect(INOUT(PathResult) gathered, IN(ShadowRay) shadow, float transmittance) {
    gathered.radiance += shadow.contribution * transmittance;
}

// What a finished path adds to its pixel: radiance, premultiplied, and alpha. `bad`: it is NaN or infinite; then the sample is to be
// counted and dropped.
inline vec4 finish(IN(PathResult) gathered, OUT(bool) bad) {
    float size = abs(gathered.radiance.x) + abs(gathered.radiance.y) + abs(gathered.radiance.z);
    bad = isnan(size) || isinf(size);
    return vec4(gathered.radiance, gathered.alpha);
}

SHADING_END
#endif
