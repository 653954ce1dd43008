#include "renderer/scene/deform.hpp"
#include "renderer/scene/flatten_parts.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace raymill::scene {
namespace {

constexpr float largest_coordinate = 1e18f; // its square still fits a float

struct Box {
    glm::dvec3 lower{std::numeric_limits<double>::infinity()};
    glm::dvec3 upper{-std::numeric_limits<double>::infinity()};
    [[nodiscard]] bool empty() const { return !(lower.x <= upper.x); }
    void add(const glm::dvec3& p) { lower = glm::min(lower, p), upper = glm::max(upper, p); }
};

/// Which streams a mesh needs: only those that its materials read.
struct StreamNeeds {
    bool normals = false, tangents = false, colors = false;
    std::array<bool, MAX_UV_SETS> uvs{};
};

StreamNeeds needs_of(const Flattening& f, const Mesh& mesh) {
    StreamNeeds needs;
    for (const Primitive& p : mesh.primitives) {
        const Material& m = f.material(f.material_of(p));
        const bool bumped = m.normal_texture.texture != NONE && !m.unlit;
        needs.normals = needs.normals || !p.normals.empty() || bumped;
        needs.tangents = needs.tangents || bumped;
        needs.colors = needs.colors || !p.colors.empty();
        for (const TextureSlot* slot : {&m.base_color_texture, &m.metallic_roughness_texture, &m.normal_texture, &m.emission_texture,
                                        &m.specular_texture, &m.specular_color_texture})
            if (slot->texture != NONE) needs.uvs[slot->uv_set] = true;
    }
    return needs;
}

/// Appends `values`, or `count` copies of `filler` where the primitive has no such stream.
template<class T> void append(std::vector<T>& stream, const std::vector<T>& values, std::size_t count, const T& filler) {
    if (values.empty())
        stream.resize(stream.size() + count, filler);
    else
        stream.insert(stream.end(), values.begin(), values.end());
}

std::string place(const Flattening& f, std::uint32_t node) {
    const std::string& name = f.scene.nodes[node].name;
    return "nodes[" + std::to_string(node) + "]" + (name.empty() ? "" : " '" + name + "'");
}

/// Adds one mesh; `deformed` holds one entry a primitive, or is empty for the mesh as it stands.
Result<Box> add_mesh(Flattening& f, const Mesh& mesh, std::span<const DeformedStreams> deformed) {
    FlatScene& flat = f.flat;
    std::uint64_t vertices = flat.positions.size(), triangles = flat.triangles.size(), uv_sets = 0;
    for (const Primitive& p : mesh.primitives) vertices += p.positions.size(), triangles += p.indices.size() / 3;
    const StreamNeeds needs = needs_of(f, mesh);
    for (const bool set : needs.uvs) uv_sets += set ? 1 : 0;
    if (std::max({vertices, triangles, flat.uvs.size() + uv_sets * (vertices - flat.positions.size())}) > f.request.limits.max_elements)
        return fail(Code::bad_input, "",
                    "skinned, morphed and plain meshes make more than " + std::to_string(f.request.limits.max_elements) +
                        " vertices or triangles together");

    shading::SceneMesh out{};
    out.first_triangle = static_cast<std::uint32_t>(flat.triangles.size());
    out.triangle_count = static_cast<std::uint32_t>(triangles - flat.triangles.size());
    out.first_vertex = static_cast<std::uint32_t>(flat.positions.size());
    out.vertex_count = static_cast<std::uint32_t>(vertices - flat.positions.size());
    out.first_normal = needs.normals ? static_cast<std::uint32_t>(flat.normals.size()) : NONE;
    out.first_tangent = needs.tangents ? static_cast<std::uint32_t>(flat.tangents.size()) : NONE;
    out.first_color = needs.colors ? static_cast<std::uint32_t>(flat.colors.size()) : NONE;
    std::uint32_t* const firsts[] = {&out.first_uv0, &out.first_uv1, &out.first_uv2, &out.first_uv3};
    for (std::size_t set = 0; set < MAX_UV_SETS; ++set) {
        *firsts[set] = NONE;
        if (!needs.uvs[set]) continue;
        *firsts[set] = static_cast<std::uint32_t>(flat.uvs.size());
        for (const Primitive& p : mesh.primitives) append(flat.uvs, p.uvs[set], p.positions.size(), glm::vec2(0));
    }

    Box box;
    for (std::size_t i = 0; i < mesh.primitives.size(); ++i) {
        const Primitive& p = mesh.primitives[i];
        const bool as_is = deformed.empty();
        const auto& positions = as_is ? p.positions : deformed[i].positions;
        const auto& normals = as_is ? p.normals : deformed[i].normals;
        const auto& indices = as_is ? p.indices : deformed[i].indices;
        const auto base = static_cast<std::uint32_t>(flat.positions.size());
        const std::uint32_t material = f.material_of(p);
        f.used[material] = true;
        for (const auto& v : positions) {
            // Asked so that a NaN says no; what the file holds is finite, what morphs, joints and placements make of it need not be.
            if (!(std::max({std::abs(v.x), std::abs(v.y), std::abs(v.z)}) <= largest_coordinate) || v != v)
                return fail(Code::bad_input, "", "its vertices are not finite or lie beyond 1e18 metres");
            box.add(v);
        }
        for (std::size_t t = 0; t + 2 < indices.size(); t += 3)
            flat.triangles.push_back({base + indices[t], base + indices[t + 1], base + indices[t + 2], material});
        if (needs.normals)
            append(flat.normals, normals.empty() ? flat_normals(positions, indices) : normals, positions.size(), glm::vec3(0, 1, 0));
        if (needs.tangents) append(flat.tangents, as_is ? p.tangents : deformed[i].tangents, positions.size(), glm::vec4(1, 0, 0, 1));
        if (needs.colors) append(flat.colors, p.colors, positions.size(), glm::vec4(1));
        flat.positions.insert(flat.positions.end(), positions.begin(), positions.end());
    }
    flat.meshes.push_back(out);
    return box;
}

/// Whether the inverse of `m` exists and is of use in floats.
bool invertible(const glm::dmat4& m) {
    const glm::dmat3 linear(m);
    const double lengths = glm::length(linear[0]) * glm::length(linear[1]) * glm::length(linear[2]);
    const double determinant = std::abs(glm::determinant(linear));
    if (!(determinant > 1e-9 * lengths) || determinant < 1e-30 || determinant > 1e30) return false;
    const glm::mat4 inverse(glm::inverse(m));
    for (int c = 0; c < 4; ++c)
        for (int r = 0; r < 4; ++r)
            if (!std::isfinite(inverse[c][r])) return false;
    return true;
}

bool is_finite(const glm::dmat4& m) {
    for (int c = 0; c < 4; ++c)
        for (int r = 0; r < 4; ++r)
            if (!(std::abs(m[c][r]) <= static_cast<double>(largest_coordinate))) return false;
    return true;
}

} // namespace

