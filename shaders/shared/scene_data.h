// The scene as the device and the reference see it: flat arrays of plain structs, written by renderer/scene/flatten, read by every stage.
// Scalar layout. Members are 4 bytes wide or buffer references (8 bytes, first in their struct); nothing has tail padding.
// Units: metres, radians, linear Rec. 709 radiance, candela and lux. Object space is the mesh's own; world space is glTF's (y up).
#ifndef RAYMILL_SCENE_DATA_H
#define RAYMILL_SCENE_DATA_H
#include "language.h"
SHADING_BEGIN

// ---- geometry ----------------------------------------------------------------------------------------------------------------------
// One triangle of a mesh. Vertices index the vertex streams from the mesh's first_vertex (already added: they are global here).
struct SceneTriangle {
    uint v0, v1, v2;
    uint material; // index into materials
};
SHARED_LAYOUT(SceneTriangle, 16, material, 12);

CONSTANT(uint, MAX_UV_SETS, 4u);

// One bottom-level hierarchy's worth of geometry: all triangle primitives of a glTF mesh. A stream that is absent has NONE as its first
// index; else vertex v of the mesh's range has its value at stream.at[first + (v - first_vertex)].
struct SceneMesh {
    uint first_triangle, triangle_count;
    uint first_vertex, vertex_count; // positions are always there
    uint first_normal;               // NONE: flat shading from the geometric normal
    uint first_tangent;              // vec4, w = handedness
    uint first_color;                // vec4, linear, multiplies base colour
    uint first_uv0, first_uv1, first_uv2, first_uv3;
    uint unused;
};
SHARED_LAYOUT(SceneMesh, 48, unused, 44);

CONSTANT(uint, INSTANCE_FLIPS_WINDING, 1u); // negative determinant: the front face is the other one
CONSTANT(uint, INSTANCE_HAS_ALPHA, 2u);     // a material of the mesh is MASK or BLEND: hits must be asked (alpha_of_hit)
CONSTANT(uint, INSTANCE_EMITS, 4u);         // its triangles stand in triangle_light from first_triangle_light on

// One placed mesh.
struct SceneInstance {
    mat4x3 object_to_world; // columns: x, y, z axes and origin
    mat4x3 world_to_object;
    uint mesh;
    uint flags;
    uint first_triangle_light; // index into triangle_light of the mesh's first triangle; NONE unless INSTANCE_EMITS
    uint name;                 // the node's index in the file, for messages and object ids
};
SHARED_LAYOUT(SceneInstance, 112, name, 108);

// ---- textures and materials ----------------------------------------------------------------------------------------------------------
CONSTANT(uint, TEXEL_RGBA8_SRGB, 0u); // one uint a texel, R in the low byte; RGB through the sRGB curve, A linear
CONSTANT(uint, TEXEL_RGBA8_LINEAR, 1u);
CONSTANT(uint, TEXEL_RGBA16_LINEAR, 2u); // two uints a texel: R | G << 16, B | A << 16 (16-bit PNG; sRGB ones are linearised when loaded)
CONSTANT(uint, WRAP_REPEAT, 0u);
CONSTANT(uint, WRAP_CLAMP, 1u);
CONSTANT(uint, WRAP_MIRROR, 2u);
CONSTANT(uint, FILTER_NEAREST, 0u);
CONSTANT(uint, FILTER_LINEAR, 1u);

// One image with one sampler. Row 0 is the top row, uv (0,0) its top left corner, as glTF has it.
struct SceneTexture {
    uint first_texel; // index into texels (in uints)
    uint width, height;
    uint format;         // TEXEL_*
    uint wrap_s, wrap_t; // WRAP_*
    uint filtering;      // FILTER_*: of magnification
    uint image;          // device image slot for hardware sampling; NONE: fetch by hand from texels
};
SHARED_LAYOUT(SceneTexture, 32, image, 28);

// A material's use of a texture: which, with which UV set, after KHR_texture_transform: uv' = (m00 u + m01 v + m02, m10 u + m11 v + m12).
struct TextureUse {
    uint texture; // NONE: the factor stands alone
    uint uv_set;  // 0 .. MAX_UV_SETS - 1
    float m00, m01, m02, m10, m11, m12;
};
SHARED_LAYOUT(TextureUse, 32, m12, 28);

CONSTANT(uint, ALPHA_OPAQUE, 0u);
CONSTANT(uint, ALPHA_MASK, 1u);
CONSTANT(uint, ALPHA_BLEND, 2u);
CONSTANT(uint, MATERIAL_DOUBLE_SIDED, 1u);
CONSTANT(uint, MATERIAL_UNLIT, 2u);

