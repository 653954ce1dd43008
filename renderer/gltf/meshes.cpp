#include "renderer/gltf/parts.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace raymill::gltf {
namespace {

enum Mode : std::uint64_t { points = 0, lines = 1, line_loop = 2, line_strip = 3, triangles = 4, triangle_strip = 5, triangle_fan = 6 };

/// Corners of all triangles (glTF 2.0, 3.7.2.1), without those that name a vertex twice: they have no area (strips are joined with such).
std::vector<std::uint32_t> triangle_list(const std::vector<std::uint32_t>& corners, std::uint64_t mode) {
    std::vector<std::uint32_t> out;
    const auto add = [&](std::uint32_t a, std::uint32_t b, std::uint32_t c) {
        if (a != b && b != c && c != a) out.insert(out.end(), {a, b, c});
    };
    if (mode == triangles) {
        out.reserve(corners.size());
        for (std::size_t i = 0; i + 2 < corners.size(); i += 3) add(corners[i], corners[i + 1], corners[i + 2]);
    } else if (mode == triangle_strip) {
        for (std::size_t i = 0; i + 2 < corners.size(); ++i) add(corners[i], corners[i + 1 + i % 2], corners[i + 2 - i % 2]);
    } else {
        for (std::size_t i = 0; i + 2 < corners.size(); ++i) add(corners[i + 1], corners[i + 2], corners[0]);
    }
    return out;
}

template<class T> void reorder_stream(std::vector<T>& stream, const std::vector<std::uint32_t>& from) {
    if (stream.empty()) return;
    std::vector<T> out;
    out.reserve(from.size());
    for (const auto old : from) out.push_back(stream[old]);
    stream = std::move(out);
}

/// Drops vertices that no triangle has: a file may share one long accessor between many primitives.
void compact(scene::Primitive& primitive) {
    std::vector<std::uint32_t> now(primitive.positions.size(), scene::NONE), from;
    for (auto& index : primitive.indices) {
        if (now[index] == scene::NONE) {
            now[index] = static_cast<std::uint32_t>(from.size());
            from.push_back(index);
        }
    }
    if (from.size() == primitive.positions.size()) return;
    for (auto& index : primitive.indices) index = now[index];
    reorder(primitive, from);
}

/// Gives each triangle vertices of its own.
void separate(scene::Primitive& primitive) {
    const std::vector<std::uint32_t> from = primitive.indices;
    for (std::size_t i = 0; i < from.size(); ++i) primitive.indices[i] = static_cast<std::uint32_t>(i);
    reorder(primitive, from);
}

glm::vec3 face_normal(const scene::Primitive& p, std::size_t corner) {
    const glm::dvec3 a = p.positions[p.indices[corner]], b = p.positions[p.indices[corner + 1]], c = p.positions[p.indices[corner + 2]];
    const glm::dvec3 n = glm::cross(b - a, c - a);
    const double length = glm::length(n);
    return length > 0 ? glm::vec3(n / length) : glm::vec3(0, 1, 0);
}

/// Unit normals; those of length 0 become the normal of a face at the vertex.
void make_unit(scene::Primitive& primitive) {
    bool missing = false;
    for (auto& n : primitive.normals) {
        const double length = glm::length(glm::dvec3(n));
        n = length > 0 ? glm::vec3(glm::dvec3(n) / length) : glm::vec3(0);
        missing = missing || length == 0;
    }
    if (!missing) return;
    for (std::size_t i = 0; i + 2 < primitive.indices.size(); i += 3)
        for (std::size_t k = 0; k < 3; ++k)
            if (auto& n = primitive.normals[primitive.indices[i + k]]; n == glm::vec3(0)) n = face_normal(primitive, i);
}

class MeshReader {
  public:
    MeshReader(Loading& loading, const Object& object) : loading_(loading), object_(object) {}

    scene::Mesh read() {
        mesh_.name = object_.text("name");
        const std::size_t count = object_.size("primitives");
        if (count == 0) bad(object_.path("primitives"), "is missing or empty");
        for (std::size_t i = 0; i < count; ++i) read_primitive(object_.at("primitives", i), i == 0);
        mesh_.weights = object_.list("weights");
        if (mesh_.weights.empty()) mesh_.weights.assign(mesh_.target_count, 0.f);
        if (mesh_.weights.size() != mesh_.target_count)
            bad(object_.path("weights"),
                "has " + std::to_string(mesh_.weights.size()) + " weights for " + std::to_string(mesh_.target_count) + " morph targets");
        finish_shading();
        return std::move(mesh_);
    }

