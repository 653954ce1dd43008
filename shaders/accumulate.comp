#version 460
// Adds a batch's finished samples to their pixels, in index order.
#extension GL_GOOGLE_include_directive : require
#include "queues.h"

void main() {
    uvec2 items = group_items(batch.pixels);
    for (uint i = items.x + gl_LocalInvocationID.x; i < items.y; i += gl_WorkGroupSize.x) {
        PixelSum total = wavefront.sums.at[i];
        for (uint j = 0u; j < batch.samples; ++j) {
            bool bad;
            vec4 value = finish(load_result(i * batch.samples + j), bad);
            if (bad) {
                atomicAdd(wavefront.counters.at[0].bad_samples, 1u);
                continue;
            }
            precise vec4 corrected = value - total.excess;
            precise vec4 sum = total.sum + corrected;
            precise vec4 excess = (sum - total.sum) - corrected;
            total.sum = sum;
            total.excess = excess;
            total.good += 1u;
        }
        wavefront.sums.at[i] = total;
    }
}
