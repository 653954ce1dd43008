#pragma once
/// renderer/scene: a scene as plain data in host memory, its animation evaluated at a time, and its flattening to the arrays that devices
/// read. May include renderer/base and shaders/shared; called by renderer/gltf (which fills a Scene), the facade and tests. This file: the
/// Scene. Everything in it has been checked by whoever filled it (renderer/gltf): indices are in range, streams of one primitive have equal
/// lengths, floats are finite, the node graph is a forest. Units and axes are glTF's. Owned by its holder; thread: any for reading.
#include "renderer/base/error.hpp"
#include "shaders/shared/scene_data.h"

#include <array>
#include <cstdint>
#include <glm/gtc/quaternion.hpp>
#include <optional>
#include <string>
#include <vector>

namespace raymill::scene {

using shading::MAX_UV_SETS;
using shading::NONE; ///< no such index

// ---- images and textures ---------------------------------------------------------------------------------------------------------------
/// Decoded pixels, RGBA, row 0 at the top, as stored in the file (no colour conversion).
struct Image {
    std::string name; ///< for messages: the image's name or URI, else "images[3]"
    std::uint32_t width = 0, height = 0;
    bool sixteen_bit = false;
    bool opaque = true;                ///< no alpha below the largest value
    std::vector<std::uint32_t> rgba8;  ///< one a pixel, R in the low byte; empty where sixteen_bit
    std::vector<std::uint16_t> rgba16; ///< four a pixel; empty unless sixteen_bit
};

struct Texture {
    std::uint32_t image = NONE;
    std::uint32_t wrap_s = shading::WRAP_REPEAT, wrap_t = shading::WRAP_REPEAT;
    std::uint32_t filtering = shading::FILTER_LINEAR;
};

/// A material's use of a texture: see shading::TextureUse.
struct TextureSlot {
    std::uint32_t texture = NONE;
    std::uint32_t uv_set = 0;
    std::array<float, 6> transform = {1, 0, 0, 0, 1, 0}; ///< m00 m01 m02 m10 m11 m12
};

struct Material {
    std::string name;
    glm::vec4 base_color{1, 1, 1, 1};
    glm::vec3 emission{0}; ///< factor x KHR_materials_emissive_strength, radiance
    float metallic = 1, roughness = 1;
    float ior = 1.5f;
    float specular = 1;
    glm::vec3 specular_color{1};
    float normal_scale = 1;
    float alpha_cutoff = 0.5f;
    std::uint32_t alpha_mode = shading::ALPHA_OPAQUE;
    bool double_sided = false, unlit = false;
    TextureSlot base_color_texture, metallic_roughness_texture, normal_texture, emission_texture, specular_texture, specular_color_texture;
    TextureSlot occlusion_texture; ///< known, not applied: the path tracer computes occlusion itself
};

// ---- geometry
// ----------------------------------------------------------------------------------------------------------------------------
/// Differences at weight 1; each stream is empty or as long as the primitive's positions.
struct MorphTarget {
    std::vector<glm::vec3> positions, normals, tangents;
};

/// Triangles of one material. Streams are empty or as long as `positions`.
struct Primitive {
    std::vector<glm::vec3> positions;
    std::vector<glm::vec3>
        normals; ///< unit; empty: flat shading. In a mesh where another primitive has normals, its triangles share no vertices then
    std::vector<glm::vec4> tangents; ///< given by the file, or derived where the material has a normal texture
    std::vector<glm::vec4> colors;   ///< linear, with alpha
    std::array<std::vector<glm::vec2>, MAX_UV_SETS> uvs;
    std::vector<std::uint32_t> indices; ///< three a triangle, all of them below positions.size()
    std::vector<MorphTarget> targets;
    std::vector<glm::u16vec4> joints0, joints1;   ///< of the skin of the node; joints1 empty: four influences at most
    std::vector<glm::vec4> weights0, weights1;    ///< they sum to 1
    std::uint32_t material = NONE;                ///< NONE: glTF's default material
    std::vector<std::uint32_t> variant_materials; ///< by variant: its material, or NONE for `material`; empty without mappings
};

struct Mesh {
    std::string name;
    std::vector<Primitive> primitives; ///< those that are drawn
    std::vector<float> weights;        ///< default weights of its morph targets (as many as targets)
    std::uint32_t target_count = 0;    ///< the same in all its primitives
};

// ---- nodes -----------------------------------------------------------------------------------------------------------------------------
/// A rigid placement, or scale: applied as translation x rotation x scale.
struct Transform {
    glm::vec3 translation{0};
    glm::quat rotation{1, 0, 0, 0}; ///< w, x, y, z as glm's constructor has it; unit
    glm::vec3 scale{1};
};

struct Node {
    std::string name;
    std::uint32_t parent = NONE;
    std::vector<std::uint32_t> children;
    Transform transform;
    std::optional<glm::mat4> matrix; ///< replaces `transform`; never set on a node that an animation moves
    std::uint32_t mesh = NONE, camera = NONE, light = NONE, skin = NONE;
    std::vector<float> weights; ///< of its mesh's morph targets; empty: the mesh's own
};

struct Skin {
    std::string name;
    std::vector<std::uint32_t> joints;            ///< node indices
    std::vector<glm::mat4> inverse_bind_matrices; ///< one a joint
};

struct Camera {
    std::string name;
    bool orthographic = false;
    float yfov = 0;            ///< radians, vertical, at any output shape
    float xmag = 0, ymag = 0;  ///< metres, half the width and height
    float znear = 0, zfar = 0; ///< metres; zfar 0: infinite
};

struct Light {
    std::string name;
    std::uint32_t kind = shading::LIGHT_POINT; ///< point, spot or directional
    glm::vec3 intensity{1};                    ///< colour x intensity: candela, or lux
    float range = 0;                           ///< metres; 0: infinite
    float inner_cone = 0, outer_cone = 0;      ///< radians; spots
};

struct SceneRoots {
    std::string name;
    std::vector<std::uint32_t> nodes;
};

// ---- animation
// ----------------------------------------------------------------------------------------------------------------------------
enum class Path { translation, rotation, scale, weights };
enum class Interpolation { step, linear, cubic_spline };

/// Keys of one channel. `values` holds `width` floats a key; cubic splines hold in-tangent, value and out-tangent for each (3 x width).
struct Sampler {
    std::vector<float> times; ///< seconds, ascending strictly, never empty
    std::vector<float> values;
    std::uint32_t width = 0; ///< 3, 4 (rotation: x, y, z, w), or the number of morph targets
    Interpolation interpolation = Interpolation::linear;
};

struct Channel {
    std::uint32_t node = NONE;
    Path path = Path::translation;
    std::uint32_t sampler = 0;
};

struct Animation {
    std::string name;
    std::vector<Sampler> samplers;
    std::vector<Channel> channels;
    float duration = 0; ///< seconds: the last key of all samplers
};

// ---- all of it
// -----------------------------------------------------------------------------------------------------------------------------
struct Scene {
    std::string file; ///< the name of its file, for messages
    std::vector<Image> images;
    std::vector<Texture> textures;
    std::vector<Material> materials;
    std::vector<Mesh> meshes;
    std::vector<Node> nodes;
    std::vector<std::uint32_t> parents_first; ///< all nodes, each after its parent
    std::vector<SceneRoots> scenes;
    std::uint32_t default_scene = NONE; ///< NONE: the file has no scenes; then all roots are drawn
    std::vector<Skin> skins;
    std::vector<Camera> cameras;
    std::vector<Light> lights;
    std::vector<Animation> animations;
    std::vector<std::string> variants;
    std::vector<std::string> extensions_used, extensions_required;
    std::vector<std::string> notes; ///< what is not drawn as the file means it, one sentence each
};

} // namespace raymill::scene
