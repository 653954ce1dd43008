#version 460
// Traces one queue of rays. TRACE_SHADOW 0: the closest hits of paths' rays; 1: what shadow rays let through, and its way into the path.
// TRACE_RAY_QUERY 0: our own hierarchy; 1: the device's. TRACE_INT64 1: our own with 64-bit loads; 0: for drivers without shaderInt64.
// Modules of their own, since no specialisation constant can hide a capability.
#extension GL_GOOGLE_include_directive : require
#if TRACE_INT64
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#endif
#if TRACE_RAY_QUERY
#extension GL_EXT_ray_query : require
#endif
#include "kernel.h"
#include "shared/alpha.h"
#include "shared/triangle.h"

struct Ray {
    vec3 origin;
    float t_max;
    vec3 direction;
    uint alpha_key;
};

uint item_count() { return TRACE_SHADOW != 0 ? wavefront.counters.at[0].shadows : queue_count(batch.queue); }

uint item_slot(uint i) { return TRACE_SHADOW != 0 ? wavefront.shadow_queue.at[i] : queue_slot(batch.queue, i); }

Ray load_ray(uint slot) {
    Ray ray;
#if TRACE_SHADOW
    ShadowRay shadow = wavefront.shadows.at[slot];
    ray.origin = shadow.origin;
    ray.t_max = shadow.t_max;
    ray.direction = shadow.direction;
    ray.alpha_key = 0u;
#else
    PathState path = wavefront.paths.at[slot];
    ray.origin = path.origin;
    ray.t_max = path.t_max;
    ray.direction = path.direction;
    ray.alpha_key = SCENE_WITH_ALPHA ? path_alpha_key(path) : 0u;
#endif
    return ray;
}

// What a ray found: its closest hit so far (t: the ray's end where there is none), or for shadow rays the transmittance so far.
RayHit found;
float transmittance;

void begin_result(float t_max) {
    found.instance = NONE;
    found.triangle = NONE;
    found.t = t_max;
    found.u = 0.0f;
    found.v = 0.0f;
    transmittance = 1.0f;
}

// Takes a hit that is nearer than found.t. False: nothing more can matter to this ray. `ask`: the material may let rays through.
bool take_hit(uint instance, uint triangle, bool ask, float t, float u, float v, uint alpha_key) {
#if TRACE_SHADOW
    transmittance *= SCENE_WITH_ALPHA && ask ? transmittance_of_hit(load_scene(), instance, triangle, u, v) : 0.0f;
    return transmittance > 0.0f;
#else
    if (SCENE_WITH_ALPHA && ask) {
        if (!accept_hit(load_scene(), instance, triangle, u, v, alpha_key)) return true;
    }
    found.instance = instance;
    found.triangle = triangle;
    found.t = t;
    found.u = u;
    found.v = v;
    return true;
#endif
}

void store_result(uint slot) {
#if TRACE_SHADOW
    if (transmittance > 0.0f) {
        PathState path = wavefront.paths.at[slot];
        connect(path, wavefront.shadows.at[slot], transmittance);
        wavefront.paths.at[slot].radiance = path.radiance;
    }
#else
    wavefront.hits.at[slot] = found;
#endif
}

#if TRACE_RAY_QUERY
#include "traversal_ray_query.h"
#else
#include "traversal_bvh.h"
#endif
