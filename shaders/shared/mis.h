// Multiple importance sampling: Veach's power heuristic with exponent 2 (thesis 1997, section 9.2.4), one sample of each technique.
#ifndef RAYMILL_MIS_H
#define RAYMILL_MIS_H
#include "language.h"
SHADING_BEGIN

// Weight of a sample drawn with density `own` that the other technique draws with density `other`; weights of the two add up to 1.
// Densities of any size: squares are taken of their ratio, which may overflow to infinity and give weight 0, rightly.
inline float mis_weight(float own, float other) {
    if (!(own > 0.0f)) return 0.0f;
    float ratio = other / own;
    return 1.0f / (1.0f + ratio * ratio);
}

SHADING_END
#endif
