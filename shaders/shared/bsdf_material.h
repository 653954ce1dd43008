// glTF's metallic-roughness surface with KHR_materials_ior and KHR_materials_specular, as glTF 2.0 appendix B and the two extensions state
// it:
//   dielectric = (1 - w max(F(f0))) base / pi + w F(f0) S
//   metal      = F(base) S
//   surface    = mix(dielectric, metal, metallic)
// with f0 = min(((1 - ior) / (1 + ior))^2 specular_color, 1), w = specular, F(c) = c + (1 - c) (1 - v.h)^5 (Schlick), and S the GGX lobe of
// bsdf_ggx.h with alpha = roughness^2. So specular 0 with metallic 0 is a pure Lambert surface. Reciprocal.
// Below DELTA_ALPHA the glossy lobe is a perfect mirror.
// Energy: each lobe alone reflects at most what arrives. The appendix's dielectric mixture does not where it is seen at grazing angles: a
// white one of roughness 0.1 reflects 1.57 times what arrives at 85 degrees (1.00 at 45), because its base is dimmed by the Fresnel term at
// the half vector, not at the viewer's angle. That is the format's look. Over all angles a base colour of 0.9 gives back 0.95: closed rooms
// stay in balance. Directions are local: +z is the shading normal; `view` and `light` point away from the surface and are unit.
#ifndef RAYMILL_BSDF_MATERIAL_H
#define RAYMILL_BSDF_MATERIAL_H
#include "bsdf_diffuse.h"
#include "bsdf_ggx.h"
#include "direction.h"
#include "language.h"
SHADING_BEGIN

CONSTANT(float, DELTA_ALPHA, 1.0e-4f); // roughness 0.01: a lobe narrower than half a minute of arc

// What the lobes are made of, textures applied. A lobe that the material lacks is not evaluated.
struct Bsdf {
    vec3 diffuse;    // base x (1 - metallic); 0: no diffuse lobe
    vec3 base_color; // f0 of the metal
    vec3 dielectric_f0;
    float dielectric_weight; // specular x (1 - metallic)
    float specular;
    float metallic;
    float alpha;              // roughness squared
    float glossy_probability; // of sampling the glossy lobe; 0: there is none, 1: there is no diffuse one. Depends on the viewer
};

inline float schlick_falloff(float cosine) {
    float c = clamp(1.0f - cosine, 0.0f, 1.0f);
    return c * c * (c * c) * c;
}

inline vec3 dielectric_fresnel(IN(Bsdf) bsdf, float falloff) { return bsdf.dielectric_f0 + (vec3(1.0f) - bsdf.dielectric_f0) * falloff; }

// Weight of the GGX lobe: dielectric and metal together.
inline vec3 glossy_fresnel(IN(Bsdf) bsdf, float falloff) {
    return bsdf.dielectric_weight * dielectric_fresnel(bsdf, falloff) +
           bsdf.metallic * (bsdf.base_color + (vec3(1.0f) - bsdf.base_color) * falloff);
}

// Weight of Lambert's lobe: what the dielectric's surface lets through.
inline vec3 diffuse_weight(IN(Bsdf) bsdf, float falloff) {
    if (bsdf.specular == 0.0f) return bsdf.diffuse;
    return bsdf.diffuse * (1.0f - bsdf.specular * max_component(dielectric_fresnel(bsdf, falloff)));
}

// `cos_view`: cosine between shading normal and viewer.
inline Bsdf make_bsdf(vec3 base_color, float metallic, float roughness, float ior, float specular, vec3 specular_color, float cos_view) {
    Bsdf bsdf;
    float ratio = (1.0f - ior) / (1.0f + ior);
    bsdf.base_color = base_color;
    bsdf.metallic = metallic;
    bsdf.specular = specular;
    bsdf.dielectric_weight = specular * (1.0f - metallic);
    bsdf.dielectric_f0 = min(ratio * ratio * specular_color, vec3(1.0f));
    bsdf.diffuse = base_color * (1.0f - metallic);
    bsdf.alpha = roughness * roughness;
    float falloff = schlick_falloff(cos_view);
    float glossy = 0.0f;
    if (bsdf.dielectric_weight > 0.0f || metallic > 0.0f) glossy = luminance(glossy_fresnel(bsdf, falloff));
    float diffuse = luminance(diffuse_weight(bsdf, falloff));
    bsdf.glossy_probability = glossy > 0.0f ? glossy / (glossy + diffuse) : 0.0f;
    // Where both are there, neither may starve: the split at the half vector is another than at the viewer.
    if (glossy > 0.0f && diffuse > 0.0f) bsdf.glossy_probability = clamp(bsdf.glossy_probability, 0.1f, 0.9f);
    return bsdf;
}

inline bool is_mirror(IN(Bsdf) bsdf) { return bsdf.alpha < DELTA_ALPHA; }
// False where only a mirror is left: light sampling can then do nothing.
inline bool has_finite_lobe(IN(Bsdf) bsdf) { return bsdf.glossy_probability < 1.0f || !is_mirror(bsdf); }

// Value x cosine of `light` of all lobes but a mirror, and the density with which sample_bsdf draws `light` from these.
inline vec3 evaluate_bsdf(IN(Bsdf) bsdf, vec3 view, vec3 light, OUT(float) pdf) {
    pdf = 0.0f;
    if (light.z <= 0.0f) return vec3(0.0f);
    vec3 value = vec3(0.0f);
    vec3 h = half_vector(view, light);
    float falloff = 0.0f;
    if (bsdf.glossy_probability > 0.0f) falloff = schlick_falloff(dot(view, h));
    if (bsdf.glossy_probability < 1.0f) {
        float diffuse = evaluate_diffuse(light);
        value = diffuse_weight(bsdf, falloff) * diffuse;
        pdf = (1.0f - bsdf.glossy_probability) * diffuse;
    }
    if (bsdf.glossy_probability > 0.0f && !is_mirror(bsdf)) {
        float glossy_pdf;
        float glossy = evaluate_ggx(bsdf.alpha, view, light, h, glossy_pdf);
        value += glossy_fresnel(bsdf, falloff) * glossy;
        pdf += bsdf.glossy_probability * glossy_pdf;
    }
    return value;
}

struct BsdfSample {
    vec3 light;  // local direction, unit
    vec3 weight; // value x cosine / density; 0: the path ends
    float pdf;   // per steradian; 0: a mirror's direction
};

// `u`: for the direction; `u_lobe`: for the choice of the lobe.
inline BsdfSample sample_bsdf(IN(Bsdf) bsdf, vec3 view, vec2 u, float u_lobe) {
    BsdfSample result;
    result.weight = vec3(0.0f);
    result.pdf = 0.0f;
    if (u_lobe < bsdf.glossy_probability) {
        if (is_mirror(bsdf)) {
            result.light = vec3(-view.x, -view.y, view.z);
            result.weight = glossy_fresnel(bsdf, schlick_falloff(view.z)) / bsdf.glossy_probability;
            return result;
        }
        result.light = sample_ggx(bsdf.alpha, view, u);
    } else {
        result.light = sample_diffuse(u);
    }
    vec3 value = evaluate_bsdf(bsdf, view, result.light, result.pdf);
    if (result.pdf > 0.0f) result.weight = value / result.pdf;
    return result;
}

SHADING_END
#endif
