// From a hit to a point that can be shaded: position, normals, texture coordinates, and the material's inputs with textures and vertex
// colours applied.
//
// Sides. Every surface shades from both sides, single-sided ones too (as Cycles and most path tracers do: culling would open closed rooms
// and break shadows); normals are turned to the side the ray came from, which is what glTF asks for double-sided ones (section 3.9.5).
// Emission likewise leaves both sides of every emitter; glTF says nothing of light behind one, and Cycles 3.4 shows a single-sided emissive
// quad lit from behind.
#ifndef RAYMILL_SURFACE_H
#define RAYMILL_SURFACE_H
#include "direction.h"
#include "language.h"
#include "ray_offset.h"
#include "scene_data.h"
#include "scene_loads.h"
#include "texture.h"
SHADING_BEGIN

CONSTANT(float, MIN_FACING, 1.0e-3f); // least cosine between a shading normal and the direction to the viewer

// Where a ray ended. `instance` NONE: nowhere. (u, v) as in triangle.h; `triangle` is global.
struct RayHit {
    uint instance, triangle;
    float t, u, v;
};

// Weights of the triangle's three vertices.
inline vec3 barycentric_weights(float u, float v) { return vec3(1.0f - u - v, u, v); }

inline vec2 texture_coordinates(IN(SceneData) scene, uint mesh, IN(SceneTriangle) triangle, vec3 weights, uint uv_set) {
    SceneMesh streams = load_mesh(scene, mesh);
    uint first = streams.first_uv0;
    if (uv_set == 1u) first = streams.first_uv1;
    if (uv_set == 2u) first = streams.first_uv2;
    if (uv_set == 3u) first = streams.first_uv3;
    if (first == NONE) return vec2(0.0f);
    uint shift = first - streams.first_vertex;
    return load_uv(scene, triangle.v0 + shift) * weights.x + load_uv(scene, triangle.v1 + shift) * weights.y +
           load_uv(scene, triangle.v2 + shift) * weights.z;
}

// A texture of the triangle's material at a point, `which` being one of scene_loads.h; white where it has none.
inline vec4 evaluate_texture(IN(SceneData) scene, uint which, uint mesh, IN(SceneTriangle) triangle, vec3 weights) {
    if ((scene.flags & SCENE_NO_TEXTURES) != 0u) return vec4(1.0f);
    TextureUse use = load_texture_use(scene, triangle.material, which);
    if (use.texture == NONE) return vec4(1.0f);
    vec2 uv = texture_coordinates(scene, mesh, triangle, weights, use.uv_set);
    vec2 moved = vec2(use.m00 * uv.x + use.m01 * uv.y + use.m02, use.m10 * uv.x + use.m11 * uv.y + use.m12);
    return sample_texture(scene, use.texture, moved);
}

// Base colour and alpha: factor x texture x vertex colour.
inline vec4 evaluate_base_color(IN(SceneData) scene, uint mesh, IN(SceneTriangle) triangle, vec3 weights) {
    vec4 color = load_material(scene, triangle.material).base_color;
    color *= evaluate_texture(scene, BASE_COLOR_TEXTURE, mesh, triangle, weights);
    if ((scene.flags & SCENE_NO_COLORS) != 0u) return color;
    SceneMesh streams = load_mesh(scene, mesh);
    if (streams.first_color != NONE) {
        uint shift = streams.first_color - streams.first_vertex;
        color *= load_color(scene, triangle.v0 + shift) * weights.x + load_color(scene, triangle.v1 + shift) * weights.y +
                 load_color(scene, triangle.v2 + shift) * weights.z;
    }
    return color;
}

// Radiance that the surface itself sends out, the same in all directions and on both sides.
inline vec3 evaluate_emission(IN(SceneData) scene, uint mesh, IN(SceneTriangle) triangle, vec3 weights) {
    vec3 emission = load_material(scene, triangle.material).emission;
    if (max_component(emission) <= 0.0f) return vec3(0.0f);
    vec4 texel = evaluate_texture(scene, EMISSION_TEXTURE, mesh, triangle, weights);
    return emission * vec3(texel.x, texel.y, texel.z);
}

// A triangle of an instance in world space.
struct WorldTriangle {
    vec3 edge1, edge2; // from vertex 0, metres
    vec3 normal;       // unit, of the front face (counter-clockwise in the mesh's own space); 0 where the area is 0
    float area;        // square metres
};

