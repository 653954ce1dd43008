#version 460
// Traces one queue of rays. TRACE_SHADOW 0: the closest hits of paths' rays; 1: what shadow rays let through, and its way into the path.
// TRACE_RAY_QUERY 0: our own hierarchy; 1: the device's.
// Modules of their own, since no specialisation constant can hide a capability.
#extension GL_GOOGLE_include_directive : require
#if TRACE_RAY_QUERY
#extension GL_EXT_ray_query : require
#endif
#include "queues.h"
#include "shared/alpha.h"
#include "shared/triangle.h"

struct Ray {
    vec3 origin;
    float t_max;
    vec3 direction;
    uint alpha_key;
};

uint item_count() { return TRACE_SHADOW != 0 ? wavefront.counters.at[0].shadows : queue_count(batch.queue); }

WordPairs rays() { return TRACE_SHADOW != 0 ? WordPairs(wavefront.shadows) : paths_of(batch.queue); }

// The first words of ray `i`. Asked for a ray ahead, they bring its cache line while the ray before is walked.
uvec2 load_ray_ahead(uint i) { return load_pair(rays(), (TRACE_SHADOW != 0 ? SHADOW_PAIRS : PATH_PAIRS) * i); }

Ray load_ray(uint i, uvec2 ahead) {
    WordPairs pairs = rays();
    uint first = (TRACE_SHADOW != 0 ? SHADOW_PAIRS : PATH_PAIRS) * i;
    vec2 a = uintBitsToFloat(ahead);
    vec2 b = load_floats(pairs, first + 1u);
    vec2 c = load_floats(pairs, first + 2u);
    vec2 d = load_floats(pairs, first + 3u);
    Ray ray;
    ray.origin = vec3(a.x, a.y, b.x);
    ray.t_max = b.y;
    ray.direction = vec3(c.x, c.y, d.x);
    ray.alpha_key = 0u;
    if (SCENE_WITH_ALPHA && TRACE_SHADOW == 0) {
        uint slot;
        ray.alpha_key = path_alpha_key(load_path(batch.queue, i, slot));
    }
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

// Ray number `i` of the queue is done.
void store_found(uint i) {
#if TRACE_SHADOW
    if (transmittance > 0.0f) {
        WordPairs pairs = WordPairs(wavefront.shadows);
        vec2 d = load_floats(pairs, SHADOW_PAIRS * i + 3u);
        vec2 e = load_floats(pairs, SHADOW_PAIRS * i + 4u);
        uint slot = load_pair(pairs, SHADOW_PAIRS * i + 5u).x;
        ShadowRay shadow;
        shadow.contribution = vec3(d.y, e.x, e.y);
        PathResult result = load_result(slot);
        connect(result, shadow, transmittance);
        store_result(slot, result);
    }
#else
    store_hit(i, found);
#endif
}

#if TRACE_RAY_QUERY
#include "traversal_ray_query.h"
#else
#include "traversal_bvh.h"
#endif