// glTF 2.0 metallic-roughness with KHR_materials_ior, _specular, _emissive_strength and _unlit.
struct SceneMaterial {
    vec4 base_color;
    vec3 emission; // factor x strength, radiance
    float metallic, roughness;
    float ior;      // 1.5 by default; 0 (spec: no Fresnel falloff to dielectric) is allowed
    float specular; // KHR_materials_specular: specularFactor; 0 is a pure Lambert surface
    vec3 specular_color;
    float normal_scale;
    float alpha_cutoff;
    uint alpha_mode; // ALPHA_*
    uint flags;      // MATERIAL_*
    TextureUse base_color_texture, metallic_roughness_texture, normal_texture, emission_texture, specular_texture, specular_color_texture;
};
SHARED_LAYOUT(SceneMaterial, 72 + 6 * 32, specular_color_texture, 72 + 5 * 32);

// ---- lights ------------------------------------------------------------------------------------------------------------------------
CONSTANT(uint, LIGHT_POINT, 0u);
CONSTANT(uint, LIGHT_SPOT, 1u);
CONSTANT(uint, LIGHT_DIRECTIONAL, 2u);
CONSTANT(uint, LIGHT_TRIANGLE, 3u);    // one emissive triangle of one instance
CONSTANT(uint, LIGHT_ENVIRONMENT, 4u); // the whole environment, one entry

// One entry of the table of lights. What a kind does not use is 0. Far lights (directional, environment) are drawn by an alias table over
// all entries: cell k = floor(u x light_count), f the fraction left: entry f < alias_threshold ? k : alias; `pmf` is exactly (to rounding)
// the probability of that, distant_share included. Near lights (point, spot, triangle) are drawn by the light tree, whose pmf depends on
// the place that is lit. Densities of a next-event estimate, with the pmf of the draw: point, spot, directional: pmf (a delta); triangle:
// pmf / world area, per square metre; environment: pmf x what environment_lookup says, per steradian.
struct SceneLight {
    uint kind;
    vec3 position;                 // world, metres
    vec3 direction;                // world, unit, the way the light travels
    vec3 intensity;                // candela (point, spot), lux (directional)
    float range;                   // metres; 0: infinite
    float cone_scale, cone_offset; // KHR_lights_punctual: saturate(cos * scale + offset)^2
    uint instance, triangle;       // LIGHT_TRIANGLE: global triangle index
    float pmf;                     // far lights: probability that pick_light returns this entry; near lights: 0
    float alias_threshold;         // Vose's alias table over the lights, this entry's cell: take the entry itself when the
    uint alias;                    // cell's fraction is below the threshold, else `alias`
    uint trail;                    // near lights: the way from the tree's root to its leaf, lowest bit first, 1: to the second child
    uint unused;
};
SHARED_LAYOUT(SceneLight, 80, unused, 76);

CONSTANT(uint, LIGHT_LEAF, 0x80000000u);
CONSTANT(uint, LIGHT_NODE_BOTH_SIDES, 1u); // what shines along its axis shines against it too (triangles)

// A node of the tree of near lights (light_tree.h): bounds of where its lights are, of where they shine, and how strongly.
struct LightNode {
    vec3 lower, upper; // world, metres
    vec3 axis;         // unit; the lights' own axes lie within `spread` of it
    float cos_spread;
    float cos_emission; // each light shines within this angle of its own axis
    float intensity;    // luminance: candela, or radiance x area
    uint flags;         // LIGHT_NODE_*
    uint link;          // inner: index of the second child (the first one follows the node); leaf: LIGHT_LEAF | index into lights
};
SHARED_LAYOUT(LightNode, 56, link, 52);

// Lat-long environment, texel and patch (x, y) at y * width + x. Row 0 is the top (+y), u as in shared/interface.md (less the rotation).
// Radiance of a direction: bilinear between texel centres, wrapping in u, clamped in v (a 1k panorama seen through 40 degrees is magnified
// ten times). Sampling is by patches between four texels' centres, height + 1 rows of them: patch (x, y) has the texels of columns x and x
// + 1, rows y - 1 and y (wrapped and clamped alike: the first and the last row are half as high and reach the poles). In a patch the
// density over (u, v) is the bilinear interpolant of the importance (environment_importance) of its four texels: the shape of what is seen,
// so that a small sun costs no noise. Per steradian, importance being that interpolant: rows between the poles density x importance /
// sin(theta), the two at the poles density x importance (theta there is drawn uniformly over the sphere). It is positive wherever radiance
// is. Drawn by two 32-bit numbers, inverting distributions, so that even points of the square stay even over the sphere: the row is the
// first whose row_end is above the one, then its column the first whose column_end is above the other; what is left of the numbers is the
// place in it.
struct EnvironmentTexel {
    vec3 radiance;   // texel value x strength; 0 in the row past the last, which has a patch only
    float density;   // of the patch: its probability / mean importance / (2 pi^2 / (width height)); at the poles / its solid angle
    uint row_end;    // 2^32 x probability of this row of patches and those above (the same all along a row); 0xffffffff for all
    uint column_end; // 2^32 x probability, within the row, of this patch and those left of it; 0xffffffff for all
};
SHARED_LAYOUT(EnvironmentTexel, 24, column_end, 20);

