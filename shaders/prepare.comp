#version 460
// One lane between kernels: sizes the next dispatches by what stands in the queues, and empties the queues that they will fill.
#extension GL_GOOGLE_include_directive : require
#include "kernel.h"

layout(constant_id = 2) const bool FOR_SHADOWS = false;

// Each lane of a full dispatch gets rays_per_lane items; a short queue is spread over more groups, so that all of the device has work.
uvec3 groups_for(uint count) {
    uint each_lane_one = (count + batch.group_lanes - 1u) / batch.group_lanes;
    uint groups = (each_lane_one + batch.rays_per_lane - 1u) / batch.rays_per_lane;
    groups = min(max(groups, min(each_lane_one, batch.least_groups)), batch.most_groups);
    uint turns = (groups + wavefront.interleave - 1u) / wavefront.interleave;
    if (turns > 1u && turns * wavefront.interleave <= batch.most_groups) groups = turns * wavefront.interleave;
    return uvec3(groups, 1u, 1u);
}

void main() {
    if (gl_GlobalInvocationID.x != 0u) return;
    if (FOR_SHADOWS) {
        uint count = wavefront.counters.at[0].shadows;
        wavefront.counters.at[0].shadow_rays += count;
        wavefront.counters.at[0].shadow_groups = groups_for(count);
        return;
    }
    uint count = queue_count(batch.queue);
    wavefront.counters.at[0].closest_rays += count;
    wavefront.counters.at[0].closest_groups = groups_for(count);
    wavefront.counters.at[0].shade_groups = groups_for(count);
    wavefront.counters.at[0].shadows = 0u;
    if (batch.queue == 0u)
        wavefront.counters.at[0].active_1 = 0u;
    else
        wavefront.counters.at[0].active_0 = 0u;
}
