// What every kernel begins with: the language's extensions, the constants of specialisation, the wavefront and the batch.
#ifndef RAYMILL_KERNEL_H
#define RAYMILL_KERNEL_H
#extension GL_EXT_scalar_block_layout : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_buffer_reference2 : require
#extension GL_EXT_buffer_reference_uvec2 : require
#if KERNEL_INT64
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#endif
#ifdef TEXTURE_SAMPLERS
#extension GL_EXT_nonuniform_qualifier : require
#define RAYMILL_OWN_SAMPLE_TEXTURE
#endif
#define RAYMILL_GLSL
#include "word_pairs.h"
#define RAYMILL_PAIR_LOADS // of shared/scene_loads.h, by word_pairs.h
#include "shared/wavefront.h"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 1) const uint SCENE_FLAGS = 0u; // of the scene in work: what it lacks is left out
const bool SCENE_WITH_ALPHA = (SCENE_FLAGS & SCENE_HAS_ALPHA) != 0u;

layout(set = 0, binding = 0, scalar) uniform WavefrontBlock { Wavefront wavefront; };
layout(push_constant, scalar) uniform BatchBlock { Batch batch; };

#ifdef TEXTURE_SAMPLERS
// The textures that have a slot, with their samplers (renderer/gpu/textures.hpp); the others are fetched by hand.
layout(set = 1, binding = 0) uniform sampler2D slots[];

vec4 sample_texture(SceneData scene, uint texture_index, vec2 uv) {
    SceneTexture image = scene.textures.at[texture_index];
    if (image.image == NONE) return fetch_texture(scene, texture_index, uv);
    // Wrapped here first: texture units lose the fraction of large coordinates, and may do anything with NaN.
    vec2 at = vec2(wrap_coordinate(uv.x, image.wrap_s), wrap_coordinate(uv.y, image.wrap_t));
    return textureLod(slots[nonuniformEXT(image.image)], at, 0.0f);
}
#endif

// The scene's head, member by member: copied as a whole it would be a value with addresses in it, which SwiftShader cannot take apart.
SceneData load_scene() {
    SceneData scene;
    scene.positions = wavefront.scene.positions;
    scene.normals = wavefront.scene.normals;
    scene.tangents = wavefront.scene.tangents;
    scene.colors = wavefront.scene.colors;
    scene.uvs = wavefront.scene.uvs;
    scene.triangles = wavefront.scene.triangles;
    scene.meshes = wavefront.scene.meshes;
    scene.instances = wavefront.scene.instances;
    scene.materials = wavefront.scene.materials;
    scene.textures = wavefront.scene.textures;
    scene.texels = wavefront.scene.texels;
    scene.lights = wavefront.scene.lights;
    scene.light_nodes = wavefront.scene.light_nodes;
    scene.triangle_light = wavefront.scene.triangle_light;
    scene.environment = wavefront.scene.environment;
    scene.light_count = wavefront.scene.light_count;
    scene.environment_width = wavefront.scene.environment_width;
    scene.environment_height = wavefront.scene.environment_height;
    scene.flags = SCENE_FLAGS;
    scene.environment_constant = wavefront.scene.environment_constant;
    scene.environment_rotation = wavefront.scene.environment_rotation;
    scene.environment_light = wavefront.scene.environment_light;
    scene.scene_radius = wavefront.scene.scene_radius;
    scene.scene_center = wavefront.scene.scene_center;
    scene.instance_count = wavefront.scene.instance_count;
    scene.camera = wavefront.scene.camera;
    scene.distant_share = wavefront.scene.distant_share;
    return scene;
}

uint queue_count(uint queue) { return queue == 0u ? wavefront.counters.at[0].active_0 : wavefront.counters.at[0].active_1; }

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