inline vec3 transform_point(IN(mat4x3) m, vec3 p) { return m[0] * p.x + m[1] * p.y + m[2] * p.z + m[3]; }
inline vec3 transform_vector(IN(mat4x3) m, vec3 v) { return m[0] * v.x + m[1] * v.y + m[2] * v.z; }
// A normal through the inverse transform's transpose; not unit afterwards.
inline vec3 transform_normal(IN(mat4x3) inverse, vec3 n) { return vec3(dot(inverse[0], n), dot(inverse[1], n), dot(inverse[2], n)); }

inline WorldTriangle make_world_triangle(IN(mat4x3) object_to_world, uint instance_flags, vec3 p0, vec3 p1, vec3 p2) {
    WorldTriangle world;
    world.edge1 = transform_vector(object_to_world, p1 - p0);
    world.edge2 = transform_vector(object_to_world, p2 - p0);
    vec3 n = cross(world.edge1, world.edge2);
    float size = length(n);
    world.area = 0.5f * size;
    world.normal = size > 0.0f ? n / size : vec3(0.0f);
    if ((instance_flags & INSTANCE_FLIPS_WINDING) != 0u) world.normal = -world.normal;
    return world;
}

struct SurfacePoint {
    vec3 position;         // world, metres
    float offset;          // metres that rays leaving the point must keep from the surface, along geometric_normal
    vec3 geometric_normal; // unit, on the side that the ray came from
    float area;            // of the triangle, square metres, world
    vec3 smooth_normal;    // unit, interpolated between the vertices', on the ray's side
    vec3 normal;           // unit, of shading: smooth_normal, bent by the normal map
    vec3 lift;             // metres from position to the curved surface that the vertices' normals tell of; 0 where it is not above
    uint mesh;
    vec3 weights; // barycentric
    SceneTriangle triangle;
};

// From a point of a triangle to the curved surface that its vertex normals (unit, world, on the ray's side) tell of, where that lies above
// it: rays that start there do not see the facets of a round thing shadow each other in hard steps. Hanika, "Hacking the Shadow Terminator"
// (Ray Tracing Gems II, 2021), listing 4-1, but half the way: for a ball's vertices that is the ball (the whole way leads to its tangent
// planes). Only as far as the normals are believable: where one leans 25 degrees or more from the triangle's, less and less (at 45,
// nothing), or a box with smoothed normals would cast light through what stands beside it.
inline vec3 smooth_surface_lift(IN(WorldTriangle) world, vec3 geometric_normal, vec3 weights, vec3 n0, vec3 n1, vec3 n2) {
    vec3 from0 = world.edge1 * weights.y + world.edge2 * weights.z;
    float below0 = min(0.0f, dot(from0, n0));
    float below1 = min(0.0f, dot(from0 - world.edge1, n1));
    float below2 = min(0.0f, dot(from0 - world.edge2, n2));
    float least = min(dot(n0, geometric_normal), min(dot(n1, geometric_normal), dot(n2, geometric_normal)));
    float believed = clamp((least - 0.7f) * 5.0f, 0.0f, 1.0f);
    return (n0 * (weights.x * below0) + n1 * (weights.y * below1) + n2 * (weights.z * below2)) * (-0.5f * believed);
}

// The shading normal, where it faces away from the viewer, has no lighting of its own: bent until the viewer just sees it.
inline vec3 facing_viewer(vec3 normal, vec3 direction) {
    float facing = -dot(normal, direction);
    return facing < MIN_FACING ? normalize(normal - direction * (MIN_FACING - facing)) : normal;
}