  private:
    /// The materials that a primitive may have, whatever the variant.
    template<class F> void each_material(const scene::Primitive& primitive, F&& visit) const {
        static const scene::Material standard{};
        const auto& materials = loading_.scene.materials;
        visit(primitive.material == scene::NONE ? standard : materials[primitive.material]);
        for (const auto m : primitive.variant_materials)
            if (m != scene::NONE) visit(materials[m]);
    }

    void read_primitive(const Object& object, bool first) {
        scene::Primitive primitive;
        const std::size_t targets = object.size("targets");
        if (first) mesh_.target_count = static_cast<std::uint32_t>(targets);
        if (targets != mesh_.target_count)
            bad(object.path("targets"),
                "has " + std::to_string(targets) + " morph targets, the mesh's first primitive " + std::to_string(mesh_.target_count));
        const std::uint64_t mode = object.whole("mode", triangles);
        if (mode > triangle_fan) bad(object.path("mode"), "is " + std::to_string(mode) + ", which is no mode");
        read_materials_of(object, primitive);
        const auto attributes = object.object("attributes");
        if (!attributes) bad(object.path("attributes"), "is missing");
        if (mode < triangles) return loading_.note(mode == points ? "points are not drawn" : "lines are not drawn", object.path());
        if (!attributes->has("POSITION")) return loading_.note("primitives without positions are not drawn", object.path());

        Accessors& accessors = loading_.accessors;
        const std::uint32_t position = accessor(*attributes, "POSITION");
        const std::uint64_t count = accessors.count(position);
        read_indices(object, primitive, mode, count);
        if (primitive.indices.empty()) return loading_.note("primitives without triangles are not drawn", object.path());
        loading_.triangles += primitive.indices.size() / 3;
        if (loading_.triangles > loading_.limits().max_triangles)
            bad(object.path(), "with it the meshes have more than " + std::to_string(loading_.limits().max_triangles) + " triangles");
        primitive.positions = accessors.vec3s(position);
        const auto same_count = [&](std::uint32_t index, const Object& in, std::string_view key) {
            if (accessors.count(index) != count)
                bad(in.path(key), place("accessors", index) + " has " + std::to_string(accessors.count(index)) + " elements, POSITION " +
                                      std::to_string(count));
            return index;
        };
        const auto stream = [&](const Object& in, std::string_view key) { return same_count(accessor(in, key), in, key); };
        if (attributes->has("NORMAL")) primitive.normals = accessors.vec3s(stream(*attributes, "NORMAL"));
        // glTF 2.0, 3.7.2.1: without normals they are flat and given tangents are ignored.
        if (attributes->has("TANGENT") && !primitive.normals.empty()) primitive.tangents = accessors.vec4s(stream(*attributes, "TANGENT"));
        read_uvs(*attributes, primitive, stream);
        if (attributes->has("COLOR_0")) read_colors(stream(*attributes, "COLOR_0"), primitive);
        read_influences(*attributes, primitive, stream);
        for (std::size_t t = 0; t < targets; ++t) {
            const Object target = object.at("targets", t);
            scene::MorphTarget out;
            if (target.has("POSITION")) out.positions = accessors.vec3s(stream(target, "POSITION"));
            if (target.has("NORMAL") && !primitive.normals.empty()) out.normals = accessors.vec3s(stream(target, "NORMAL"));
            if (target.has("TANGENT") && !primitive.tangents.empty()) out.tangents = accessors.vec3s(stream(target, "TANGENT"));
            primitive.targets.push_back(std::move(out));
        }
        compact(primitive);
        make_unit(primitive);
        mesh_.primitives.push_back(std::move(primitive));
    }

    std::uint32_t accessor(const Object& in, std::string_view key) const { return in.index(key, loading_.accessors.size(), "accessors"); }

