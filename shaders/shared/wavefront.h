// What the kernels share: the state of a batch of paths in flight, and how a batch is cut. Scalar layout, no tail padding.
// Every path owns a slot, where its result is gathered. Paths themselves move: they stand side by side in the queue that a kernel reads,
// and those that go on are written side by side into the other one (in any order: it changes no pixel). So rays are read as a stream; where
// they stayed in their slots, a third of the time of tracing went by waiting for those of paths that were left (llvmpipe).
#ifndef RAYMILL_WAVEFRONT_H
#define RAYMILL_WAVEFRONT_H
#include "frame_params.h"
#include "language.h"
#include "path.h"
#include "scene_data.h"
#include "surface.h"
#include "trace_data.h"
SHADING_BEGIN

#ifdef RAYMILL_GLSL
#define WRITABLE_BUFFER_OF(NAME, T)                                                                                                        \
    layout(buffer_reference, scalar, buffer_reference_align = 4) buffer NAME { T at[]; }
#else
#define WRITABLE_BUFFER_OF(NAME, T)                                                                                                        \
    struct NAME {                                                                                                                          \
        T* at;                                                                                                                             \
    }
#endif

// A pixel's running sum (radiance, alpha) and what rounding took from it (Kahan, "Further remarks on reducing truncation errors", 1965).
// Samples are added one by one in index order: so the sum does not depend on how samples were cut into batches.
struct PixelSum {
    vec4 sum, excess;
    uint good; // samples in the sum: all but those that were NaN or infinite
};
SHARED_LAYOUT(PixelSum, 36, good, 32);

// Written by kernels; `*_groups` are the arguments of indirect dispatches.
struct WavefrontCounters {
    uint active_0, active_1; // paths in the two queues
    uint shadows;            // shadow rays queued
    uint bad_samples;        // NaN or infinite; dropped
    uint closest_rays, shadow_rays;
    uvec3 closest_groups, shade_groups, shadow_groups;
};
SHARED_LAYOUT(WavefrontCounters, 60, shadow_groups, 48);

// Strides of arrays that kernels read and write in pairs of words (word_pairs.h), each record padded to whole pairs.
CONSTANT(uint, PATH_PAIRS, 8u);   // PathState, then its slot: one cache line
CONSTANT(uint, HIT_PAIRS, 3u);    // RayHit of the path in the same place of the queue
CONSTANT(uint, SHADOW_PAIRS, 6u); // ShadowRay, then the slot of its path
CONSTANT(uint, RESULT_PAIRS, 2u); // PathResult of a slot

WRITABLE_BUFFER_OF(PixelSums, PixelSum);
WRITABLE_BUFFER_OF(CountersBuffer, WavefrontCounters);

// Constant while a frame's scene is loaded and one rectangle is rendered.
struct Wavefront {
    SceneData scene;
    FrameParams params;
    uvec2 paths_0, paths_1; // addresses, low word first: the two queues of paths
    uvec2 hits, shadows, results;
    PixelSums sums;
    CountersBuffer counters;
    uvec2 nodes, triangles, instances; // addresses of trace_data.h's arrays, low word first
    uvec2 triangle_instances;          // address of uints: the instance of each of the top level's own triangles, which come first
    uvec2 stack;                       // address of uints: one stack a lane in flight
    uvec2 acceleration_structure;      // of the ray-query module
    uint stack_entries;                // uints of each lane's stack
    uint interleave;                   // groups are dealt to this many neighbouring pieces of a queue at once
    uint rect_x, rect_y, rect_width, rect_height;
};
SHARED_LAYOUT(Wavefront, 248 + 32 + 13 * 8 + 24, rect_height, 248 + 32 + 13 * 8 + 20);

// Pushed with each dispatch. A batch is `samples` samples, from `first_sample` on, of each of `pixels` pixels: pixel i, sample j: slot
// i * samples + j.
struct Batch {
    uint first_pixel, pixels; // numbers in the rectangle, see batch_pixel
    uint first_sample, samples;
    uint queue;       // which of the two queues is read: 0 or 1
    uint group_lanes; // lanes of a trace group (prepare.comp)
    uint rays_per_lane;
    uint least_groups, most_groups;
};
SHARED_LAYOUT(Batch, 36, most_groups, 32);

CONSTANT(uint, BATCH_BAND, 4u);

// Where pixel number `i` of a rectangle lies in it. Numbers run down bands of four rows, column by column, so that lanes that work together
// look in nearly one direction.
inline uvec2 batch_pixel(uint width, uint height, uint i) {
    uint band = i / (BATCH_BAND * width);
    uint rows = min(BATCH_BAND, height - BATCH_BAND * band);
    uint in_band = i - BATCH_BAND * width * band;
    return uvec2(in_band / rows, BATCH_BAND * band + in_band % rows);
}

SHADING_END
#endif
