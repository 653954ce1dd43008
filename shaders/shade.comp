#version 460
// Shades the ends of the rays of one queue; paths that go on fill the other queue, light to be asked for fills the queue of shadow rays.
#extension GL_GOOGLE_include_directive : require
#include "queues.h"

void main() {
    uvec2 items = group_items(queue_count(batch.queue));
    for (uint i = items.x + gl_LocalInvocationID.x; i < items.y; i += gl_WorkGroupSize.x) {
        uint slot;
        PathState path = load_path(batch.queue, i, slot);
        PathResult gathered = nothing_gathered();
        ShadowRay shadow;
        uint outcome = shade(load_scene(), wavefront.params, load_hit(i), path, gathered, shadow);
        if (gathered.radiance != vec3(0.0f) || gathered.alpha != 1.0f) {
            PathResult result = load_result(slot);
            result.radiance += gathered.radiance;
            result.alpha *= gathered.alpha;
            store_result(slot, result);
        }
        if ((outcome & PATH_HAS_SHADOW) != 0u) store_shadow(atomicAdd(wavefront.counters.at[0].shadows, 1u), shadow, slot);
        if ((outcome & PATH_CONTINUES) != 0u) {
            uint place =
                batch.queue == 0u ? atomicAdd(wavefront.counters.at[0].active_1, 1u) : atomicAdd(wavefront.counters.at[0].active_0, 1u);
            store_path(batch.queue ^ 1u, place, path, slot);
        }
    }
}
