// What every kernel begins with: the language's extensions, the constants of specialisation, the wavefront and the batch.
#ifndef RAYMILL_KERNEL_H
#define RAYMILL_KERNEL_H
#extension GL_EXT_scalar_block_layout : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_buffer_reference2 : require
#extension GL_EXT_buffer_reference_uvec2 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#define RAYMILL_GLSL
#include "shared/wavefront.h"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 1) const bool SCENE_WITH_ALPHA = true;   // false takes the asking out of traversal

layout(set = 0, binding = 0, scalar) uniform WavefrontBlock { Wavefront wavefront; };
layout(push_constant, scalar) uniform BatchBlock { Batch batch; };

uint queue_count(uint queue) { return queue == 0u ? wavefront.counters.at[0].active_0 : wavefront.counters.at[0].active_1; }
uint queue_slot(uint queue, uint i) { return queue == 0u ? wavefront.queue_0.at[i] : wavefront.queue_1.at[i]; }

// The items of a queue that this group works on: first, end. Software drivers give each thread a run of neighbouring groups; dealing pieces
// out in turn instead (`interleave`: their number of threads) spreads what is costly over all.
uvec2 group_items(uint count) {
    uint groups = gl_NumWorkGroups.x;
    uint each = (count + groups - 1u) / groups;
    each = (each + gl_WorkGroupSize.x - 1u) / gl_WorkGroupSize.x * gl_WorkGroupSize.x;
    uint piece = gl_WorkGroupID.x;
    if (groups % wavefront.interleave == 0u) {
        uint run = groups / wavefront.interleave;
        piece = piece % run * wavefront.interleave + piece / run;
    }
    return uvec2(min(count, piece * each), min(count, piece * each + each));
}

#endif
