#version 460
// Begins the paths of a batch: camera rays into every slot, every slot into queue 0.
#extension GL_GOOGLE_include_directive : require
#include "kernel.h"

void main() {
    uint count = batch.pixels * batch.samples;
    uvec2 items = group_items(count);
    for (uint slot = items.x + gl_LocalInvocationID.x; slot < items.y; slot += gl_WorkGroupSize.x) {
        uvec2 pixel = batch_pixel(wavefront.rect_width, wavefront.rect_height, batch.first_pixel + slot / batch.samples);
        wavefront.paths.at[slot] = generate(load_scene(), wavefront.params, wavefront.rect_x + pixel.x, wavefront.rect_y + pixel.y,
                                            batch.first_sample + slot % batch.samples);
        wavefront.queue_0.at[slot] = slot;
    }
    if (gl_GlobalInvocationID.x == 0u) wavefront.counters.at[0].active_0 = count;
}
