// Reading the scene's arrays. Kernels define RAYMILL_PAIR_LOADS and read two words at a time (word_pairs.h says why); the reference reads
// as it stands. What of a record is not used is not read.
#ifndef RAYMILL_SCENE_LOADS_H
#define RAYMILL_SCENE_LOADS_H
#include "language.h"
#include "scene_data.h"
SHADING_BEGIN

// Which of a material's textures.
CONSTANT(uint, BASE_COLOR_TEXTURE, 0u);
CONSTANT(uint, METALLIC_ROUGHNESS_TEXTURE, 1u);
CONSTANT(uint, NORMAL_TEXTURE, 2u);
CONSTANT(uint, EMISSION_TEXTURE, 3u);
CONSTANT(uint, SPECULAR_TEXTURE, 4u);
CONSTANT(uint, SPECULAR_COLOR_TEXTURE, 5u);

// A material's numbers, without its textures.
struct MaterialFactors {
    vec4 base_color;
    vec3 emission;
    float metallic, roughness, ior, specular;
    vec3 specular_color;
    float normal_scale, alpha_cutoff;
    uint alpha_mode, flags;
};

// What is needed of an instance beside its transforms.
struct InstanceLinks {
    uint mesh, flags, first_triangle_light;
};

#ifdef RAYMILL_PAIR_LOADS

// Addresses go from one reference type to the other as two words: SwiftShader does not take apart a cast between pointers.

// Three words at 3 * i: in two aligned pairs, of which one word is not wanted.
vec3 load_three_words(WordPairs pairs, uint i) {
    uint first = 3u * i;
    vec2 a = load_floats(pairs, first >> 1u);
    vec2 b = load_floats(pairs, (first >> 1u) + 1u);
    return (first & 1u) != 0u ? vec3(a.y, b.x, b.y) : vec3(a.x, a.y, b.x);
}

mat4x3 load_matrix(WordPairs pairs, uint first) {
    vec2 a = load_floats(pairs, first);
    vec2 b = load_floats(pairs, first + 1u);
    vec2 c = load_floats(pairs, first + 2u);
    vec2 d = load_floats(pairs, first + 3u);
    vec2 e = load_floats(pairs, first + 4u);
    vec2 f = load_floats(pairs, first + 5u);
    return mat4x3(a.x, a.y, b.x, b.y, c.x, c.y, d.x, d.y, e.x, e.y, f.x, f.y);
}

vec3 load_position(SceneData scene, uint i) { return load_three_words(WordPairs(uvec2(scene.positions)), i); }
vec3 load_normal(SceneData scene, uint i) { return load_three_words(WordPairs(uvec2(scene.normals)), i); }
vec2 load_uv(SceneData scene, uint i) { return load_floats(WordPairs(uvec2(scene.uvs)), i); }

vec4 load_color(SceneData scene, uint i) {
    return vec4(load_floats(WordPairs(uvec2(scene.colors)), 2u * i), load_floats(WordPairs(uvec2(scene.colors)), 2u * i + 1u));
}

vec4 load_tangent(SceneData scene, uint i) {
    return vec4(load_floats(WordPairs(uvec2(scene.tangents)), 2u * i), load_floats(WordPairs(uvec2(scene.tangents)), 2u * i + 1u));
}

SceneTriangle load_triangle(SceneData scene, uint i) {
    uvec2 a = load_pair(WordPairs(uvec2(scene.triangles)), 2u * i);
    uvec2 b = load_pair(WordPairs(uvec2(scene.triangles)), 2u * i + 1u);
    SceneTriangle triangle;
    triangle.v0 = a.x;
    triangle.v1 = a.y;
    triangle.v2 = b.x;
    triangle.material = b.y;
    return triangle;
}

SceneMesh load_mesh(SceneData scene, uint i) {
    WordPairs pairs = WordPairs(uvec2(scene.meshes));
    uvec2 a = load_pair(pairs, 6u * i);
    uvec2 b = load_pair(pairs, 6u * i + 1u);
    uvec2 c = load_pair(pairs, 6u * i + 2u);
    uvec2 d = load_pair(pairs, 6u * i + 3u);
    uvec2 e = load_pair(pairs, 6u * i + 4u);
    uvec2 f = load_pair(pairs, 6u * i + 5u);
    SceneMesh mesh;
    mesh.first_triangle = a.x;
    mesh.triangle_count = a.y;
    mesh.first_vertex = b.x;
    mesh.vertex_count = b.y;
    mesh.first_normal = c.x;
    mesh.first_tangent = c.y;
    mesh.first_color = d.x;
    mesh.first_uv0 = d.y;
    mesh.first_uv1 = e.x;
    mesh.first_uv2 = e.y;
    mesh.first_uv3 = f.x;
    mesh.unused = 0u;
    return mesh;
}

