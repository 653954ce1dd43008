// The GGX microfacet lobe (Trowbridge-Reitz) with height-correlated Smith shadowing, isotropic, one bounce between facets (single scatter:
// rough metals lose what would have bounced on; glTF's own lobe). Without Fresnel: bsdf_material.h multiplies it in.
// Formulas: glTF 2.0, appendix B.3; Heitz, "Understanding the Masking-Shadowing Function" (JCGT 2014). `alpha` is roughness squared, > 0.
// Directions are local: +z is the shading normal; `view` and `light` point away from the surface and are unit.
#ifndef RAYMILL_BSDF_GGX_H
#define RAYMILL_BSDF_GGX_H
#include "language.h"
SHADING_BEGIN

// Density of facets with the unit normal h. Written with h's x and y, which keeps its digits at small alpha, where 1 - h.z^2 has none.
inline float ggx_distribution(float alpha, vec3 h) {
    float stretched = h.x * h.x + h.y * h.y + alpha * alpha * h.z * h.z;
    float ratio = alpha / stretched;
    return ratio * ratio * (1.0f / PI);
}

// sqrt(alpha^2 + (1 - alpha^2) c^2) for a cosine c: Smith's G1 is 2 c / (c + this).
inline float ggx_smith_root(float alpha, float cosine) {
    float alpha2 = alpha * alpha;
    return sqrt(alpha2 + (1.0f - alpha2) * cosine * cosine);
}

// Half vector of two directions above the horizon; +z where they are opposite (both then lie in it).
inline vec3 half_vector(vec3 view, vec3 light) {
    vec3 sum = view + light;
    float size = length(sum);
    return size > 1.0e-6f ? sum / size : vec3(0.0f, 0.0f, 1.0f);
}

// D x V x cosine of `light`, and the density with which sample_ggx draws `light` for `view`. 0 below the horizon.
inline float evaluate_ggx(float alpha, vec3 view, vec3 light, vec3 h, OUT(float) pdf) {
    pdf = 0.0f;
    if (view.z <= 0.0f || light.z <= 0.0f) return 0.0f;
    float distribution = ggx_distribution(alpha, h);
    float view_root = ggx_smith_root(alpha, view.z);
    float light_root = ggx_smith_root(alpha, light.z);
    pdf = 0.5f * distribution / (view.z + view_root); // G1(view) D / (4 view.z), Heitz (JCGT 2018), equation 17
    return 0.5f * distribution * light.z / (light.z * view_root + view.z * light_root);
}

// A direction of reflection at a facet that `view` sees: facets drawn from their visible distribution by spherical caps, Dupuy and Benyoub,
// "Sampling Visible GGX Normals with Spherical Caps" (HPG 2023); the same density as Heitz (JCGT 2018). May lie below the horizon: then
// nothing is reflected (the facet's light hits another one).
inline vec3 sample_ggx(float alpha, vec3 view, vec2 u) {
    vec3 stretched_view = normalize(vec3(view.x * alpha, view.y * alpha, view.z));
    float azimuth = 2.0f * PI * u.x;
    float z = (1.0f - u.y) * (1.0f + stretched_view.z) - stretched_view.z;
    float radius = sqrt(clamp(1.0f - z * z, 0.0f, 1.0f));
    vec3 cap = vec3(radius * cos(azimuth), radius * sin(azimuth), z) + stretched_view;
    vec3 h = normalize(vec3(cap.x * alpha, cap.y * alpha, cap.z));
    return 2.0f * dot(view, h) * h - view;
}

SHADING_END
#endif