// ---- camera ------------------------------------------------------------------------------------------------------------------------
CONSTANT(uint, CAMERA_PERSPECTIVE, 0u);
CONSTANT(uint, CAMERA_ORTHOGRAPHIC, 1u);

struct SceneCamera {
    mat4x3 camera_to_world; // camera looks along -z, y up; unit axes
    uint kind;              // CAMERA_*
    float half_height;      // perspective: tan(yfov / 2); orthographic: ymag, metres
    float half_width;       // perspective: half_height x frame width / height; orthographic: xmag (the file's, whatever the frame's shape)
    float near_plane;       // metres along -z; hits before it are not seen. 0 for a look-at camera
    float far_plane;        // metres; 0: infinite
};
SHARED_LAYOUT(SceneCamera, 68, far_plane, 64);

// ---- all of it -----------------------------------------------------------------------------------------------------------------------
BUFFER_OF(SceneTriangles, SceneTriangle);
BUFFER_OF(SceneMeshes, SceneMesh);
BUFFER_OF(SceneInstances, SceneInstance);
BUFFER_OF(SceneMaterials, SceneMaterial);
BUFFER_OF(SceneTextures, SceneTexture);
BUFFER_OF(SceneLights, SceneLight);
BUFFER_OF(LightNodes, LightNode);
BUFFER_OF(EnvironmentTexels, EnvironmentTexel);
BUFFER_OF(Uints, uint);
BUFFER_OF(Vec2s, vec2);
BUFFER_OF(Vec3s, vec3);
BUFFER_OF(Vec4s, vec4);

CONSTANT(uint, SCENE_ENVIRONMENT_CONSTANT, 1u); // the environment is environment_constant; no texels
CONSTANT(uint, SCENE_ENVIRONMENT_HIDDEN, 2u);   // lights, but camera rays see nothing: alpha 0
CONSTANT(uint, SCENE_HAS_ENVIRONMENT, 4u);
CONSTANT(uint, SCENE_HAS_ALPHA, 8u); // some instance has INSTANCE_HAS_ALPHA
// What the scene is known to lack (renderer/scene/features.cpp): kernels are compiled without it. A flag that is not set promises nothing.
CONSTANT(uint, SCENE_NO_TEXTURES, 16u);
CONSTANT(uint, SCENE_NO_NORMAL_MAPS, 32u);
CONSTANT(uint, SCENE_NO_COLORS, 64u); // of vertices
CONSTANT(uint, SCENE_NO_VERTEX_NORMALS, 128u);
CONSTANT(uint, SCENE_NO_GLOSS, 256u); // all surfaces are Lambert's
CONSTANT(uint, SCENE_NO_UNLIT, 512u);
CONSTANT(uint, SCENE_NO_TRIANGLE_LIGHTS, 1024u);
CONSTANT(uint, SCENE_NO_LAMPS, 2048u); // point and spot lights
CONSTANT(uint, SCENE_NO_DIRECTIONAL, 4096u);

struct SceneData {
    Vec3s positions;
    Vec3s normals;
    Vec4s tangents;
    Vec4s colors;
    Vec2s uvs;
    SceneTriangles triangles;
    SceneMeshes meshes;
    SceneInstances instances;
    SceneMaterials materials;
    SceneTextures textures;
    Uints texels;
    SceneLights lights;
    LightNodes light_nodes; // root first; none without near lights
    Uints triangle_light;   // per triangle of each emitting instance: index into lights, or NONE where its material does not emit
    EnvironmentTexels environment;
    uint light_count;
    uint environment_width, environment_height;
    uint flags;                 // SCENE_*
    vec3 environment_constant;  // radiance x strength
    float environment_rotation; // fraction of a turn: u loses it
    uint environment_light;     // index into lights; NONE without environment
    float scene_radius;         // metres, of the sphere round all instances (power of far lights)
    vec3 scene_center;
    uint instance_count;
    SceneCamera camera;
    float distant_share; // probability that a far light is drawn: 0 without far lights, 1 without near ones
};
SHARED_LAYOUT(SceneData, 15 * 8 + 4 * 4 + 16 + 8 + 16 + 68 + 4, camera, 15 * 8 + 4 * 4 + 16 + 8 + 16);

SHADING_END
#endif