mat4x3 load_object_to_world(SceneData scene, uint i) { return load_matrix(WordPairs(uvec2(scene.instances)), 14u * i); }
mat4x3 load_world_to_object(SceneData scene, uint i) { return load_matrix(WordPairs(uvec2(scene.instances)), 14u * i + 6u); }

InstanceLinks load_links(SceneData scene, uint i) {
    uvec2 a = load_pair(WordPairs(uvec2(scene.instances)), 14u * i + 12u);
    InstanceLinks links;
    links.mesh = a.x;
    links.flags = a.y;
    links.first_triangle_light = load_pair(WordPairs(uvec2(scene.instances)), 14u * i + 13u).x;
    return links;
}

MaterialFactors load_material(SceneData scene, uint i) {
    WordPairs pairs = WordPairs(uvec2(scene.materials));
    uint first = 33u * i;
    vec2 a = load_floats(pairs, first);
    vec2 b = load_floats(pairs, first + 1u);
    vec2 c = load_floats(pairs, first + 2u);
    vec2 d = load_floats(pairs, first + 3u);
    vec2 e = load_floats(pairs, first + 4u);
    vec2 f = load_floats(pairs, first + 5u);
    vec2 g = load_floats(pairs, first + 6u);
    vec2 h = load_floats(pairs, first + 7u);
    uvec2 modes = load_pair(pairs, first + 8u);
    MaterialFactors factors;
    factors.base_color = vec4(a, b);
    factors.emission = vec3(c, d.x);
    factors.metallic = d.y;
    factors.roughness = e.x;
    factors.ior = e.y;
    factors.specular = f.x;
    factors.specular_color = vec3(f.y, g);
    factors.normal_scale = h.x;
    factors.alpha_cutoff = h.y;
    factors.alpha_mode = modes.x;
    factors.flags = modes.y;
    return factors;
}

TextureUse load_texture_use(SceneData scene, uint material, uint which) {
    WordPairs pairs = WordPairs(uvec2(scene.materials));
    uint first = 33u * material + 9u + 4u * which;
    uvec2 a = load_pair(pairs, first);
    vec2 b = load_floats(pairs, first + 1u);
    vec2 c = load_floats(pairs, first + 2u);
    vec2 d = load_floats(pairs, first + 3u);
    TextureUse use;
    use.texture = a.x;
    use.uv_set = a.y;
    use.m00 = b.x;
    use.m01 = b.y;
    use.m02 = c.x;
    use.m10 = c.y;
    use.m11 = d.x;
    use.m12 = d.y;
    return use;
}

SceneLight load_light(SceneData scene, uint i) {
    WordPairs pairs = WordPairs(uvec2(scene.lights));
    uint first = 10u * i;
    uvec2 a = load_pair(pairs, first);
    vec2 b = load_floats(pairs, first + 1u);
    vec2 c = load_floats(pairs, first + 2u);
    vec2 d = load_floats(pairs, first + 3u);
    vec2 e = load_floats(pairs, first + 4u);
    vec2 f = load_floats(pairs, first + 5u);
    uvec2 g = load_pair(pairs, first + 6u);
    uvec2 h = load_pair(pairs, first + 7u);
    uvec2 j = load_pair(pairs, first + 8u);
    uvec2 k = load_pair(pairs, first + 9u);
    SceneLight light;
    light.kind = a.x;
    light.position = vec3(uintBitsToFloat(a.y), b);
    light.direction = vec3(c, d.x);
    light.intensity = vec3(d.y, e);
    light.range = f.x;
    light.cone_scale = f.y;
    light.cone_offset = uintBitsToFloat(g.x);
    light.instance = g.y;
    light.triangle = h.x;
    light.pmf = uintBitsToFloat(h.y);
    light.alias_threshold = uintBitsToFloat(j.x);
    light.alias = j.y;
    light.trail = k.x;
    light.unused = 0u;
    return light;
}