Status flatten_geometry(Flattening& f) {
    const Scene& scene = f.scene;
    f.used.assign(scene.materials.size() + 1, false);
    struct Shared {
        std::uint32_t mesh;
        Box box;
    };
    std::map<std::uint32_t, Shared> shared; // by glTF mesh: its form without deformation
    Box all;
    for (std::uint32_t n = 0; n < scene.nodes.size(); ++n) {
        const Node& node = scene.nodes[n];
        if (!f.visited[n] || node.mesh == NONE || scene.meshes[node.mesh].primitives.empty()) continue;
        const Mesh& mesh = scene.meshes[node.mesh];
        const auto& weights = f.pose.weights[n];
        const bool morphed = std::any_of(weights.begin(), weights.end(), [](float w) { return w != 0; });
        const bool skinned = node.skin != NONE;
        glm::dmat4 world = skinned ? glm::dmat4(1) : f.pose.world[n];
        if (!is_finite(world)) return fail(Code::bad_input, place(f, n), "its place in the world is not finite or beyond 1e18 metres");
        if (!skinned && glm::dmat3(world) == glm::dmat3(0)) continue; // shrunk to a point
        // A placement without inverse (flattened by a scale of 0 along an axis) goes into the vertices.
        const bool baked = !skinned && !invertible(world);
        Shared placed{};
        const auto known = shared.find(node.mesh);
        if (!morphed && !skinned && !baked && known != shared.end()) {
            placed = known->second;
        } else {
            std::vector<glm::dmat4> joints;
            if (skinned) joints = joint_matrices(scene.skins[node.skin], f.pose.world);
            for (const auto& joint : joints)
                if (!is_finite(joint)) return fail(Code::bad_input, place(f, n), "a joint of its skin is not finite or beyond 1e18 metres");
            std::vector<DeformedStreams> deformed;
            if (morphed || skinned || baked)
                for (const Primitive& p : mesh.primitives) deformed.push_back(deform(p, weights, joints, baked ? &world : nullptr));
            if (baked) world = glm::dmat4(1);
            auto box = add_mesh(f, mesh, deformed);
            if (!box) return std::unexpected(box.error().within(place(f, n)));
            placed = {static_cast<std::uint32_t>(f.flat.meshes.size()) - 1, *box};
            if (deformed.empty()) shared.emplace(node.mesh, placed);
        }
        Box box;
        for (int corner = 0; corner < 8 && !placed.box.empty(); ++corner) {
            const glm::dvec3 p((corner & 1) != 0 ? placed.box.upper.x : placed.box.lower.x,
                               (corner & 2) != 0 ? placed.box.upper.y : placed.box.lower.y,
                               (corner & 4) != 0 ? placed.box.upper.z : placed.box.lower.z);
            box.add(glm::dvec3(world * glm::dvec4(p, 1)));
        }
        for (int axis = 0; axis < 3; ++axis)
            if (!(box.lower[axis] >= -static_cast<double>(largest_coordinate) &&
                  box.upper[axis] <= static_cast<double>(largest_coordinate)))
                return fail(Code::bad_input, place(f, n), "its vertices are not finite or lie beyond 1e18 metres");
        all.add(box.lower), all.add(box.upper);

        shading::SceneInstance instance{};
        instance.object_to_world = glm::mat4x3(glm::mat4(world));
        instance.world_to_object = glm::mat4x3(glm::mat4(glm::inverse(world)));
        instance.mesh = placed.mesh;
        instance.flags = glm::determinant(glm::dmat3(world)) < 0 ? shading::INSTANCE_FLIPS_WINDING : 0;
        instance.first_triangle_light = NONE;
        instance.name = n;
        f.flat.instances.push_back(instance);
    }
    if (!all.empty()) f.lower = all.lower, f.upper = all.upper;
    const glm::dvec3 center = (f.lower + f.upper) * 0.5;
    f.flat.head.scene_center = glm::vec3(center);
    f.flat.head.scene_radius = all.empty() ? 1.f : std::max(static_cast<float>(glm::length(f.upper - f.lower) * 0.5), 1e-6f);
    return {};
}

} // namespace raymill::scene