// `direction`: unit, the way the ray travelled.
inline SurfacePoint make_surface_point(IN(SceneData) scene, IN(RayHit) hit, vec3 direction) {
    SurfacePoint point;
    point.triangle = load_triangle(scene, hit.triangle);
    InstanceLinks links = load_links(scene, hit.instance);
    point.mesh = links.mesh;
    point.weights = barycentric_weights(hit.u, hit.v);
    mat4x3 object_to_world = load_object_to_world(scene, hit.instance);
    mat4x3 world_to_object = load_world_to_object(scene, hit.instance);
    uint flags = links.flags;
    vec3 p0 = load_position(scene, point.triangle.v0);
    vec3 p1 = load_position(scene, point.triangle.v1);
    vec3 p2 = load_position(scene, point.triangle.v2);
    WorldTriangle world = make_world_triangle(object_to_world, flags, p0, p1, p2);
    point.area = world.area;
    point.position = transform_point(object_to_world, p0 * point.weights.x + p1 * point.weights.y + p2 * point.weights.z);
    vec3 object_size = abs(p0) * point.weights.x + abs(p1) * point.weights.y + abs(p2) * point.weights.z;
    vec3 error = position_error(object_to_world, world_to_object, object_size, point.position);
    point.offset = offset_distance(error, world.normal, world.edge1, world.edge2, world.area);

    bool from_behind = dot(world.normal, direction) > 0.0f;
    point.geometric_normal = from_behind ? -world.normal : world.normal;
    point.lift = vec3(0.0f);
    // The shading frame is made for the front side, then turned to the ray's side as one.
    vec3 normal = world.normal;
    SceneMesh streams = load_mesh(scene, point.mesh);
    uint first_vertex = streams.first_vertex;
    uint first_normal = (scene.flags & SCENE_NO_VERTEX_NORMALS) != 0u ? NONE : streams.first_normal;
    if (first_normal != NONE) {
        uint shift = first_normal - first_vertex;
        vec3 n0 = transform_normal(world_to_object, load_normal(scene, point.triangle.v0 + shift));
        vec3 n1 = transform_normal(world_to_object, load_normal(scene, point.triangle.v1 + shift));
        vec3 n2 = transform_normal(world_to_object, load_normal(scene, point.triangle.v2 + shift));
        vec3 n = n0 * point.weights.x + n1 * point.weights.y + n2 * point.weights.z;
        float size = length(n);
        float product = dot(n0, n0) * dot(n1, n1) * dot(n2, n2);
        if (size > 0.0f) normal = n / size;
        if (product > 0.0f) {
            // Normals that a file gives against its winding count for the ray's side like others.
            float side = dot(normal, point.geometric_normal) < 0.0f ? -1.0f : 1.0f;
            point.lift = smooth_surface_lift(world, point.geometric_normal, point.weights, n0 * (side * inversesqrt(dot(n0, n0))),
                                             n1 * (side * inversesqrt(dot(n1, n1))), n2 * (side * inversesqrt(dot(n2, n2))));
        }
    }
    vec3 smooth_normal = normal;
    uint first_tangent = (scene.flags & SCENE_NO_NORMAL_MAPS) != 0u ? NONE : streams.first_tangent;
    if (first_tangent != NONE && load_texture_use(scene, point.triangle.material, NORMAL_TEXTURE).texture != NONE) {
        uint shift = first_tangent - first_vertex;
        vec4 tangent = load_tangent(scene, point.triangle.v0 + shift) * point.weights.x +
                       load_tangent(scene, point.triangle.v1 + shift) * point.weights.y +
                       load_tangent(scene, point.triangle.v2 + shift) * point.weights.z;
        vec3 along_u = transform_vector(object_to_world, vec3(tangent.x, tangent.y, tangent.z));
        along_u -= normal * dot(normal, along_u);
        float size = length(along_u);
        if (size > 0.0f) {
            along_u = along_u / size;
            // Section 3.7.2.1: bitangent = cross(normal, tangent) x handedness, in the mesh's own space; a mirroring instance mirrors it.
            float handedness = (tangent.w < 0.0f) == ((flags & INSTANCE_FLIPS_WINDING) != 0u) ? 1.0f : -1.0f;
            vec3 along_v = cross(normal, along_u) * handedness;
            vec4 texel = evaluate_texture(scene, NORMAL_TEXTURE, point.mesh, point.triangle, point.weights);
            float scale = load_material(scene, point.triangle.material).normal_scale;
            vec3 bent = along_u * ((2.0f * texel.x - 1.0f) * scale) + along_v * ((2.0f * texel.y - 1.0f) * scale) +
                        normal * (2.0f * texel.z - 1.0f);
            float bent_size = length(bent);
            if (bent_size > 0.0f) normal = bent / bent_size;
        }
    }
    float side = dot(smooth_normal, point.geometric_normal) < 0.0f ? -1.0f : 1.0f;
    point.smooth_normal = facing_viewer(smooth_normal * side, direction);
    point.normal = facing_viewer(normal * side, direction);
    return point;
}

// Start of a ray that leaves the point on the side of the geometric normal.
inline vec3 leaving_origin(IN(SurfacePoint) point) { return point.position + point.lift + point.geometric_normal * point.offset; }

// Whether a ray from there can leave towards `light`: above the triangle, or high enough over it to pass its edges (tracing will tell).
inline bool can_leave(IN(SurfacePoint) point, vec3 light) {
    return dot(point.geometric_normal, light) > 0.0f || dot(point.geometric_normal, point.lift) > 4.0f * point.offset;
}

SHADING_END
#endif