LightNode load_light_node(SceneData scene, uint i) {
    WordPairs pairs = WordPairs(uvec2(scene.light_nodes));
    uint first = 7u * i;
    vec2 a = load_floats(pairs, first);
    vec2 b = load_floats(pairs, first + 1u);
    vec2 c = load_floats(pairs, first + 2u);
    vec2 d = load_floats(pairs, first + 3u);
    vec2 e = load_floats(pairs, first + 4u);
    vec2 f = load_floats(pairs, first + 5u);
    uvec2 g = load_pair(pairs, first + 6u);
    LightNode node;
    node.lower = vec3(a, b.x);
    node.upper = vec3(b.y, c);
    node.axis = vec3(d, e.x);
    node.cos_spread = e.y;
    node.cos_emission = f.x;
    node.intensity = f.y;
    node.flags = g.x;
    node.link = g.y;
    return node;
}

EnvironmentTexel load_environment(SceneData scene, uint i) {
    WordPairs pairs = WordPairs(uvec2(scene.environment));
    vec2 a = load_floats(pairs, 3u * i);
    vec2 b = load_floats(pairs, 3u * i + 1u);
    uvec2 c = load_pair(pairs, 3u * i + 2u);
    EnvironmentTexel texel;
    texel.radiance = vec3(a, b.x);
    texel.density = b.y;
    texel.row_end = c.x;
    texel.column_end = c.y;
    return texel;
}

#else

inline vec3 load_position(IN(SceneData) scene, uint i) { return scene.positions.at[i]; }
inline vec3 load_normal(IN(SceneData) scene, uint i) { return scene.normals.at[i]; }
inline vec2 load_uv(IN(SceneData) scene, uint i) { return scene.uvs.at[i]; }
inline vec4 load_color(IN(SceneData) scene, uint i) { return scene.colors.at[i]; }
inline vec4 load_tangent(IN(SceneData) scene, uint i) { return scene.tangents.at[i]; }
inline SceneTriangle load_triangle(IN(SceneData) scene, uint i) { return scene.triangles.at[i]; }
inline SceneMesh load_mesh(IN(SceneData) scene, uint i) { return scene.meshes.at[i]; }
inline mat4x3 load_object_to_world(IN(SceneData) scene, uint i) { return scene.instances.at[i].object_to_world; }
inline mat4x3 load_world_to_object(IN(SceneData) scene, uint i) { return scene.instances.at[i].world_to_object; }
inline SceneLight load_light(IN(SceneData) scene, uint i) { return scene.lights.at[i]; }
inline LightNode load_light_node(IN(SceneData) scene, uint i) { return scene.light_nodes.at[i]; }
inline EnvironmentTexel load_environment(IN(SceneData) scene, uint i) { return scene.environment.at[i]; }

inline InstanceLinks load_links(IN(SceneData) scene, uint i) {
    InstanceLinks links;
    links.mesh = scene.instances.at[i].mesh;
    links.flags = scene.instances.at[i].flags;
    links.first_triangle_light = scene.instances.at[i].first_triangle_light;
    return links;
}

inline MaterialFactors load_material(IN(SceneData) scene, uint i) {
    MaterialFactors factors;
    factors.base_color = scene.materials.at[i].base_color;
    factors.emission = scene.materials.at[i].emission;
    factors.metallic = scene.materials.at[i].metallic;
    factors.roughness = scene.materials.at[i].roughness;
    factors.ior = scene.materials.at[i].ior;
    factors.specular = scene.materials.at[i].specular;
    factors.specular_color = scene.materials.at[i].specular_color;
    factors.normal_scale = scene.materials.at[i].normal_scale;
    factors.alpha_cutoff = scene.materials.at[i].alpha_cutoff;
    factors.alpha_mode = scene.materials.at[i].alpha_mode;
    factors.flags = scene.materials.at[i].flags;
    return factors;
}

inline TextureUse load_texture_use(IN(SceneData) scene, uint material, uint which) {
    if (which == BASE_COLOR_TEXTURE) return scene.materials.at[material].base_color_texture;
    if (which == METALLIC_ROUGHNESS_TEXTURE) return scene.materials.at[material].metallic_roughness_texture;
    if (which == NORMAL_TEXTURE) return scene.materials.at[material].normal_texture;
    if (which == EMISSION_TEXTURE) return scene.materials.at[material].emission_texture;
    if (which == SPECULAR_TEXTURE) return scene.materials.at[material].specular_texture;
    return scene.materials.at[material].specular_color_texture;
}

#endif

SHADING_END
#endif
