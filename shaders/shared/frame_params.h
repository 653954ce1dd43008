// What a frame is asked to look like, for every stage. Scalar layout, no tail padding.
#ifndef RAYMILL_FRAME_PARAMS_H
#define RAYMILL_FRAME_PARAMS_H
#include "language.h"
SHADING_BEGIN

CONSTANT(uint, FILTER_BOX, 0u); // one pixel wide
CONSTANT(uint, FILTER_BLACKMAN_HARRIS,
         1u); // 1.5 pixels wide; sampled by its density, so a sample belongs to one pixel and tiles need no seams

// How direct light is estimated. Users always get MIS; the others let tests compare estimators of the same integral.
CONSTANT(uint, STRATEGY_MIS, 0u);
CONSTANT(uint, STRATEGY_BSDF_ONLY, 1u); // no next-event estimation (lights without area are then black)
CONSTANT(uint, STRATEGY_LIGHTS_ONLY,
         2u); // emission found by scattering counts only where next-event estimation cannot sample it (camera rays, delta lobes)

struct FrameParams {
    uint width, height;   // pixels of the whole frame
    uint max_bounces;     // 0: direct light only
    float clamp_indirect; // 0: off
    uint pixel_filter;    // FILTER_BOX | FILTER_BLACKMAN_HARRIS
    uint seed;
    uint strategy; // STRATEGY_*
    uint spp;      // samples a pixel in the whole frame (sample indices run 0 .. spp - 1)
};
SHARED_LAYOUT(FrameParams, 32, spp, 28);

SHADING_END
#endif
