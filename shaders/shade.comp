#version 460
// Shades the ends of the rays of one queue; paths that go on fill the other queue, light to be asked for fills the shadow queue.
#extension GL_GOOGLE_include_directive : require
#include "kernel.h"

void main() {
    uvec2 items = group_items(queue_count(batch.queue));
    for (uint i = items.x + gl_LocalInvocationID.x; i < items.y; i += gl_WorkGroupSize.x) {
        uint slot = queue_slot(batch.queue, i);
        PathState path = wavefront.paths.at[slot];
        ShadowRay shadow;
        uint outcome = shade(load_scene(), wavefront.params, wavefront.hits.at[slot], path, shadow);
        wavefront.paths.at[slot] = path;
        if ((outcome & PATH_HAS_SHADOW) != 0u) {
            wavefront.shadows.at[slot] = shadow;
            wavefront.shadow_queue.at[atomicAdd(wavefront.counters.at[0].shadows, 1u)] = slot;
        }
        if ((outcome & PATH_CONTINUES) != 0u) {
            if (batch.queue == 0u)
                wavefront.queue_1.at[atomicAdd(wavefront.counters.at[0].active_1, 1u)] = slot;
            else
                wavefront.queue_0.at[atomicAdd(wavefront.counters.at[0].active_0, 1u)] = slot;
        }
    }
}