    void read_materials_of(const Object& object, scene::Primitive& primitive) const {
        const std::size_t materials = loading_.scene.materials.size(), variants = loading_.scene.variants.size();
        primitive.material = object.optional_index("material", materials, "materials");
        const auto extension = object.extension("KHR_materials_variants");
        if (!extension) return;
        for (std::size_t i = 0; i < extension->size("mappings"); ++i) {
            const Object mapping = extension->at("mappings", i);
            const std::uint32_t material = mapping.index("material", materials, "materials");
            primitive.variant_materials.resize(variants, scene::NONE);
            for (const auto variant : mapping.indices("variants", variants, "variants")) primitive.variant_materials[variant] = material;
        }
    }

    void read_indices(const Object& object, scene::Primitive& primitive, std::uint64_t mode, std::uint64_t count) {
        std::vector<std::uint32_t> corners;
        if (object.has("indices")) {
            const std::uint32_t index = object.index("indices", loading_.accessors.size(), "accessors");
            corners = loading_.accessors.wholes(index, "SCALAR");
            for (std::size_t i = 0; i < corners.size(); ++i)
                if (corners[i] >= count)
                    bad(place("accessors", index), "element " + std::to_string(i) + " is " + std::to_string(corners[i]) + ", but " +
                                                       object.path() + " has " + std::to_string(count) + " vertices");
        } else {
            if (count > loading_.limits().max_triangles * 3)
                bad(object.path(), "has " + std::to_string(count) + " vertices, past the bound on triangles");
            corners.resize(count);
            for (std::size_t i = 0; i < corners.size(); ++i) corners[i] = static_cast<std::uint32_t>(i);
        }
        if (mode == triangles && corners.size() % 3 != 0)
            loading_.note("corners that do not make up a triangle are left out", object.path());
        primitive.indices = triangle_list(corners, mode);
    }

    /// Only the sets that its materials read.
    template<class F> void read_uvs(const Object& attributes, scene::Primitive& primitive, const F& stream) {
        std::array<bool, scene::MAX_UV_SETS> wanted{};
        each_material(primitive, [&](const scene::Material& m) {
            for (const auto* slot : {&m.base_color_texture, &m.metallic_roughness_texture, &m.normal_texture, &m.emission_texture,
                                     &m.specular_texture, &m.specular_color_texture})
                if (slot->texture != scene::NONE) wanted[slot->uv_set] = true;
        });
        for (std::size_t set = 0; set < wanted.size(); ++set) {
            if (!wanted[set]) continue;
            const std::string key = "TEXCOORD_" + std::to_string(set);
            if (attributes.has(key))
                primitive.uvs[set] = loading_.accessors.vec2s(stream(attributes, key));
            else
                loading_.note("a material reads a texture with coordinates that the primitive lacks; (0, 0) is taken",
                              attributes.path(key));
        }
    }

    void read_colors(std::uint32_t index, scene::Primitive& primitive) {
        const std::uint32_t width = loading_.accessors.components(index);
        const std::vector<float> values = loading_.accessors.floats(index, {"VEC3", "VEC4"});
        for (std::size_t i = 0; i < values.size(); i += width) {
            const glm::vec4 color(values[i], values[i + 1], values[i + 2], width == 4 ? values[i + 3] : 1.f);
            primitive.colors.push_back(glm::clamp(color, 0.f, 1.f));
        }
    }

    template<class F> void read_influences(const Object& attributes, scene::Primitive& primitive, const F& stream) {
        const std::string joints = "JOINTS_", weights = "WEIGHTS_";
        for (std::size_t set = 0; set < 2; ++set) {
            const std::string joint_key = joints + std::to_string(set), weight_key = weights + std::to_string(set);
            if (attributes.has(joint_key) != attributes.has(weight_key))
                bad(attributes.path(), "has only one of " + joint_key + " and " + weight_key);
            if (!attributes.has(joint_key)) return;
            const std::uint32_t at = stream(attributes, joint_key);
            const std::vector<std::uint32_t> values = loading_.accessors.wholes(at, "VEC4");
            auto& out = set == 0 ? primitive.joints0 : primitive.joints1;
            for (std::size_t i = 0; i < values.size(); i += 4) {
                for (std::size_t k = 0; k < 4; ++k)
                    if (values[i + k] > 0xffff)
                        bad(place("accessors", at),
                            "element " + std::to_string(i / 4) + " is joint " + std::to_string(values[i + k]) + "; joints go up to 65535");
                const auto joint = [&](std::size_t k) { return static_cast<std::uint16_t>(values[i + k]); };
                out.emplace_back(joint(0), joint(1), joint(2), joint(3));
            }
            (set == 0 ? primitive.weights0 : primitive.weights1) = loading_.accessors.vec4s(stream(attributes, weight_key));
        }
        if (attributes.has("JOINTS_2")) loading_.note("more than eight joints a vertex: the others are left out", attributes.path());
        // glTF 2.0, 3.7.3.3: weights sum to 1, but for the rounding of small integers.
        for (std::size_t v = 0; v < primitive.weights0.size(); ++v) {
            glm::vec4 &a = primitive.weights0[v], none(0), &b = primitive.weights1.empty() ? none : primitive.weights1[v];
            a = glm::max(a, 0.f), b = glm::max(b, 0.f);
            const float sum = glm::dot(a, glm::vec4(1)) + glm::dot(b, glm::vec4(1));
            if (sum > 0 && std::isfinite(sum))
                a /= sum, b /= sum;
            else
                a = glm::vec4(1, 0, 0, 0), b = glm::vec4(0);
        }
    }

