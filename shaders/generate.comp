#version 460
// Begins the paths of a batch: camera rays into queue 0, slot i in place i.
#extension GL_GOOGLE_include_directive : require
#include "queues.h"

void main() {
    uint count = batch.pixels * batch.samples;
    uvec2 items = group_items(count);
    for (uint slot = items.x + gl_LocalInvocationID.x; slot < items.y; slot += gl_WorkGroupSize.x) {
        uvec2 pixel = batch_pixel(wavefront.rect_width, wavefront.rect_height, batch.first_pixel + slot / batch.samples);
        PathState path = generate(load_scene(), wavefront.params, wavefront.rect_x + pixel.x, wavefront.rect_y + pixel.y,
                                  batch.first_sample + slot % batch.samples);
        store_path(0u, slot, path, slot);
        store_result(slot, nothing_gathered());
    }
    if (gl_GlobalInvocationID.x == 0u) wavefront.counters.at[0].active_0 = count;
}
