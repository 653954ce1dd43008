// Lambert's lobe. Directions are local: +z is the shading normal, both point away from the surface.
#ifndef RAYMILL_BSDF_DIFFUSE_H
#define RAYMILL_BSDF_DIFFUSE_H
#include "direction.h"
#include "language.h"
SHADING_BEGIN

// Per unit albedo: value x cosine of the outgoing direction `light`, which is also the density of sample_diffuse.
inline float evaluate_diffuse(vec3 light) { return pdf_cosine_hemisphere(light.z); }
inline vec3 sample_diffuse(vec2 u) { return sample_cosine_hemisphere(u); }

SHADING_END
#endif