    /// Flat primitives beside smooth or bumped ones get vertices of their own; tangents where a normal texture needs them.
    void finish_shading() {
        bool needs_normals = false;
        for (const auto& primitive : mesh_.primitives) {
            needs_normals = needs_normals || !primitive.normals.empty();
            each_material(primitive,
                          [&](const scene::Material& m) { needs_normals = needs_normals || m.normal_texture.texture != scene::NONE; });
        }
        for (auto& primitive : mesh_.primitives) {
            const scene::TextureSlot* bump = nullptr;
            each_material(primitive, [&](const scene::Material& m) {
                if (!bump && m.normal_texture.texture != scene::NONE && !m.unlit) bump = &m.normal_texture;
            });
            const bool flat = primitive.normals.empty();
            if (flat && needs_normals) separate(primitive);
            if (!bump) {
                primitive.tangents.clear();
                for (auto& target : primitive.targets) target.tangents.clear();
                continue;
            }
            if (!primitive.tangents.empty()) {
                for (auto& t : primitive.tangents) t.w = t.w < 0 ? -1.f : 1.f;
                continue;
            }
            if (flat) {
                primitive.normals.resize(primitive.positions.size());
                for (std::size_t i = 0; i + 2 < primitive.indices.size(); i += 3)
                    for (std::size_t k = 0; k < 3; ++k) primitive.normals[primitive.indices[i + k]] = face_normal(primitive, i);
            }
            std::vector<glm::vec2> uv = primitive.uvs[bump->uv_set];
            uv.resize(primitive.positions.size());
            const auto& m = bump->transform;
            for (auto& t : uv) t = {m[0] * t.x + m[1] * t.y + m[2], m[3] * t.x + m[4] * t.y + m[5]};
            derive_tangents(primitive, uv);
            if (flat) primitive.normals.clear(); // they follow the deformed faces
        }
    }

    Loading& loading_;
    const Object& object_;
    scene::Mesh mesh_;
};

} // namespace

void reorder(scene::Primitive& primitive, const std::vector<std::uint32_t>& from) {
    reorder_stream(primitive.positions, from);
    reorder_stream(primitive.normals, from);
    reorder_stream(primitive.tangents, from);
    reorder_stream(primitive.colors, from);
    for (auto& set : primitive.uvs) reorder_stream(set, from);
    reorder_stream(primitive.joints0, from);
    reorder_stream(primitive.joints1, from);
    reorder_stream(primitive.weights0, from);
    reorder_stream(primitive.weights1, from);
    for (auto& target : primitive.targets) {
        reorder_stream(target.positions, from);
        reorder_stream(target.normals, from);
        reorder_stream(target.tangents, from);
    }
}

void read_meshes(Loading& loading) {
    const Object root = loading.document.root();
    if (const auto variants = root.extension("KHR_materials_variants"))
        for (std::size_t i = 0; i < variants->size("variants"); ++i)
            loading.scene.variants.push_back(variants->at("variants", i).text("name"));
    for (std::size_t i = 0; i < root.size("meshes"); ++i) {
        const Object object = root.at("meshes", i);
        loading.scene.meshes.push_back(MeshReader(loading, object).read());
    }
}

} // namespace raymill::gltf
