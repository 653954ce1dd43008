// The arrays of paths in flight (shared/wavefront.h), record by record.
#ifndef RAYMILL_QUEUES_H
#define RAYMILL_QUEUES_H
#include "kernel.h"

WordPairs paths_of(uint queue) { return WordPairs(queue == 0u ? wavefront.paths_0 : wavefront.paths_1); }

PathState load_path(uint queue, uint i, out uint slot) {
    WordPairs pairs = paths_of(queue);
    uint first = PATH_PAIRS * i;
    vec2 a = load_floats(pairs, first);
    vec2 b = load_floats(pairs, first + 1u);
    vec2 c = load_floats(pairs, first + 2u);
    vec2 d = load_floats(pairs, first + 3u);
    vec2 e = load_floats(pairs, first + 4u);
    uvec2 f = load_pair(pairs, first + 5u);
    uvec2 g = load_pair(pairs, first + 6u);
    uvec2 h = load_pair(pairs, first + 7u);
    PathState path;
    path.origin = vec3(a.x, a.y, b.x);
    path.t_max = b.y;
    path.direction = vec3(c.x, c.y, d.x);
    path.bsdf_pdf = d.y;
    path.throughput = vec3(e.x, e.y, uintBitsToFloat(f.x));
    path.normal = f.y;
    path.key = g.x;
    path.sample_index = g.y;
    path.vertex = h.x;
    slot = h.y;
    return path;
}

void store_path(uint queue, uint i, PathState path, uint slot) {
    WordPairs pairs = paths_of(queue);
    uint first = PATH_PAIRS * i;
    store_floats(pairs, first, path.origin.x, path.origin.y);
    store_floats(pairs, first + 1u, path.origin.z, path.t_max);
    store_floats(pairs, first + 2u, path.direction.x, path.direction.y);
    store_floats(pairs, first + 3u, path.direction.z, path.bsdf_pdf);
    store_floats(pairs, first + 4u, path.throughput.x, path.throughput.y);
    store_pair(pairs, first + 5u, floatBitsToUint(path.throughput.z), path.normal);
    store_pair(pairs, first + 6u, path.key, path.sample_index);
    store_pair(pairs, first + 7u, path.vertex, slot);
}

RayHit load_hit(uint i) {
    WordPairs pairs = WordPairs(wavefront.hits);
    uint first = HIT_PAIRS * i;
    uvec2 a = load_pair(pairs, first);
    vec2 b = load_floats(pairs, first + 1u);
    vec2 c = load_floats(pairs, first + 2u);
    RayHit hit;
    hit.instance = a.x;
    hit.triangle = a.y;
    hit.t = b.x;
    hit.u = b.y;
    hit.v = c.x;
    return hit;
}

void store_hit(uint i, RayHit hit) {
    WordPairs pairs = WordPairs(wavefront.hits);
    uint first = HIT_PAIRS * i;
    store_pair(pairs, first, hit.instance, hit.triangle);
    store_floats(pairs, first + 1u, hit.t, hit.u);
    store_floats(pairs, first + 2u, hit.v, 0.0f);
}

void store_shadow(uint i, ShadowRay shadow, uint slot) {
    WordPairs pairs = WordPairs(wavefront.shadows);
    uint first = SHADOW_PAIRS * i;
    store_floats(pairs, first, shadow.origin.x, shadow.origin.y);
    store_floats(pairs, first + 1u, shadow.origin.z, shadow.t_max);
    store_floats(pairs, first + 2u, shadow.direction.x, shadow.direction.y);
    store_floats(pairs, first + 3u, shadow.direction.z, shadow.contribution.x);
    store_floats(pairs, first + 4u, shadow.contribution.y, shadow.contribution.z);
    store_pair(pairs, first + 5u, slot, 0u);
}

PathResult load_result(uint slot) {
    WordPairs pairs = WordPairs(wavefront.results);
    vec2 a = load_floats(pairs, RESULT_PAIRS * slot);
    vec2 b = load_floats(pairs, RESULT_PAIRS * slot + 1u);
    PathResult result;
    result.radiance = vec3(a.x, a.y, b.x);
    result.alpha = b.y;
    return result;
}

void store_result(uint slot, PathResult result) {
    WordPairs pairs = WordPairs(wavefront.results);
    store_floats(pairs, RESULT_PAIRS * slot, result.radiance.x, result.radiance.y);
    store_floats(pairs, RESULT_PAIRS * slot + 1u, result.radiance.z, result.alpha);
}

#endif
